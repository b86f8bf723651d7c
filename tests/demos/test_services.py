"""Starting and cancelling runs: what is refused, and that nothing is left behind when it is."""

import pytest
from django.contrib.auth.models import AnonymousUser

from demos import queue, runlog, services
from demos.models import Run
from miniconf.accounts.models import User
from miniconf.problems import Problem
from papers.models import Conference

NOBODY = AnonymousUser()
pytestmark = pytest.mark.django_db


def create(demo, user=NOBODY, visitor="somebody", **inputs):
    return services.create_run(demo=demo, inputs=inputs, user=user, visitor=visitor)


def refused(demo, **kwargs):
    """The problem, after a look that no row and no place in the queue is left."""
    runs = Run.objects.count()
    with pytest.raises(Problem) as caught:
        create(demo, **kwargs)
    assert Run.objects.count() == runs
    return caught.value


def test_a_run_is_recorded_queued_and_told(demo, announced):
    run = create(demo, prompt="We study", seed=3)
    assert run.state == "queued"
    given, presets = (
        {"prompt": "We study", "seed": 3, "max_new_tokens": 12},
        {"temperature": 0.8, "top_k": 0, "top_p": 0.95},
    )
    assert {name: run.inputs[name] for name in {**given, **presets}} == {**given, **presets}
    assert run.inputs.keys() == services.kinds.get("generate").Inputs.model_fields.keys()
    assert (run.asked, run.keep, run.priority) == (12, True, False)
    assert queue.position(str(run.id)) == 1
    assert runlog.kept(str(run.id)) == [{"n": 1, "type": "state", "state": "queued"}]


