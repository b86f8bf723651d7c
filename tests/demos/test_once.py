"""`Idempotency-Key`: what is asked for again under the same key is the same run."""

import asyncio

import httpx
import pytest

from demos import once, queue, services
from demos.models import Demo, Run
from miniconf.accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"inputs": {"prompt": "We study"}}


@pytest.fixture
def ask(ask_anyway, announced):
    return ask_anyway


@pytest.fixture
def ask_anyway(demo):
    """`ask(key, body)` as a visitor or with a token; gives the answer."""
    from miniconf.asgi import application

    web = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application), base_url="http://localhost/api/v1", timeout=60
    )

    async def post(key, body=BODY, *, token=None, slug="tiny-generate"):
        headers = {} if key is None else {"Idempotency-Key": key}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await web.post(f"/demos/{slug}/runs", json=body, headers=headers)

    return post


async def counted():
    return await Run.objects.acount(), await asyncio.to_thread(queue.waiting)


async def test_the_same_key_gives_the_same_run(ask):
    answers = [await ask("k-1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await counted() == (1, 1)
    other, none = await ask("k-2"), await ask(None)
    assert len({answer.json()["id"] for answer in (answers[0], other, none)}) == 3


async def test_two_at_once_are_one(ask, settings):
    settings.RUNS_AT_ONCE_PER_PERSON = 1  # it counts once
    settings.RUN_RATE_ANONYMOUS = "1/hour"
    answers = await asyncio.gather(*[ask("both") for _ in range(8)])
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await counted() == (1, 1)


@pytest.mark.parametrize(
    "body", [{"inputs": {"prompt": "Else"}}, {**BODY, "fresh": True}, {**BODY, "keep": False}, {"inputs": {}}]
)
async def test_the_same_key_for_something_else_is_refused(ask, body):
    await ask("k")
    answer = await ask("k", body)
    assert answer.status_code == 422
    assert "another demo or other inputs were asked for before" in answer.json()["detail"]
    assert await counted() == (1, 1)


async def test_another_demo_is_something_else(ask):
    await Demo.objects.acreate(slug="second", kind="generate", model="tiny", title="Second")
    await ask("k")
    assert (await ask("k", slug="second")).status_code == 422


async def test_a_key_is_its_owners_own(ask):
    def token(name):
        return ApiToken.issue(User.objects.create_user(f"{name}@example.org"), "test")[1]

    tokens = [await asyncio.to_thread(token, name) for name in ("ada", "bob")]
    answers = [await ask("k"), *[await ask("k", token=token) for token in tokens]]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert (await ask("k", token=tokens[0])).json()["id"] == answers[1].json()["id"]


async def test_what_was_refused_may_be_asked_again(ask, settings):
    settings.RUN_QUEUE_LIMIT = 0
    assert (await ask("k")).status_code == 429
    settings.RUN_QUEUE_LIMIT = 10
    assert (await ask("k")).status_code == 202
    assert await counted() == (1, 1)


async def test_a_process_that_dies_between_key_and_row_leaves_nothing_twice(ask, monkeypatch):
    def die(*args, **kwargs):
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Run.objects, "create", die)
        with pytest.raises(BaseException, match="killed"):
            await ask("k")
    (kept,) = [key for key in queue.client().scan_iter(f"{once.PREFIX}*") if not key.endswith(":lock")]
    planned = queue.client().get(kept).partition(":")[2]
    assert (await ask("k")).json()["id"] == planned
    assert await counted() == (1, 1)


async def test_a_row_that_was_made_meanwhile_is_the_run(ask, monkeypatch):
    """The lock lasts twenty seconds; a process may be stopped for longer."""
    create = services.create_run

    def overtaken(**asked):
        create(**asked)
        return create(**asked)

    monkeypatch.setattr(services, "create_run", overtaken)
    answer = await ask("k")
    assert answer.status_code == 202
    assert [str(run.pk) async for run in Run.objects.all()] == [answer.json()["id"]]


async def test_a_stored_result_is_the_answer_again(ask, demo):
    inputs = {"prompt": "We study", "seed": 3}
    run = await Run.objects.aget(pk=(await ask(None, {"inputs": inputs})).json()["id"])
    await asyncio.to_thread(services.finish_run, run.pk, state=Run.State.SUCCEEDED, output={"text": "x"})
    first = (await ask("k", {"inputs": inputs})).json()
    assert first["stored"]
    await Run.objects.exclude(pk=first["id"]).adelete()
    demo.options = {"templates": [{"title": "T", "text": "t"}]}  # what is stored is old now
    await demo.asave()
    assert (await ask("k", {"inputs": inputs})).json()["id"] == first["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_named(ask, key):
    answer = await ask(key)
    assert answer.status_code == 400
    assert "1 to 255 printable ASCII characters" in answer.json()["detail"]


async def test_it_is_forgotten_after_a_day(ask):
    await ask("k")
    (kept,) = [key for key in queue.client().scan_iter(f"{once.PREFIX}*") if not key.endswith(":lock")]
    assert 86_000 < queue.client().ttl(kept) <= 86_400


@pytest.mark.usefixtures("dead_broker")
async def test_without_a_broker_it_is_refused_as_ever(ask_anyway):
    answer = await ask_anyway("k")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


async def test_the_description_of_the_api_has_it(client):
    paths = (await asyncio.to_thread(client.get, "/api/v1/openapi.json")).json()["paths"]
    (parameter,) = [
        p for p in paths["/api/v1/demos/{slug}/runs"]["post"]["parameters"] if p["name"] == "Idempotency-Key"
    ]
    assert (parameter["in"], parameter["required"]) == ("header", False)
