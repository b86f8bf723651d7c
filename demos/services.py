"""The rules of running a demo: who may, when it is refused, how a run begins and ends."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from miniconf.live import BrokerDown
from miniconf.permissions import Viewer, can_run, is_author, is_member, is_organizer
from miniconf.problems import Problem
from papers.models import Session

from . import kinds, limits, positions, queue, runlog, stored, watching
from .model_states import problem_of
from .models import Demo, Run

WORK_WITHOUT_TOKENS = 32
EARLY = timedelta(minutes=15)  # before their session authors try whether all works


def visitor_of(request: HttpRequest) -> str:
    """Somebody without an account, told apart by a keyed hash of the address; the address itself is not kept."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).split(",")[-1].strip()
    return salted_hmac("demos.visitor", address).hexdigest()[:32]


def own_runs(*, user: Viewer, visitor: str) -> QuerySet[Run]:
    if is_member(user):
        return Run.objects.filter(user=user)
    return Run.objects.filter(user=None, visitor=visitor)


def create_run(
    *,
    demo: Demo,
    inputs: dict[str, Any],
    user: Viewer,
    visitor: str,
    fresh: bool = False,
    keep: bool = True,
    run_id: uuid.UUID | None = None,
) -> Run:
    """Check, record and queue a run, or find what was computed from the same inputs before, unless it is to be `fresh`.

    `run_id` is chosen beforehand by who may ask twice (demos/once.py).
    One that is not to be kept is stopped when nobody watches it any more (demos/watching.py).
    Raises Problem with the reason; then nothing is recorded or queued.
    422 inputs, 401/403 who, 429 too many (with a time to come back), 503 no worker, no model, no broker.
    """
    kind = kinds.get(demo.kind)
    clean = kind.validate(demo, inputs)
    if not can_run(user, demo):
        if is_member(user):
            raise Problem(status=403, title="Not allowed", detail="You may not run this demo.")
        raise Problem(
            status=401, title="Sign in first", detail="This conference lets members run demos. Please sign in."
        )
    if not fresh and (found := stored.result_for(demo=demo, inputs=clean)) is not None:
        return found
    try:
        _check_workers(kind.models_for(demo, clean))
        limits.check(
            demo,
            user=user,
            who=str(user.pk) if is_member(user) else visitor,
            own=own_runs(user=user, visitor=visitor),
        )
        run = Run.objects.create(
            id=run_id or uuid.uuid4(),
            demo=demo,
            user=user if is_member(user) else None,
            visitor="" if is_member(user) else visitor,
            inputs=clean,
            parent_id=clean.get("parent"),
            parent_token=clean.get("parent_token"),
            result_key=stored.key_of(demo, clean),
            asked=work_of(clean),
            priority=has_priority(user, demo),
            keep=keep,
        )
        try:
            queue.enqueue(str(run.id), entry_of(run))
        except BrokerDown:
            run.delete()
            raise
    except BrokerDown as error:
        raise Problem(
            status=503,
            title="The queue is not reachable",
            detail="The demo cannot be queued at the moment; reading and watching still work. Please try again shortly.",
            retry_after=10,
        ) from error
    return run


def _check_workers(models: list[str]) -> None:
    """Whether there is somebody who runs all of these. Raises Problem, BrokerDown."""
    workers = queue.recent_workers()
    if not workers:
        raise Problem(
            status=503,
            title="No demo worker is running",
            detail="No machine that runs demos is connected at the moment. Finished runs can still be viewed.",
            retry_after=15,
        )
    for model in models:
        if (problem := problem_of(model, workers)) is not None:
            raise problem


def work_of(inputs: dict[str, Any]) -> int:
    """How much is asked for, in tokens to be written; what writes none counts as a short text."""
    return int(inputs.get("max_new_tokens") or WORK_WITHOUT_TOKENS)


def entry_of(run: Run, *, tier: int | None = None) -> queue.Entry:
    """The run as the queue knows it; people are told apart by account, visitors by address."""
    if tier is None:
        tier = queue.AUTHORS if run.priority else queue.EVERYBODY
    return queue.Entry(
        person=f"member:{run.user_id}" if run.user_id else f"visitor:{run.visitor}",
        model=run.demo.model,
        asked=run.asked,
        tier=tier,
        alone=run.attempts >= queue.SUSPECT_AFTER,
    )


