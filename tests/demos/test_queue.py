"""Who is next: turns between people, workers and their models, estimates, and what becomes of runs in trouble."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils.timezone import now

from demos import estimates, limits, positions, queue, recovery, runlog, services, watching
from demos.models import Run
from demos.queue import AGAIN, AUTHORS, Entry
from miniconf.problems import Problem
from papers.models import Authorship, Person, Presentation, Session

NOBODY = AnonymousUser()


def enter(*names, **more):
    """Runs called "ada1", "bob1", ...: the letters are the person."""
    for name in names:
        queue.put_back(name, Entry(person=name.rstrip("0123456789"), model="m", **more))


def take(worker="w", *, ready=("m",), refused=(), elsewhere=(), alone=True):
    found = queue.take(worker, ready=ready, refused=refused, elsewhere=elsewhere, alone=alone)
    return found and found[0]


def in_order():
    return [run_id for run_id, _ in queue.waiting_runs()]


def test_people_take_turns_and_arrival_decides_within_one():
    enter("ada1", "ada2", "ada3", "bob1", "cyd1", "bob2")
    assert in_order() == ["ada1", "bob1", "cyd1", "ada2", "bob2", "ada3"]
    assert [queue.position(name) for name in ("ada1", "bob2", "nobody")] == [1, 5, None]
    assert [take() for _ in range(7)] == ["ada1", "bob1", "cyd1", "ada2", "bob2", "ada3", None]


def test_a_newcomer_waits_for_the_turn_that_is_being_served_and_no_longer():
    enter(*[f"ada{n}" for n in range(1, 6)])
    assert [take(), take(), take()] == ["ada1", "ada2", "ada3"]
    enter("bob1")
    assert in_order() == ["bob1", "ada4", "ada5"]


def test_who_leaves_without_having_been_served_gets_the_turn_back():
    enter("ada1", "bob1", "ada2", "bob2")
    queue.leave("ada2")
    enter("ada3")
    assert in_order() == ["ada1", "bob1", "bob2", "ada3"]


def test_a_run_enters_once():
    enter("ada1", "bob1", "ada1")
    assert in_order() == ["ada1", "bob1"]


def test_rescued_runs_come_first_then_authors_in_their_session():
    enter("ada1")
    enter("bob1", tier=AUTHORS)
    enter("cyd1", tier=AGAIN)
    assert in_order() == ["cyd1", "bob1", "ada1"]


def test_a_worker_leaves_a_run_to_those_that_have_its_model():
    queue.put_back("big", Entry(person="ada", model="big"))
    queue.put_back("small", Entry(person="bob", model="small"))
    assert take(ready=["small"], elsewhere=["big"]) == "small"
    assert take(ready=["small"], elsewhere=["big"]) is None
    assert take(ready=["small"], refused=["big"]) is None
    assert take(ready=["small"]) == "big", "nobody else has it, so it is loaded here"


def test_who_has_waited_long_enough_is_served_by_a_worker_that_has_to_load(monkeypatch):
    monkeypatch.setattr(queue, "PATIENCE", -1)
    queue.put_back("big", Entry(person="ada", model="big"))
    assert take(ready=["small"], elsewhere=["big"]) == "big"


def test_a_drained_worker_gets_nothing_until_it_is_told_to_go_on():
    enter("ada1")
    queue.order("w", "drain")
    assert (take("w"), queue.orders()) == (None, {"w": "drain"})
    queue.order("w", None)
    assert take("w") == "ada1"


def test_a_run_that_may_kill_workers_has_no_other_such_beside_it():
    enter("ada1", alone=True)
    enter("bob1")
    assert [take(alone=False), take(alone=False), take()] == ["bob1", None, "ada1"]


def test_the_estimate_knows_how_much_was_asked_for():
    worker = {"models": ["m"], "slots": 2, "speed": {"m": 10.0}, "share": {"m": 0.5}, "left": {"m": [20, 40]}}
    waiting = [(name, Entry(person=name, model="m", asked=asked)) for name, asked in (("a", 30), ("b", 30), ("c", 10))]
    waits = estimates.waits(waiting, [worker])
    # 8 tokens/s at worst: places fall free after 2.5 and 5 s; a's 30 tokens take 3.75 s more.
    assert [waits[name].latest for name in "abc"] == [2.5, 5.0, 6.25]
    # Half of all that at best, and a little faster.
    assert [round(waits[name].earliest, 4) for name in "abc"] == [0.85, 1.7, 2.125]
    assert estimates.waits(waiting, [{**worker, "speed": {}}]) == {}
    assert estimates.waits(waiting, [{**worker, "order": "drain"}]) == {}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [((0, 0), "any moment"), ((3, 7), "about 3 to 7 s"), ((5, 5), "about 5 s"), ((100, 260), "about 2 to 4 min")],
)
def test_an_estimate_is_said_as_people_would(seconds, said):
    assert estimates.in_words(seconds) == said


# --- With rows -------------------------------------------------------------------------------------------------------


@pytest.fixture
def settled():
    """A broker that has been up for long enough to be asked who is missing."""
    while queue.broker_age() < queue.WORKER_TTL:
        time.sleep(0.5)


def run_of(demo, **values):
    return Run.objects.create(demo=demo, inputs={"prompt": "x"}, asked=10, **values)


def run_in(demo):
    return services.create_run(demo=demo, inputs={}, user=NOBODY, visitor="c")


def age(run, seconds):
    Run.objects.filter(pk=run.pk).update(created_at=now() - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_who_waits_is_told_a_place_and_a_time(demo):
    worker = {"models": ["tiny"], "slots": 1, "speed": {"tiny": 10.0}, "left": {"tiny": [40]}, "busy": 1}
    queue.announce_worker("test", worker)
    first, second = (services.create_run(demo=demo, inputs={}, user=NOBODY, visitor=v) for v in "ab")
    assert positions.place_of(str(second.pk)) == (2, [4, 6])
    positions.announce()
    shown = services.run_as_dict(second)
    assert (shown["position"], shown["wait"]) == (2, [4, 6])
    assert runlog.backlog(second, None)[-1] == {"type": "state", "state": "queued", "position": 2, "wait": [4, 6]}
    queue.leave(str(first.pk))
    assert services.run_as_dict(second)["position"] == 1
    queue.order("test", "drain")
    assert positions.place_of(str(run_in(demo).pk)) == (2, None)  # nobody knows when it takes runs again


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("limit", "title"),
    [("waiting", "This demo is busy"), ("runs_per_hour", "Too many runs"), ("runs_per_hour_person", "Too many runs")],
)
def test_a_demo_has_limits_of_its_own_and_shows_what_can_be_seen_meanwhile(demo, announced, limit, title):
    limits.cache.delete(f"demos.examples.{demo.pk}")
    example = run_of(demo, state="succeeded", output={"text": "y", "tokens": []})
    Run.objects.filter(pk=example.pk).update(
        inputs={**services.kinds.get("generate").validate(demo, demo.examples[0]["inputs"])}
    )
    demo.limits = {limit: 2}
    for seed in range(2):
        services.create_run(demo=demo, inputs={"seed": seed}, user=NOBODY, visitor="a")
    with pytest.raises(Problem) as caught:
        services.create_run(demo=demo, inputs={"seed": 9}, user=NOBODY, visitor="a")
    problem = caught.value
    assert (problem.status, problem.title) == (429, title)
    assert problem.retry_after > 0
    assert problem.extra["examples"] == [{"title": "Start", "page": example.get_absolute_url(), "run": str(example.pk)}]
    others = {"seed": 10}
    if limit == "runs_per_hour_person":
        assert services.create_run(demo=demo, inputs=others, user=NOBODY, visitor="b").state == "queued"
    else:
        with pytest.raises(Problem):
            services.create_run(demo=demo, inputs=others, user=NOBODY, visitor="b")


@pytest.mark.django_db
def test_authors_come_first_with_one_run_while_their_session_is_on(demo, announced, attendee):
    Authorship.objects.create(
        paper=demo.paper, person=Person.objects.create(slug="ada", name="Ada", user=attendee), position=1
    )
    session = Session.objects.create(
        uid="s", title="Posters", starts_at=now() - timedelta(hours=3), ends_at=now() - timedelta(hours=2)
    )
    Presentation.objects.create(session=session, paper=demo.paper)

    def start(seed, user=attendee):
        return services.create_run(demo=demo, inputs={"seed": seed}, user=user, visitor="v")

    assert start(1).priority is False
    Session.objects.update(ends_at=now() + timedelta(hours=1))
    visitors = start(2, NOBODY)
    first, second = start(3), start(4)
    assert [run.priority for run in (visitors, first, second)] == [False, True, False]
    assert in_order()[0] == str(first.pk)


@pytest.mark.django_db
def test_a_run_that_nobody_watches_is_stopped_unless_it_is_to_be_kept(demo, announced, settings, settled):
    settings.RUN_GRACE_SECONDS = 5
    kept, left, watched, fresh = (run_of(demo, keep=keep) for keep in (True, False, False, False))
    for run in (kept, left, watched):
        age(run, 60)
    watching.seen([str(watched.pk)])
    recovery.stop_abandoned()
    states = {run: Run.objects.get(pk=run.pk) for run in (kept, left, watched, fresh)}
    assert [states[run].state for run in (kept, left, watched, fresh)] == ["queued", "cancelled", "queued", "queued"]
    assert states[left].error == watching.REASON
    assert queue.cancel_reason(str(left.pk)) == watching.REASON


@pytest.mark.django_db
def test_rows_that_wait_and_are_in_no_queue_are_put_back(demo, announced):
    lost, _ = run_of(demo), run_of(demo)
    age(lost, 60)
    recovery.rescue()
    assert in_order() == [str(lost.pk)]


@pytest.mark.django_db
def test_of_many_runs_that_lost_two_workers_each_is_tried_alone(demo, announced, settled):
    """Which of them killed the workers is not known; one that dies alone among suspects is the one."""
    runs = [run_of(demo, state="running", worker="dead", attempts=2, started_at=now()) for _ in range(3)]
    recovery.rescue()
    assert [entry.alone for _, entry in queue.waiting_runs()] == [True] * 3
    Run.objects.filter(pk=runs[0].pk).update(state="running", worker="dead too", attempts=3)
    queue.leave(str(runs[0].pk))
    recovery.rescue()
    assert [Run.objects.get(pk=run.pk).state for run in runs] == ["failed", "queued", "queued"]


@pytest.mark.django_db
def test_a_run_that_its_living_worker_has_forgotten_is_tried_again(demo, settled):
    known, forgotten = (
        run_of(demo, state="running", worker="w", attempts=1, started_at=now() - timedelta(minutes=1)) for _ in "12"
    )
    queue.announce_worker("w", {"models": ["tiny"], "slots": 4, "busy": 1, "runs": [str(known.pk)]})
    recovery.rescue()
    assert [Run.objects.get(pk=run.pk).state for run in (known, forgotten)] == ["running", "queued"]


@pytest.mark.django_db
def test_a_run_of_a_model_that_no_worker_can_load_fails_with_the_reason(demo):
    queue.announce_worker("w", {"models": [], "failures": {"tiny": "model 'tiny' is broken"}, "slots": 4, "busy": 0})
    run = run_of(demo)
    age(run, 60)
    recovery.expire()
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "model 'tiny' is broken")


# --- The organizers' page ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_organizers_see_workers_queue_runs_and_failures_and_give_orders(client, demo, attendee):
    name = "gpu@host-1-abcdef"
    worker = {"models": ["tiny"], "slots": 4, "busy": 1, "left": {"tiny": [5]}, "speed": {"tiny": 12.3}, "runs": ["x"]}
    queue.announce_worker(name, {**worker, "device": "cpu", "started_at": time.time()})
    waiting = services.create_run(demo=demo, inputs={}, user=NOBODY, visitor="a")
    run_of(demo, state="failed", error="it broke", finished_at=now())
    page = "/organize/demos/"

    assert client.get(page).status_code == 302
    client.force_login(attendee)
    assert client.get(page).status_code == 403
    assert client.post(page + "act/", {"worker": name, "do": "drain"}).status_code == 403
    attendee.is_organizer = True
    attendee.save()

    shown = client.get(page).content.decode()
    for words in (
        "gpu@host",
        "12 tokens/s each",
        "1 of 4",
        "it broke",
        "Nothing runs at the moment",
        waiting.get_absolute_url(),
    ):
        assert words in shown
    assert client.post(page + "act/", {"worker": name, "do": "drain"}).status_code == 302
    assert queue.orders() == {name: "drain"}
    assert "Takes no new runs" in client.get(page).content.decode()
    answer = client.post(page + "act/", {"worker": name, "do": "resume"}, HTTP_HX_REQUEST="true").content.decode()
    assert "It takes runs again." in answer
    assert "<html" not in answer
    assert queue.orders() == {}
    assert (
        "gone" in client.post(page + "act/", {"worker": "no", "do": "drain"}, HTTP_HX_REQUEST="true").content.decode()
    )
    client.post(page + "act/", {"run": str(waiting.pk), "do": "cancel"})
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
