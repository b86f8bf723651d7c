"""Faster search on PostgreSQL, which keeps long documents apart: title, authors and keywords once more, small enough to
be ranked by. On SQLite the words of the index as a table, for "Did you mean". A partial index serves the plain list."""

from django.db import migrations, models

SQLITE = ["CREATE VIRTUAL TABLE papers_words USING fts5vocab(papers_search, row)"]
SQLITE_BACK = ["DROP TABLE papers_words"]
POSTGRESQL = [
    "ALTER TABLE papers_search ADD COLUMN head tsvector"
    " GENERATED ALWAYS AS (ts_filter(document, '{a,b,c}')) STORED",
    "CREATE INDEX papers_search_head ON papers_search USING gin (head)",
]
POSTGRESQL_BACK = ["ALTER TABLE papers_search DROP COLUMN head"]


def create(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("papers", "0005_event_seats_closed")]

    operations = [
        migrations.RunPython(create, drop),
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(
                condition=models.Q(("withdrawn_at", None)), fields=["title", "uid"], name="papers_by_title"
            ),
        ),
    ]
