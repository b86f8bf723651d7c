"""The index for searching messages: a virtual table on SQLite, a table of documents on PostgreSQL (chat/search_index.py).

It is no model: it has another shape on each database and holds only what can be made again. What processes of the version
before write while this one comes up is indexed by the scheduler.
"""

from django.db import migrations

from chat.search_index import index_missing

SQLITE = [
    "CREATE VIRTUAL TABLE chat_search USING fts5(words, room, prefix='2 3', tokenize='unicode61 remove_diacritics 0')",
]
# No foreign key: emptying tables stays possible.
POSTGRESQL = [
    "CREATE TABLE chat_search (message_id bigint PRIMARY KEY, document tsvector NOT NULL)",
    "CREATE INDEX chat_search_document ON chat_search USING gin (document)",
]


def create(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)
    index_missing()


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE chat_search")


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_chat_ui_pinned")]

    operations = [migrations.RunPython(create, drop)]
