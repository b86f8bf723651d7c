"""Demos that authors set up on the site: drafts, approval, examples typed in and from files, history."""

import io
import json
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from demos import authoring, kinds
from demos.example_files import read_examples
from demos.importing import read_demos
from demos.models import Demo, Run
from miniconf.accounts.models import User
from papers.editing import version_of
from papers.importers.report import Report
from papers.models import Authorship, Conference, Edit, Paper, Person

pytestmark = pytest.mark.django_db
NEW = "/papers/Tiny.1/demos/new/generate/"


@pytest.fixture
def people(demo):
    made = {}
    for name in ("author", "attendee", "organizer"):
        made[name] = User.objects.create_user(f"{name}@example.com", name=name.title())
    made["organizer"].is_organizer = True
    made["organizer"].save()
    person = Person.objects.create(slug="author", name="Author", user=made["author"])
    Authorship.objects.create(paper=Paper.objects.get(uid="Tiny.1"), person=person, position=1)
    return made


@pytest.fixture
def browse(people):
    def signed_in(name=None):
        client = Client()
        if name:
            client.force_login(people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return signed_in


def fields(*examples, **values):
    """What the form sends."""
    posted = {
        "title": "Write on",
        "description": "*Tiny.*",
        "model": "tiny",
        "examples-TOTAL_FORMS": len(examples),
        "examples-INITIAL_FORMS": 0,
        **values,
    }
    for number, example in enumerate(examples):
        posted |= {f"examples-{number}-{name}": value for name, value in example.items()}
    return posted


def errors_in(page):
    return re.findall(r'<ul class="errorlist"[^>]*>(.*?)</ul>', page.content.decode(), re.DOTALL)


def test_an_author_makes_a_draft_that_nobody_else_sees(browse, announced):
    page = browse("author").get(NEW).content.decode()
    for name in ("preset_temperature", "limit_max_new_tokens", "limit_prompt_tokens", "examples-0-input_prompt"):
        assert f'name="{name}"' in page
    assert "preset_parent" not in page
    first = {"title": "Short", "input_prompt": "We study", "input_temperature": "0", "input_seed": ""}
    sent = fields(first, {}, preset_max_new_tokens="20", preset_temperature="", limit_max_new_tokens="30")
    done = browse("author").post(NEW, sent)
    assert done.status_code == 302, errors_in(done)
    demo = Demo.objects.get(slug="write-on")
    assert done["Location"] == "/demos/write-on/"
    assert {name: getattr(demo, name) for name in (*authoring.FIELDS, "kind", "source")} == {
        "title": "Write on",
        "description": "*Tiny.*",
        "model": "tiny",
        "defaults": {"max_new_tokens": 20},
        "limits": {"max_new_tokens": 30},
        "options": {},
        "examples": [{"title": "Short", "inputs": {"prompt": "We study", "temperature": 0.0}}],
        "enabled": False,
        "kind": "generate",
        "source": "",
    }
    seen = {
        name: [
            browse(name).get("/demos/write-on/").status_code,
            browse(name).get("/api/v1/demos/write-on").status_code,
            browse(name).post("/api/v1/demos/write-on/runs", {}, content_type="application/json").status_code,
            browse(name).get("/papers/Tiny.1/demos/").status_code,
        ]
        for name in (None, "attendee", "author", "organizer")
    }
    assert seen == {
        None: [404, 404, 404, 302],
        "attendee": [404, 404, 404, 403],
        "author": [200, 200, 202, 200],
        "organizer": [200, 200, 202, 200],
    }
    assert "Draft" in browse("author").get("/demos/write-on/").content.decode()
    assert "write-on" not in browse().get("/papers/Tiny.1/").content.decode()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"preset_temperature": "9"}, "less than or equal to 2"),
        ({"preset_temperature": "nan"}, "finite number"),
        ({"limit_max_new_tokens": "4000"}, "must be from 1 to 400"),
        ({"preset_max_new_tokens": "50", "limit_max_new_tokens": "40"}, "must be at most 40 in this demo"),
        ({"model": "nowhere"}, "nowhere is not one of the available choices"),
        ({"title": ""}, "This field is required"),
        ({"examples-0-title": "x", "examples-0-input_top_p": "0"}, "must be greater than 0"),
        ({"examples-0-title": "x", "examples-0-input_prompt": "number " * 600}, "this model reads at most"),
        ({"examples-0-title": "", "examples-0-input_prompt": "x"}, "A title was expected"),
        ({"examples-0-title": "x"}, "At least one input was expected"),
    ],
)
def test_what_cannot_run_is_said_at_its_field_and_nothing_is_kept(browse, sent, message):
    answer = browse("author").post(NEW, fields({}, **sent))
    assert answer.status_code == 422
    found = errors_in(answer)
    assert len(found) == 1
    assert message in found[0]
    assert not Demo.objects.filter(title="Write on").exists()


