"""The whole conference as static files: what a visitor sees, readable from any web server and from a disk.

Pages are made by the site's own views, asked as a visitor asks (`request.frozen` is set: conversations are complete and
closed, demos show recorded runs). Then their addresses are made relative, what needs a server is taken out
(`rewrite.py`), and the scripts that are left are put into one classic script (`scripts.py`), since browsers load no
modules from a disk.
"""
