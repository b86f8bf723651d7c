"""This machine: packages, folders, and the settings that the process was started with."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from packaging.markers import Marker

from .findings import Finding, advice, fault, ok

LITTLE_SPACE = 2 * 2**30  # bytes


def packages() -> Iterator[Finding]:
    """What is installed is what the lock file pins."""
    lock = settings.BASE_DIR / "requirements.lock"
    other = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        requirement, _, condition = line.partition(";")
        pinned = re.fullmatch(r"\s*([A-Za-z0-9._-]+)==(\S+)\s*", requirement)
        if pinned is None or (condition.strip() and not Marker(condition.strip()).evaluate()):
            continue
        name, wanted = pinned.groups()
        try:
            found = version(name).partition("+")[0]
        except PackageNotFoundError:
            found = "missing"
        if found != wanted:
            other.append(f"{name} {found} instead of {wanted}")
    if other:
        yield fault("packages", "; ".join(other[:5]), "pip install -r requirements.lock (`make run` does)")
    else:
        yield ok("packages", "as pinned in requirements.lock")


def data_folder() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    free = shutil.disk_usage(folder).free
    seen = f"{folder}, {free / 2**30:.1f} GiB free"
    if not os.access(folder, os.W_OK):
        yield fault("data folder", f"{folder} cannot be written", "give the user of these processes the folder")
    elif free < LITTLE_SPACE:
        yield fault("data folder", seen, "free some space: the database stops when there is none left")
    else:
        yield ok("data folder", seen)
    if folder.stat().st_mode & 0o007:
        yield advice("data folder", "everybody on this machine may look into it", f"chmod o-rwx {folder}")


def address() -> Iterator[Finding]:
    host = urlsplit(settings.SITE_URL).hostname
    at_home = host in ("localhost", "127.0.0.1", "::1")
    if settings.DEBUG:
        yield fault("address", "DEBUG is on: error pages show settings and code", "DEBUG=0")
    if host not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        yield fault("address", f"{settings.SITE_URL} is not among ALLOWED_HOSTS", f"add {host} to ALLOWED_HOSTS")
    elif at_home:
        yield ok("address", f"{settings.SITE_URL}: this machine only")
    elif not settings.HTTPS:
        yield advice(
            "address", f"{settings.SITE_URL} is not encrypted", "a proxy with TLS in front, and SITE_URL=https://…"
        )
    else:
        yield ok("address", settings.SITE_URL)
    if settings.HTTPS and settings.SECURE_PROXY_SSL_HEADER is None:
        yield advice("address", "TLS ends elsewhere, but no proxy is trusted", "BEHIND_PROXY=1 behind a proxy")


def secret_key() -> Iterator[Finding]:
    if len(settings.SECRET_KEY) < 40 or len(set(settings.SECRET_KEY)) < 8:
        yield fault("secret key", "short or of few letters", "SECRET_KEY=$(openssl rand -base64 48)")
        return
    kept = Path(settings.DATA_DIR) / "secret_key"
    if kept.exists() and kept.stat().st_mode & 0o077:
        yield fault("secret key", f"others may read {kept}", f"chmod 600 {kept}")
    else:
        yield ok("secret key", "long, and private")


def static_files() -> Iterator[Finding]:
    if (Path(settings.STATIC_ROOT) / ".collected").exists() or (
        Path(settings.STATIC_ROOT) / "staticfiles.json"
    ).exists():
        yield ok("static files", f"collected in {settings.STATIC_ROOT}")
    else:
        yield fault("static files", f"not in {settings.STATIC_ROOT}", "manage.py prepare")