def test_an_organizer_may_name_a_model_that_is_not_there_and_is_told(browse):
    answer = browse("organizer").post(NEW, fields({}, model="nowhere"))
    assert answer.status_code == 422
    assert "nowhere" in errors_in(answer)[0]


def test_publishing_and_changes_wait_for_an_organizer_and_drafts_do_not(browse, announced):
    Conference.objects.update(approve_author_edits=True)
    author, organizer = browse("author"), browse("organizer")
    author.post(NEW, fields({}))
    author.post("/demos/write-on/set-up/", fields({}, title="Write on and on"))
    demo = Demo.objects.get(slug="write-on")
    assert demo.title == "Write on and on"  # a draft is its authors' own
    author.post("/demos/write-on/publish/")
    assert browse().get("/demos/write-on/").status_code == 404
    waiting = Edit.objects.get(state="waiting")
    assert (waiting.kind, waiting.before, waiting.after) == ("demo", {"enabled": False}, {"enabled": True})
    assert "Write on and on" in organizer.get("/organize/edits/?state=waiting").content.decode()
    assert author.post(f"/organize/edits/{waiting.pk}/accept/").status_code == 403
    organizer.post(f"/organize/edits/{waiting.pk}/accept/")
    assert browse().get("/demos/write-on/").status_code == 200

    author.post("/demos/write-on/set-up/", fields({"title": "New", "input_prompt": "We"}, title="Better"))
    demo.refresh_from_db()
    assert (demo.title, demo.examples) == ("Write on and on", [])
    assert "A change waits" in author.get("/papers/Tiny.1/demos/").content.decode()
    author.post("/demos/write-on/withdraw/")  # that needs nobody
    assert browse().get("/demos/write-on/").status_code == 404
    history = author.get("/history/demo/write-on/").content.decode()
    assert "Better" in history
    assert "Published" in history


def test_two_who_change_a_demo_at_once_are_told(browse, announced):
    author = browse("author")
    author.post(NEW, fields({}))
    old = authoring.values(Demo.objects.get(slug="write-on"))
    author.post("/demos/write-on/set-up/", fields({}, title="First"))
    answer = browse("organizer").post("/demos/write-on/set-up/", fields({}, title="Second", version=version_of(old)))
    assert answer.status_code == 409
    assert Demo.objects.get(slug="write-on").title == "First"


def upload(name, text):
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    file.name = name
    return file


def test_examples_come_from_a_table_or_lines_of_json(browse):
    table = upload("some.csv", 'title,prompt,temperature,seed\n"One","We, too",0.5,\n,"naïve\nlines",,7\n')
    assert browse("author").post(NEW, fields({}, examples_file=table)).status_code == 302
    assert Demo.objects.get(slug="write-on").examples == [
        {"title": "One", "inputs": {"prompt": "We, too", "temperature": 0.5}},
        {"title": "naïve lines", "inputs": {"prompt": "naïve\nlines", "seed": 7}},
    ]
    lines = upload("more.jsonl", '{"title": "A", "inputs": {"prompt": "x"}}\n\n{"prompt": "y", "max_new_tokens": 5}\n')
    browse("author").post(NEW, fields({"title": "Typed", "input_prompt": "z"}, title="Another", examples_file=lines))
    assert [example["title"] for example in Demo.objects.get(slug="another").examples] == ["Typed", "A", "y"]


