"""Pytest plugin, loaded before Django's settings: a data folder of its own and a real broker for the whole test run."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from miniconf.broker import start_broker

_data = Path(tempfile.mkdtemp(prefix="miniconf-test-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["MINICONF_DATA"] = str(_data)
os.environ.setdefault("SECRET_KEY", "test-secret-key-that-is-long-enough-to-satisfy-the-check-of-django-0123456789")
if "REDIS_URL" not in os.environ:
    _broker = start_broker(_data / "broker")
    os.environ["REDIS_URL"] = _broker.url
    atexit.register(_broker.stop)
