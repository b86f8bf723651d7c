"""What a run leaves and leads to: files, branches, a card in the conversation, events of any kind."""

import zlib

import pytest
from django.test import Client

from chat.models import Message
from demos import queue, runlog
from demos.branches import tree_of
from demos.kinds.base import RunFailed
from demos.models import Run
from demos.parts import LARGEST, put_part
from demos.worker import RunLog
from miniconf.accounts.models import User

pytestmark = pytest.mark.django_db

OUTPUT = {"text": " models", "tokens": [[5, " models", 0.5, []]], "finish_reason": "length"}


@pytest.fixture
def run(demo):
    return Run.objects.create(demo=demo, inputs={"prompt": "We study", "seed": 1}, state="succeeded", output=OUTPUT)


# --- Files -------------------------------------------------------------------------------------------------------------


def test_a_file_of_a_run_is_sent_deflated_and_need_not_be_sent_again(run):
    data = b"maps " * 1000
    put_part(run, "layer-0.bin", data, "application/octet-stream")
    address = f"/runs/{run.pk}/parts/layer-0.bin"
    plain = Client().get(address)
    assert plain.content == data
    assert plain["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "attachment" in plain["Content-Disposition"]
    packed = Client().get(address, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed["Content-Encoding"] == "deflate"
    assert len(packed.content) < 100
    assert zlib.decompress(packed.content) == data
    assert Client().get(address, headers={"If-None-Match": plain["ETag"]}).status_code == 304
    assert f'href="{address}"' in Client().get(f"/runs/{run.pk}/").content.decode()


def test_a_file_of_a_run_that_goes_on_may_still_change(run):
    Run.objects.filter(pk=run.pk).update(state="running")
    put_part(run, "a.json", b"{}", "application/json")
    assert Client().get(f"/runs/{run.pk}/parts/a.json")["Cache-Control"] == "private, no-cache"


def test_files_that_are_too_large_or_could_be_run_are_refused(run):
    with pytest.raises(RunFailed, match="bytes"):
        put_part(run, "large.bin", bytes(LARGEST + 1), "application/octet-stream")
    for name, content_type in (("../up", "application/json"), ("page.html", "text/html")):
        with pytest.raises(ValueError, match=r"expected|none of"):
            put_part(run, name, b"x", content_type)
    assert not run.parts.exists()


# --- Branches ----------------------------------------------------------------------------------------------------------


def branch(run, token, **maker):
    return Run.objects.create(
        demo=run.demo, inputs=run.inputs, state="succeeded", output=OUTPUT, parent=run, parent_token=token, **maker
    )


def test_a_tree_shows_the_way_up_and_the_branches_of_who_asks(run, attendee):
    other = User.objects.create_user("other@example.org", name="Bea")
    mine, theirs = branch(run, 3, user=attendee), branch(run, 7, user=other)
    below = branch(mine, 1, user=attendee)

    def seen(run, user):
        def walk(nodes):
            return {node.run.pk: walk(node.branches) for node in nodes}

        return walk(tree_of(run, user=user, visitor="nobody"))

    assert seen(run, attendee) == {run.pk: {mine.pk: {below.pk: {}}}}
    assert seen(run, other) == {run.pk: {theirs.pk: {}}}
    assert seen(below, other) == {run.pk: {mine.pk: {below.pk: {}}, theirs.pk: {}}}
    assert seen(run, User.objects.create_user("third@example.org")) == {}
    page = Client()
    page.force_login(attendee)
    assert "from token 3" in page.get(f"/runs/{below.pk}/").content.decode()


def test_a_run_goes_on_from_a_run_of_the_same_demo_only(run, announced):
    branched = {"prompt": "We study a", "parent": str(run.pk), "parent_token": 0, "seed": 1}
    address = "/api/v1/demos/tiny-generate/runs"
    post = {"content_type": "application/json", "headers": {"Origin": "http://testserver"}}
    answer = Client().post(address, {"inputs": branched}, **post)
    assert answer.status_code == 202, answer.content
    made = Run.objects.get(pk=answer.json()["id"])
    assert (made.parent, made.parent_token) == (run, 0)
    stranger = {**branched, "parent": "00000000-0000-4000-8000-000000000000"}
    answer = Client().post(address, {"inputs": stranger}, **post)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "parent", "message": "is no run of this demo"}]


# --- Conversation ------------------------------------------------------------------------------------------------------


def test_a_run_is_posted_with_a_few_words_into_the_papers_room(run, attendee):
    page = Client()
    assert page.post(f"/runs/{run.pk}/discuss/", {"text": "Look"}).status_code == 302  # to the sign-in
    assert not Message.objects.exists()
    page.force_login(attendee)
    form = page.get(f"/runs/{run.pk}/discuss/?inline").context
    sent = {"text": "Look at this", "asked": "1", "client_id": str(form["client_id"])}
    for _ in range(2):  # sent twice, it is there once
        answer = page.post(f"/runs/{run.pk}/discuss/", sent)
        assert "paper:Tiny.1" in answer["Location"]
    message = Message.objects.get()
    assert message.room.key == "paper:Tiny.1"
    assert message.text == f"Look at this\n\nhttp://testserver/runs/{run.pk}/"
    assert message.asked


def test_a_card_says_what_was_asked_and_what_came_out(run):
    card = Client().get(f"/runs/{run.pk}/card/").content.decode()
    for words in ("Generate", "We study", ">models<", "Done", f'href="/runs/{run.pk}/"'):
        assert words in card


# --- Events ------------------------------------------------------------------------------------------------------------


class _Worker:
    """Keeps what is published, as Redis would."""

    def __init__(self):
        self.publisher = self.places = self

    def add(self, run_id, events):
        runlog.append(run_id, events)

    def admitted(self, run_id):
        pass

    def wrote(self, run_id, tokens):
        pass


def token(i):
    return {"i": i, "id": i, "text": f" {i}", "p": 0.5, "top": []}


def test_a_second_attempt_repeats_nothing_in_whatever_order_its_streams_come(run):
    run_id = str(run.pk)
    runlog.append(run_id, [runlog.queued_event()])
    first = RunLog(_Worker(), run_id)
    first.started()
    first.tokens([token(0)], stream=0)
    first.tokens([token(0), token(1)], stream=1)
    first.emit("read", {"bits": 3})
    second = RunLog(_Worker(), run_id)
    second.started()
    second.tokens([token(0), token(1), token(2)], stream=1)
    second.emit("read", {"bits": 3})
    second.tokens([token(0), token(1)], stream=0)
    second.emit("read", {"bits": 4})
    events = runlog.kept(run_id)
    assert [event["n"] for event in events] == list(range(1, 10))
    told = [(e["type"], e.get("stream", 0), e.get("i", e.get("bits"))) for e in events[2:]]
    assert told == [
        *(("token", 0, 0), ("token", 1, 0), ("token", 1, 1), ("read", 0, 3)),
        *(("token", 1, 2), ("token", 0, 1), ("read", 0, 4)),
    ]
    queue.client().delete(f"demos:log:{run_id}")
