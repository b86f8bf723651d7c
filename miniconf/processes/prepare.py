"""What has to be true before the first process starts: tables, static files, the sample conference.

`manage.py up` does this itself; in Compose it is a service of its own (`manage.py prepare`).
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor

from miniconf.models import SetupStep

from .console import Console
from .instance import CannotStart

SAMPLE = "sample conference"
SAMPLE_FOLDER = settings.BASE_DIR / "sample"


def sample_wanted(*, default: bool) -> bool:
    """Whether the sample conference is to be loaded: SAMPLE=0 or SAMPLE=1."""
    return os.environ.get("SAMPLE", "").lower() in (("", "1", "true", "yes") if default else ("1", "true", "yes"))


def prepare(console: Console, *, sample: bool, static: bool = True) -> None:
    """Bring the data folder and the database to where this version needs them. Raises CannotStart."""
    with console.step("database", "bringing the tables up to date") as result:
        result.append(migrate())
    if static:
        with console.step("static", "collecting style sheets, scripts and images") as result:
            result.append(collect_static())
    if sample and not sample_is_loaded():
        with console.step("sample", "loading the sample conference") as result:
            result.append(load_sample())


def migrate() -> str:
    """Apply what is missing; returns what was done, in words."""
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not plan:
            return f"{connection.vendor}, up to date"
        call_command("migrate", verbosity=0, interactive=False)
    except (DatabaseError, MigrationSchemaMissing) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CannotStart(f"the database {_database_name()} cannot be used: {why}") from error
    return f"{connection.vendor}, {len(plan)} migration{'s'[: len(plan) != 1]} applied"


def _database_name() -> str:
    found = settings.DATABASES["default"]
    where = f" at {found['HOST']}:{found['PORT'] or 5432}" if found.get("HOST") else ""
    return f"{found['NAME']}{where}"


def collect_static() -> str:
    """Collect the files served below /static/, unless nothing changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = _static_fingerprint()
    if stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint:
        return "unchanged"
    stamp.unlink(missing_ok=True)
    quiet: dict[str, Any] = {"verbosity": 0, "interactive": False, "clear": True, "stdout": io.StringIO()}
    try:
        call_command("collectstatic", **quiet)
    except (OSError, ValueError) as error:
        raise CannotStart(f"the static files cannot be collected: {str(error).splitlines()[0]}") from error
    stamp.write_text(fingerprint, encoding="ascii")
    return "collected"


def _static_fingerprint() -> str:
    """Changes when any file that would be collected does: names, sizes and times of all of them."""
    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES['staticfiles']}".encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def sample_is_loaded() -> bool:
    return SetupStep.objects.filter(name=SAMPLE).exists()


def load_sample() -> str:
    """Load the sample conference once in the life of the database: what an organizer changes or deletes stays so.

    The note that it was loaded and the import are one transaction.
    """
    report = io.StringIO()
    try:
        with transaction.atomic():
            _, fresh = SetupStep.objects.get_or_create(name=SAMPLE)
            if not fresh:  # by another instance on the same database, meanwhile
                return "loaded before"
            call_command("import_programme", SAMPLE_FOLDER, with_accounts=True, stdout=report)
    except CommandError as error:
        raise CannotStart(f"the sample conference cannot be loaded: {error}") from error
    return "loaded"
