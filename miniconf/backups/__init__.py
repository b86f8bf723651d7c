"""Backups: the whole site in one file, read back on either database, also by a newer version of the code.

The file is a ZIP archive: `manifest.json`; `rows/<app>.<Model>.jsonl`, a JSON list of columns and then one of values for
each row; `media/...`; `secret_key` where the data folder keeps one. Rows are written by today's models and read by those
which the backup's migrations describe.
"""