@pytest.mark.parametrize(
    ("name", "text", "problems"),
    [
        ("a.csv", "title,prompt,temprature\nx,y,1\n", ["a.csv, row 2, temprature: is not an input of this demo"]),
        (
            "a.csv",
            "title,prompt,temperature\nx,y,hot\nx,y,3\n",
            [
                "a.csv, row 2, temperature: must be a valid number, unable to parse string as a number",
                "a.csv, row 3, temperature: must be less than or equal to 2",
            ],
        ),
        ("a.csv", "title,title\n", ["a.csv, row 1: the column 'title' stands there twice."]),
        ("a.csv", "title,prompt\nx,y,z\n", ["a.csv, row 2: 2 cells were expected, not 3."]),
        ("a.csv", "", ["a.csv: no rows; one for each example was expected."]),
        ("a.jsonl", "[1]\n", ["a.jsonl, row 1: a JSON object was expected, not list."]),
        ("a.jsonl", '{"prompt": "x"}\n{"inputs": 4}\n', ["a.jsonl, row 2, inputs: an object was expected"]),
        ("a.jsonl", '{"parent": "x"}', ["a.jsonl, row 1, parent: is given by a run, not by an example"]),
        ("a.jsonl", b'{"prompt": "x"}\n\xff\n', ["a.jsonl, row 2: UTF-8 was expected."]),
        ("a.jsonl", b"x" * 1_000_001, ["a.jsonl: a file of 1 MB at most was expected; this one has 1,000,001 bytes."]),
    ],
)
def test_a_file_with_mistakes_is_refused_naming_row_and_field(demo, name, text, problems):
    assert read_examples(name, text if isinstance(text, bytes) else text.encode(), demo)[1] == problems


def test_json_that_is_none_is_named_by_its_row(demo):
    (problem,) = read_examples("a.jsonl", b'{"prompt": "x"}\n{"temperature": NaN}\n', demo)[1]
    assert problem.startswith("a.jsonl, row 2: a JSON object was expected (NaN is no number of JSON")


def test_what_was_edited_here_stays_when_the_file_is_read_again(people, demo, tmp_path):
    entry = {"slug": "from-file", "paper": "Tiny.1", "kind": "generate", "title": "From a file", "model": "tiny"}
    (tmp_path / "demos.yml").write_text(json.dumps([entry]))
    read_demos(tmp_path, "files", Report(source="files", title="Files"))
    made = Demo.objects.get(slug="from-file")
    authoring.change(user=people["author"], demo=made, changes={"title": "By its author"})
    (tmp_path / "demos.yml").write_text(json.dumps([{**entry, "description": "New"}]))
    read_demos(tmp_path, "files", Report(source="files", title="Files"))
    made.refresh_from_db()
    assert (made.title, made.description) == ("By its author", "New")


def test_every_kind_has_a_form(browse, demo):
    author = browse("author")
    for name in kinds.KINDS:
        assert author.get(f"/papers/Tiny.1/demos/new/{name}/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_examples_are_computed_before_anybody_asks_and_shown_without_a_machine(worker, browse):
    author = browse("author")
    Demo.objects.filter(slug="tiny-generate").update(
        examples=[{"title": "Start", "inputs": {"prompt": "We study"}}, {"title": "Cold", "inputs": {"temperature": 0}}]
    )
    call_command("precompute_examples", "tiny-generate", "--wait", "120")
    runs = list(Run.objects.order_by("created_at"))
    assert [(run.state, run.user, run.visitor, run.is_stored) for run in runs] == [("succeeded", None, "", True)] * 2
    call_command("precompute_examples")  # nothing is left to do
    assert Run.objects.count() == 2
    examples = author.get("/api/v1/demos/tiny-generate/examples").json()["items"]
    assert [example["run"] for example in examples] == [str(run.pk) for run in runs]
    page = Client().get("/demos/tiny-generate/?example=0").content.decode()
    assert "stored result" in page
    assert runs[0].output["tokens"][0][1].strip() in page
    # Whoever runs the example as the form has it gets the result that is there.
    again = Client().post("/demos/tiny-generate/run/", {**runs[0].inputs, "parent": "", "parent_token": ""})
    assert again["Location"] == f"/runs/{runs[0].pk}/"
    with pytest.raises(CommandError, match="no demo 'nowhere'"):
        call_command("precompute_examples", "nowhere")
