"""Papers picked for the home page, and the search index: a virtual table on SQLite, a document column on PostgreSQL.

The index is no model: it has another shape on each database and holds only what can be made again (papers/search.py).
"""

from django.db import migrations, models

SQLITE = [
    "CREATE VIRTUAL TABLE papers_search USING fts5(title, authors, keywords, abstract, prefix='2 3',"
    " tokenize='unicode61 remove_diacritics 0')",
]
# No foreign key: rows of papers that are gone are deleted by papers/signals.py, and emptying tables stays possible.
POSTGRESQL = [
    "CREATE TABLE papers_search (paper_id bigint PRIMARY KEY, document tsvector NOT NULL)",
    "CREATE INDEX papers_search_document ON papers_search USING gin (document)",
]


def create(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE papers_search")


class Migration(migrations.Migration):
    dependencies = [("papers", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="paper",
            name="highlighted",
            field=models.BooleanField(default=False, help_text="Shown on the home page"),
        ),
        migrations.RunPython(create, drop),
    ]
