"""The parts every other test stands on."""

import os
import subprocess
import sys

import pytest
import redis
from django.conf import settings
from django.core.management import call_command


def test_the_broker_is_a_real_server_that_answers():
    info = redis.Redis.from_url(settings.REDIS_URL).info("server")
    assert info["redis_version"] >= "6"


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_web_process_never_imports_torch():
    """A run of the ASGI application and all its routes in a fresh interpreter leaves torch and transformers unloaded."""
    code = (
        "import sys, django; django.setup(); import miniconf.asgi, miniconf.urls; "
        "from django.urls import get_resolver; get_resolver().url_patterns; "
        "sys.exit(','.join(m for m in ('torch', 'transformers') if m in sys.modules) or None)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "miniconf.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr == ""
    assert result.returncode == 0
