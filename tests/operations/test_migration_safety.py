"""Migrations can be applied while the old version still runs, or say what else to do."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from tests.operations.migration_safety import MARKER, harms

# The tables of the first release: nothing older runs anywhere.
FIRST_RELEASE = {
    "accounts": 2, "chat": 5, "console": 2, "demos": 4, "miniconf": 1, "papers": 6, "people": 1,
}  # fmt: skip


def test_no_migration_breaks_the_version_that_still_runs() -> None:
    """If this fails: add a column with null=True or a db_default and take the old one away a release later. Where that is
    not possible, say in the migration why it does no harm or what the operator must do: `while_old_code_runs = "…"`."""
    loader = MigrationLoader(None)
    ours = {
        config.label for config in apps.get_app_configs() if str(config.path).startswith(str(settings.BASE_DIR))
        and ".venv" not in str(config.path)
    }  # fmt: skip
    state, wrong = ProjectState(), {}
    for key in loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):  # type: ignore[attr-defined]
        migration = loader.graph.nodes[key]
        if key[0] not in ours or int(key[1][:4]) <= FIRST_RELEASE.get(key[0], 0):
            migration.mutate_state(state, preserve=False)
            continue
        found = harms(state, migration)
        module = __import__(migration.__module__, fromlist=[MARKER])
        if found and len(getattr(module, MARKER, "")) < 20:
            wrong[".".join(key)] = found
    assert ours >= {"papers", "chat", "demos", "accounts", "people"}
    assert wrong == {}


def text(**options: object) -> models.CharField:
    return models.CharField(max_length=100, **options)  # type: ignore[arg-type]


HARMLESS = {
    "a table": migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True))]),
    "a column that may be empty": migrations.AddField("talk", "room", text(null=True)),
    "a column that the database fills": migrations.AddField("talk", "room", text(db_default="")),
    "an index": migrations.AddIndex("talk", models.Index(fields=["title"], name="by_title")),
    "a longer text": migrations.AlterField("talk", "title", models.CharField(max_length=500)),
    "a text that may be missing": migrations.AlterField("talk", "title", text(null=True)),
    "other words": migrations.AlterModelOptions("talk", {"verbose_name": "speech"}),
    "only in the state": migrations.SeparateDatabaseAndState(
        state_operations=[migrations.RemoveField("talk", "title")]
    ),
}
HARMFUL = {
    "a column without a value": migrations.AddField("talk", "room", text()),
    "a column that only Django fills": migrations.AddField("talk", "room", text(default="")),
    "a column less": migrations.RemoveField("talk", "title"),
    "a table less": migrations.DeleteModel("talk"),
    "another name of a column": migrations.RenameField("talk", "title", "name"),
    "another name of a table": migrations.RenameModel("Talk", "Speech"),
    "another table": migrations.AlterModelTable("talk", "speeches"),
    "a shorter text": migrations.AlterField("talk", "title", models.CharField(max_length=10)),
    "another kind": migrations.AlterField("talk", "title", models.IntegerField()),
    "unique from now on": migrations.AlterField("talk", "title", text(unique=True)),
    "never missing from now on": migrations.AlterField("talk", "note", text()),
    "a rule": migrations.AddConstraint("talk", models.UniqueConstraint(fields=["title"], name="once")),
    "together unique": migrations.AlterUniqueTogether("talk", {("title", "note")}),
    "SQL": migrations.RunSQL("DELETE FROM talk"),
    "Python": migrations.RunPython(migrations.RunPython.noop),
    "wrapped": migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("talk", "title")]),
}


def judged(operation: object) -> list[str]:
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True)), ("title", text()), ("note", text(null=True))]
    state.add_model(ModelState("made_up", "Talk", fields))
    migration = migrations.Migration("0002_x", "made_up")
    migration.operations = [operation]
    return harms(state, migration)


@pytest.mark.parametrize("what", HARMLESS)
def test_what_old_code_does_not_notice_passes(what: str) -> None:
    assert judged(HARMLESS[what]) == []


@pytest.mark.parametrize("what", HARMFUL)
def test_what_old_code_does_not_survive_is_found(what: str) -> None:
    assert len(judged(HARMFUL[what])) == 1


def test_a_new_table_may_be_finished_in_the_migration_that_makes_it() -> None:
    migration = migrations.Migration("0002_x", "made_up")
    migration.operations = [
        migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("note", "text", text()),
        migrations.AddConstraint("note", models.UniqueConstraint(fields=["text"], name="once")),
    ]
    assert harms(ProjectState(), migration) == []