def test_a_seed_is_drawn_where_none_is_given_and_recorded(demo, announced):
    seeds = {create(demo, prompt="x").inputs["seed"] for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize(
    ("inputs", "field", "message"),
    [
        ({"prompt": "x", "temprature": 1}, "temprature", "is not an input of this demo"),
        ({"prompt": 5}, "prompt", "must be a valid string"),
        ({"prompt": "x", "temperature": float("nan")}, "temperature", "must be a finite number"),
        ({"prompt": "x", "temperature": 3}, "temperature", "must be less than or equal to 2"),
        ({"prompt": "x", "top_p": 0}, "top_p", "must be greater than 0"),
        ({"prompt": "x", "max_new_tokens": 51}, "max_new_tokens", "must be at most 50 in this demo"),
        ({"prompt": "x", "max_new_tokens": 0}, "max_new_tokens", "must be greater than or equal to 1"),
        ({"prompt": "x", "seed": -1}, "seed", "must be greater than or equal to 0"),
        ({"prompt": "a\0b"}, "prompt", "contains the control character U+0000; expected text"),
        ({"prompt": "number " * 60}, "prompt", "tokens; this model reads at most 40"),
        ({"prompt": "x" * 9000}, "prompt", "must have at most 8000 characters"),
    ],
)
def test_inputs_that_cannot_be_run_are_named(demo, announced, inputs, field, message):
    problem = refused(demo, **inputs)
    assert problem.status == 422
    assert [error["field"] for error in problem.extra["errors"]] == [field]
    assert message in problem.extra["errors"][0]["message"]


def test_without_a_worker_nothing_is_queued(demo):
    problem = refused(demo, prompt="x")
    assert (problem.status, problem.title) == (503, "No demo worker is running")


def test_without_a_worker_for_the_model_nothing_is_queued(demo):
    queue.announce_worker("other", {"models": ["another"], "slots": 4, "busy": 0})
    assert refused(demo, prompt="x").title == "The model is not loaded"


@pytest.mark.usefixtures("dead_broker")
def test_without_a_broker_nothing_is_recorded(demo):
    assert refused(demo, prompt="x").status == 503


def test_a_model_that_is_not_installed_is_named(demo, announced):
    demo.model = "nowhere"
    problem = refused(demo, prompt="x")
    assert problem.status == 503
    assert "'nowhere'" in problem.detail


def test_a_full_queue_refuses_politely(demo, announced, settings):
    settings.RUN_QUEUE_LIMIT = 2
    for visitor in ("a", "b"):
        create(demo, visitor=visitor, prompt="x")
    problem = refused(demo, visitor="c", prompt="x")
    assert (problem.status, problem.retry_after) == (429, 15)


def test_one_person_cannot_fill_the_queue(demo, announced, settings):
    settings.RUNS_AT_ONCE_PER_PERSON = 2
    for _ in range(2):
        create(demo, prompt="x")
    assert refused(demo, prompt="x").title == "Too many runs at once"
    assert create(demo, visitor="somebody else", prompt="x").state == "queued"


def test_runs_are_rate_limited(demo, announced, settings):
    settings.RUN_RATE_ANONYMOUS = "2/hour"
    for _ in range(2):
        create(demo, prompt="x")
    problem = refused(demo, prompt="x")
    assert problem.status == 429
    assert 0 < problem.retry_after <= 3600


def test_visitors_run_only_where_the_conference_lets_them(demo, announced, attendee):
    Conference.objects.update(anonymous_runs=False)
    assert refused(demo, prompt="x").status == 401
    assert create(demo, user=attendee, prompt="x").user == attendee


def test_cancelling_a_waiting_run_ends_it_and_frees_its_place(demo, announced):
    first, second = create(demo, prompt="x"), create(demo, prompt="x")
    run = services.cancel_run(run=first, user=NOBODY, visitor="somebody")
    assert run.state == "cancelled"
    assert queue.position(str(second.id)) == 1
    assert [event["type"] for event in runlog.backlog(run, None)] == ["state", "done"]


def test_only_who_started_a_run_or_an_organizer_cancels_it(demo, announced, attendee):
    run = create(demo, user=attendee, prompt="x")
    with pytest.raises(Problem) as caught:
        services.cancel_run(run=run, user=NOBODY, visitor="somebody")
    assert caught.value.status == 403
    attendee.is_organizer = True
    assert services.cancel_run(run=run, user=attendee, visitor="").state == "cancelled"


def test_a_run_as_others_see_it_tells_nothing_of_who_started_it(demo, announced, attendee):
    shown = services.run_as_dict(create(demo, user=attendee, prompt="x"))
    assert attendee.email not in str(shown)
    assert "visitor" not in shown


def test_who_started_a_run_or_an_organizer_has_it_kept(demo, announced, attendee):
    def started(**more):
        return services.create_run(demo=demo, inputs={"prompt": "x"}, visitor="v", keep=False, **more)

    own, visitors = started(user=attendee), started(user=NOBODY)
    strangers = [(NOBODY, "v"), (NOBODY, ""), (User.objects.create_user("else@example.org"), "v")]
    for user, visitor in strangers:
        assert not services.may_control(run=own, user=user, visitor=visitor)
        with pytest.raises(Problem) as refusal:
            services.keep_run(run=own, user=user, visitor=visitor)
        assert refusal.value.status == 403
    assert Run.objects.filter(keep=False).count() == 2
    assert services.keep_run(run=own, user=attendee, visitor="").keep
    assert services.keep_run(run=visitors, user=NOBODY, visitor="v").keep
    done = started(user=attendee)
    Run.objects.filter(pk=done.pk).update(state="succeeded")
    attendee.is_organizer = True
    assert not services.keep_run(run=done, user=attendee, visitor="").keep  # as it was


def test_a_run_is_kept_from_its_page_without_javascript(demo, announced, settings, client, attendee):
    client.force_login(attendee)
    run = services.create_run(demo=demo, inputs={"prompt": "x"}, user=attendee, visitor="", keep=False)
    page = client.get(run.get_absolute_url()).content.decode()
    assert f'action="/runs/{run.pk}/keep/"' in page
    assert "goes on when you leave" not in page
    assert client.post(f"/runs/{run.pk}/keep/")["Location"] == run.get_absolute_url()
    page = client.get(run.get_absolute_url()).content.decode()
    assert f"/runs/{run.pk}/keep/" not in page
    assert "goes on when you leave" in page
    client.logout()
    others = client.get(run.get_absolute_url()).content.decode()
    assert "goes on when you leave" not in others
    assert 'data-part="stop"' not in others
    assert client.post(f"/runs/{run.pk}/keep/", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 403


def test_the_api_says_whose_it_is_and_keeps_it(demo, announced, client, attendee):
    client.force_login(attendee)
    run = services.create_run(demo=demo, inputs={"prompt": "x"}, user=attendee, visitor="", keep=False)
    shown = client.get(f"/api/v1/runs/{run.pk}").json()
    assert (shown["yours"], shown["keep"], shown["links"]["keep"]) == (True, False, f"/api/v1/runs/{run.pk}/keep")
    assert client.post(f"/api/v1/runs/{run.pk}/keep").json()["keep"]
    client.logout()
    assert client.get(f"/api/v1/runs/{run.pk}").json()["yours"] is False