def has_priority(user: Viewer, demo: Demo) -> bool:
    """Whether a run comes before others: one at a time of each author, while a session with the paper is on."""
    if demo.paper is None or not is_member(user):
        return False
    moment = now()
    on = Session.objects.filter(papers=demo.paper, starts_at__lte=moment + EARLY, ends_at__gte=moment)
    if not on.exists() or not is_author(user, demo.paper):
        return False
    return not Run.objects.filter(user=user, priority=True, state__in=limits.UNFINISHED).exists()


def may_control(*, run: Run, user: Viewer, visitor: str) -> bool:
    """Whether somebody may stop a run and have it kept: who started it, and organizers."""
    if is_organizer(user):
        return True
    if is_member(user):
        return run.user_id == user.pk
    return run.user_id is None and bool(visitor) and run.visitor == visitor


def keep_run(*, run: Run, user: Viewer, visitor: str) -> Run:
    """Have a run go on when nobody watches it; one that has finished stays as it is. Raises Problem."""
    if not may_control(run=run, user=user, visitor=visitor):
        raise Problem(status=403, title="Not allowed", detail="Only who started a run, or an organizer, may keep it.")
    Run.objects.filter(pk=run.pk).exclude(state__in=Run.FINISHED).update(keep=True)
    run.refresh_from_db()
    return run


def cancel_run(*, run: Run, user: Viewer, visitor: str) -> Run:
    """Stop a run: at once if it waits, before its next token if it runs; a finished run stays as it is. Raises Problem."""
    if not may_control(run=run, user=user, visitor=visitor):
        raise Problem(status=403, title="Not allowed", detail="Only who started a run, or an organizer, may cancel it.")
    if Run.objects.filter(pk=run.pk, state=Run.State.QUEUED, started_at=None).update(
        state=Run.State.CANCELLED, finished_at=now()
    ):
        run.refresh_from_db()
        try:
            queue.leave(str(run.id))
            runlog.append(str(run.id), [runlog.done_event(run)])
            positions.announce()
        except BrokerDown:
            pass  # the row is what counts; those who watch read it when they come back
        return run
    run.refresh_from_db()
    if run.state not in Run.FINISHED:
        try:
            queue.request_cancel(str(run.id))
        except BrokerDown as error:
            raise Problem(
                status=503, title="The queue is not reachable", detail="The run could not be stopped. Please try again.",
                retry_after=5,
            ) from error  # fmt: skip
    return run


def finish_run(
    run_id: str | uuid.UUID,
    *,
    state: Run.State,
    output: dict[str, Any] | None,
    error: str = "",
    first_token_at: datetime | None = None,
    events: int | None = None,
) -> Run | None:
    """Record the end of a run and tell those who watch; None when it had ended before.

    `events` is how many it had since it began; left out, they are looked up.
    """
    if events is None:
        events = runlog.emitted(str(run_id))
    values = {"state": state, "output": output, "error": error[:500], "finished_at": now(), "events": events}
    if first_token_at is not None:
        values["first_token_at"] = first_token_at
    if not Run.objects.filter(pk=run_id).exclude(state__in=Run.FINISHED).update(**values):
        return None
    run = Run.objects.select_related("demo").get(pk=run_id)
    with suppress(BrokerDown):  # the row is what counts; those who watch read it when the broker is back
        runlog.append(str(run.id), [runlog.done_event(run)])
    return run


def run_as_dict(run: Run) -> dict[str, Any]:
    """A run as the API shows it: no address, no e-mail."""
    place = None
    if run.state == Run.State.QUEUED:
        try:
            place = positions.place_of(str(run.id))
        except BrokerDown:
            place = None
    if run.state not in Run.FINISHED and not run.keep:
        watching.seen([str(run.id)])  # whoever asks again and again is there, too
    base = reverse("api:run", args=[run.id])
    return {
        "id": str(run.id),
        "demo": run.demo.slug,
        "state": run.state,
        "stored": run.is_stored and run.state == Run.State.SUCCEEDED,
        "position": place[0] if place else None,
        "wait": place[1] if place else None,
        "keep": run.keep,
        "inputs": run.inputs,
        "output": run.output,
        "error": run.error or None,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "first_token_at": run.first_token_at,
        "finished_at": run.finished_at,
        "links": {
            "self": base,
            "events": reverse("api:run-events", args=[run.id]),
            "cancel": reverse("api:run-cancel", args=[run.id]),
            "keep": reverse("api:run-keep", args=[run.id]),
            "page": run.get_absolute_url(),
        },
    }
