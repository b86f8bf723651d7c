"""The frozen site: complete, self-contained, and without anything that was not public."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from chat.services import send_message
from demos.models import Demo, Run
from demos.parts import put_part
from miniconf.accounts.models import User
from miniconf.console.models import Appearance
from miniconf.frozen.names import Names
from miniconf.frozen.rewrite import rewrite
from miniconf.frozen.scripts import NotBundled, bundle
from papers.models import Conference, Event, Paper, Person, Session
from tests.papers.conftest import load, media_root, native, write  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
SECRETS = ("secret-join", "secret-note", "secret-mail", "somebody@secret.example")


@pytest.fixture
def site(native, load, media_root) -> None:  # noqa: F811
    """A small conference with a conversation, papers whose ids differ by case, and a secret in every private field."""
    load(native)
    for uid in ("Ab", "aB", "a:b(c)", "con"):
        Paper.objects.create(uid=uid, title=f"Paper {uid} </script>", abstract="Of *state* spaces.")
    Person.objects.update(email_private="secret-mail@x.example")
    Event.objects.update(join_url_private="https://x.example/secret-join", join_note_private="secret-note")
    Session.objects.update(join_url_private="https://x.example/secret-join", join_note_private="secret-note")
    user = User.objects.create_user("somebody@secret.example", name="Amara")
    first = send_message(user=user, room_key="paper:P1", client_id=uuid4(), text="First **words**.")
    send_message(user=user, room_key="paper:P1", client_id=uuid4(), text="Last words.")
    send_message(user=user, room_key="paper:P1", client_id=uuid4(), text="A reply.", thread=first["id"])


@pytest.fixture
def frozen(site, tmp_path) -> Path:
    folder = tmp_path / "frozen"
    call_command("freeze", str(folder))
    return folder


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "poster") and value:
                self.found.append(value)
            if name == "id" and value:
                self.ids.add(value)


def test_colours_logo_and_menu_are_frozen_too(site, tmp_path):
    menu = [{"what": "papers", "label": "Posters", "place": "top"}, {"what": "lounge", "label": "", "place": "footer"}]
    Appearance.objects.create(accent="#8a1c4a", logo=b"RIFFpicture", logo_mark="0" * 16, menu=menu)
    call_command("freeze", str(tmp_path / "frozen"))
    page = (tmp_path / "frozen" / "index.html").read_text(encoding="utf-8")
    assert 'href="theme/colours.css"' in page
    assert 'src="theme/logo.webp"' in page
    assert "light-dark(#8a1c4a," in (tmp_path / "frozen" / "theme" / "colours.css").read_text(encoding="utf-8")
    assert (tmp_path / "frozen" / "theme" / "logo.webp").read_bytes() == b"RIFFpicture"
    assert ">Posters</a>" in page
    assert "Lounge" not in page  # nobody is there to answer


def test_every_address_in_every_page_leads_to_a_file(frozen):
    broken = []
    for page in frozen.rglob("*.html"):
        for address in Links(page.read_text(encoding="utf-8")).found:
            parts = urlsplit(address)
            if parts.scheme or not parts.path:
                continue
            assert not address.startswith("/"), (page, address)
            if not (page.parent / unquote(parts.path)).resolve().is_file():
                broken.append((str(page.relative_to(frozen)), address))
    assert broken == []


def test_nothing_private_is_in_any_file(frozen):
    for path in frozen.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in SECRETS if secret.encode() in content], path


def test_no_page_holds_a_form_a_token_or_a_module(frozen):
    for page in frozen.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"<form(?![^>]*data-frozen)|csrf|type=\"module\"|hx-(?:get|post)", text), page


def test_papers_whose_ids_differ_by_case_have_files_that_do_not(frozen):
    files = [str(path.relative_to(frozen)).lower() for path in frozen.rglob("*") if path.is_file()]
    assert len(files) == len(set(files))
    pages = [page.read_text(encoding="utf-8") for page in (frozen / "papers").glob("*/index.html")]
    for title in ("Paper Ab", "Paper aB", "Paper a:b(c)", "Paper con"):
        assert len([page for page in pages if re.search(rf"<h1>{re.escape(title)} ", page)]) == 1


def test_the_conversation_is_complete_and_closed(frozen):
    page = (frozen / "papers" / "P1" / "index.html").read_text(encoding="utf-8")
    assert "<strong>words</strong>" in page
    assert page.index("<strong>words</strong>") < page.index("A reply.") < page.index("Last words.")
    assert "Sign in" not in page
    assert "data-chat=" not in page


def test_the_search_data_is_a_script_that_cannot_be_broken_out_of(frozen):
    text = (frozen / "data" / "papers.js").read_text(encoding="utf-8")
    assert "</script" not in text
    first = text.splitlines()[0].removeprefix("globalThis.frozen = ").rstrip(";")
    data = json.loads(first)
    assert {row[0] for row in data["texts"]} == set(Paper.objects.values_list("uid", flat=True)) == set(data["files"])


def test_freezing_again_replaces_the_folder_and_another_folder_is_left_alone(frozen, tmp_path):
    (frozen / "left-over.html").write_text("x", encoding="utf-8")
    call_command("freeze", str(frozen))
    assert not (frozen / "left-over.html").exists()
    other = tmp_path / "other"
    write(other / "mine.txt", "keep")
    with pytest.raises(CommandError, match="neither empty nor a frozen site"):
        call_command("freeze", str(other))
    assert (other / "mine.txt").read_text() == "keep"


def test_a_conference_for_members_is_not_frozen(site, tmp_path):
    Conference.objects.update(members_only=True)
    with pytest.raises(CommandError, match="for its members only"):
        call_command("freeze", str(tmp_path / "frozen"))
    assert not (tmp_path / "frozen").exists()


def test_withdrawn_papers_have_no_page(site, tmp_path):
    Paper.objects.filter(uid="con").update(withdrawn_at="2027-01-01T00:00:00Z")
    call_command("freeze", str(tmp_path / "frozen"))
    assert "Paper con" not in (tmp_path / "frozen" / "papers" / "index.html").read_text(encoding="utf-8")


# --- Parts -----------------------------------------------------------------------------------------------------------


def test_links_to_what_is_not_there_lose_their_tag_and_keep_their_text():
    page = (
        '<body><a href="/papers/X/">X</a> <a href="/accounts/login/">in</a> <a href="https://x.example/">out</a></body>'
    )
    made = rewrite(page, lambda address: "x.html" if address == "/papers/X/" else None, ["s.js"])
    assert made == (
        '<body><a href="x.html">X</a> in <a href="https://x.example/">out</a><script src="s.js"></script>\n</body>'
    )


def test_what_needs_a_server_is_taken_out_with_all_it_holds():
    page = '<p>1</p><form><p>2</p><input><b>3</b></form><p hx-get="/x">4</p><template><i>5</i></template><p>6&amp;</p>'
    assert rewrite(page, lambda address: None, []) == "<p>1</p><p>6&amp;</p>"


def test_names_of_files_are_safe_and_their_own():
    names = Names()
    made = [names.add(f"/papers/{uid}/") for uid in ("Ab", "aB", "a%3Ab", "..", "nul")]
    assert made[0] == "papers/Ab/index.html"
    assert len({name.lower() for name in made}) == 5
    assert all(re.fullmatch(r"papers/[A-Za-z0-9_.-]*[A-Za-z0-9_-]/index\.html", name) for name in made)
    assert names.find("/papers/Ab/?x=1#y") == ("papers/Ab/index.html", "?x=1#y")
    assert names.find("/papers/nope/") is None


def test_modules_become_one_script_in_the_order_of_their_imports(tmp_path):
    write(tmp_path / "a.js", 'import { one, two as zwei } from "./sub/b.js";\nglobalThis.sum = one + zwei();\n')
    write(
        tmp_path / "sub" / "b.js", 'import "../c.js";\nexport const one = 1;\nexport function two() {\n  return 2;\n}\n'
    )
    write(tmp_path / "c.js", "globalThis.c = true;\n")
    text = bundle(["a.js"], tmp_path)
    assert text.index('modules["c.js"]') < text.index('modules["sub/b.js"]') < text.index('modules["a.js"]')
    assert 'const { one, two: zwei } = modules["sub/b.js"];' in text
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)


@pytest.mark.parametrize("line", ['import x from "./c.js";', "export default 1;", 'export * from "./c.js";'])
def test_modules_that_are_not_understood_are_named(line, tmp_path):
    write(tmp_path / "a.js", f"{line}\n")
    write(tmp_path / "c.js", "")
    with pytest.raises(NotBundled, match=r"a\.js"):
        bundle(["a.js"], tmp_path)


def test_a_run_that_somebody_posted_is_kept_with_its_files(site, tmp_path):
    output = {
        "sizes": {"none": 2, "gzip": 22, "bz2": 40, "xz": 60, "zstd": 11},
        "models": [
            {"model": "m", "tokens": [["Hi", 3.0, 4]], "bits": 3.0, "bits_per_byte": 1.5, "entropy": 2.0, "weights": 9}
        ],
        "coded": None,
    }
    demo = Demo.objects.create(slug="d", paper=Paper.objects.get(uid="P1"), kind="surprise", title="Bits", model="m")
    run = Run.objects.create(demo=demo, inputs={"text": "Hi"}, output=output, state="succeeded")
    put_part(run, "text.mcac", b"MCAC bytes", "application/octet-stream")
    other = Run.objects.create(demo=demo, inputs={"text": "Nobody posted this"}, output=output, state="succeeded")
    user = User.objects.get(email="somebody@secret.example")
    address = f"https://conference.example/runs/{run.pk}/"
    send_message(user=user, room_key="paper:P1", client_id=uuid4(), text=f"See {address}")
    call_command("freeze", str(tmp_path / "frozen"))
    folder = tmp_path / "frozen" / "runs"
    assert [path.name for path in folder.iterdir()] == [str(run.pk)]
    assert (folder / str(run.pk) / "parts" / "text.mcac").read_bytes() == b"MCAC bytes"
    page = (folder / str(run.pk) / "index.html").read_text()
    assert 'href="parts/text.mcac"' in page
    record = json.loads(re.search(r'<script id="run-data-[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert (record["inputs"], record["output"]) == ({"text": "Hi"}, output)
    assert record["parts"] == {"text.mcac": "TUNBQyBieXRlcw=="}
    assert str(other.pk) not in page
