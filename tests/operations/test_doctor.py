"""The doctor finds what is broken and says what to do; it looks at the real parts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import override_settings

from miniconf.doctor import examine, mail, services
from miniconf.doctor.findings import Finding
from tests.running import ROOT, Site, clean_environment, free_port


@pytest.mark.stack
def test_a_site_as_it_starts_has_no_fault_but_is_told_that_its_mails_stay_here(stack: Site) -> None:
    done = stack.manage("doctor", "--json")
    findings = {found["subject"]: found for found in json.loads(done.stdout) if found["verdict"] != "advice"}
    assert [found for found in findings.values() if found["verdict"] == "fault"] == []
    assert done.returncode == 0
    assert set(findings) >= {
        *("packages", "data folder", "address", "secret key", "database", "broker"),
        *("static files", "default worker", "scheduler", "gpu worker", "models", "mail in"),
    }
    assert "Valkey" in findings["broker"]["seen"].title()


def test_without_broker_and_tables_it_names_both_and_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"], cwd=ROOT, capture_output=True, text=True,
        env=clean_environment(MINICONF_DATA=tmp_path, REDIS_URL=f"redis://127.0.0.1:{port}/0", SECRET_KEY="short"),
    )  # fmt: skip
    assert done.returncode == 1
    said = done.stdout.splitlines()
    remedies = {line.split()[1]: said[n + 1].split("-> ")[1] for n, line in enumerate(said) if line.startswith("FAULT")}
    assert remedies["secret"] == "SECRET_KEY=$(openssl rand -base64 48)"
    assert remedies["database"] == "manage.py prepare"
    assert remedies["broker"].startswith("REDIS_URL says where it is")
    assert remedies["static"] == "manage.py prepare"
    assert remedies["scheduler"].startswith("start it")


def test_a_mail_server_that_is_not_there_is_a_fault() -> None:
    port = free_port()
    with override_settings(
        EMAIL_URL=f"smtp://127.0.0.1:{port}", EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=port,
    ):  # fmt: skip
        (found,) = mail.sending()
    assert found.verdict == "fault"
    assert "refused" in found.seen


def test_answers_by_mail_that_nobody_fetches_are_a_fault() -> None:
    with override_settings(REPLY_DOMAIN="in.example.org", IMAP_URL="", INBOUND_SECRET="", MAIL_AUTHSERV_ID="mx"):
        assert list(mail.receiving()) == [
            Finding(
                "mail in", "fault", "people may answer by mail, but nothing fetches it", "IMAP_URL or INBOUND_SECRET"
            )
        ]


def test_clocks_that_differ_are_told() -> None:
    import time

    (found,) = services._skew("broker", time.time() + 90)
    assert (found.verdict, found.seen) == ("fault", "its clock is +90 s off this machine's")
    assert list(services._skew("broker", time.time() + 1)) == []


@pytest.mark.django_db
def test_the_tests_own_database_and_broker_are_found_sound() -> None:
    findings = {found.subject: found for found in examine()}
    assert findings["database"].verdict == "ok"
    assert findings["broker"].verdict == "ok"
