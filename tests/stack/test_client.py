"""The client that is shipped, against a whole site."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from miniconf_client import Client, Refused
from tests.running import ROOT, Site


def token_of(stack: Site, name: str) -> str:
    """A token of a new account."""
    code = (
        "from miniconf.accounts.models import ApiToken, User;"
        f"user = User.objects.get_or_create(email='{name}@example.org', defaults={{'name': '{name}'}})[0];"
        "print(ApiToken.issue(user, 'test')[1])"
    )
    done = stack.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_the_example_on_the_page_about_the_protocol_runs(stack: Site) -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example, stack.url, token_of(stack, "stranger")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("Why *one* head? answered 1\n", "")


async def test_what_is_refused_is_an_exception_and_a_wrong_token_ends_it(stack: Site) -> None:
    async with Client(stack.url) as visitor:
        room = await visitor.room("lounge:main")
        with pytest.raises(Refused, match="sign in"):
            await room.send("May I?")
        with pytest.raises(Refused, match="no_room"):
            await visitor.room("paper:none")
    with pytest.raises(Exception, match="403"):
        async with Client(stack.url, token="mc_invented"):
            pass
