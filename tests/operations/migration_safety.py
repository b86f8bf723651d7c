"""Which operations of a migration would break the version that still runs while it is applied.

Deploying without a pause brings the tables up to date first and the processes after that: for some minutes old code works
on new tables. It knows nothing of new columns and still asks for old ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# In the migration's module: why it does no harm, or what the operator has to do.
MARKER = "while_old_code_runs"
NO_HARM = (
    operations.CreateModel, operations.AddIndex, operations.RemoveIndex, operations.RenameIndex, operations.RemoveConstraint,
    operations.AlterModelOptions, operations.AlterModelManagers, operations.AlterOrderWithRespectTo,
)  # fmt: skip


def harms(state: ProjectState, migration: Migration) -> list[str]:
    """A sentence for each operation that old code does not survive. `state`: before the migration; it is brought forward."""
    label, made, found = migration.app_label, set(), []
    for operation in migration.operations:
        for one in _in_the_database(operation):
            if isinstance(one, operations.CreateModel):
                made.add(one.name_lower)
            elif getattr(one, "model_name_lower", getattr(one, "name_lower", "")) not in made:
                found += _harm(state, label, one)
        operation.state_forwards(label, state)
    return found


def _in_the_database(operation: Operation) -> Iterator[Operation]:
    if isinstance(operation, operations.SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from _in_the_database(one)
    else:
        yield operation


def _harm(state: ProjectState, label: str, one: Operation) -> list[str]:
    match one:
        case operations.AddField():
            new = one.field
            if isinstance(new, models.ManyToManyField) or new.null or new.has_db_default():
                return []
            return [
                f"{one.model_name}.{one.name}: old code leaves it out of its rows; give it null=True or a db_default"
            ]
        case operations.AlterField():
            return _narrowed(state, label, one)
        case operations.RunPython() | operations.RunSQL():
            return [f"{type(one).__name__}: nobody but its author can tell"]
        case _ if isinstance(one, NO_HARM):
            return []
    return [f"{one.describe()}: old code still counts on what was there"]


def _narrowed(state: ProjectState, label: str, one: operations.AlterField) -> list[str]:
    old, new = state.models[label, one.model_name_lower].get_field(one.name), one.field
    where = f"{one.model_name}.{one.name}"
    if old.null and not new.null:
        return [f"{where}: old code still writes nothing into it"]
    if not old.unique and new.unique:
        return [f"{where}: old code still writes the same twice"]
    if type(old) is not type(new):
        return [f"{where}: a {type(old).__name__} becomes a {type(new).__name__}"]
    if (new.max_length or 0) < (old.max_length or 0):
        return [f"{where}: old code still writes {old.max_length} characters"]
    return []
