"""The rules of running a demo: who may, when it is refused, how a run begins and ends."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from miniconf.limits import allow
from miniconf.live import BrokerDown
from miniconf.permissions import Viewer, can_run, is_member, is_organizer
from miniconf.problems import Problem

from . import kinds, queue, runlog, stored
from .models import Demo, Run


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


def create_run(*, demo: Demo, inputs: dict[str, Any], user: Viewer, visitor: str, fresh: bool = False) -> Run:
    """Check, record and queue a run, or find what was computed from the same inputs before, unless it is to be `fresh`.

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
        _check_limits(user=user, visitor=visitor)
        _check_workers(demo)
        run = Run.objects.create(
            demo=demo,
            user=user if is_member(user) else None,
            visitor="" if is_member(user) else visitor,
            inputs=clean,
            result_key=stored.key_of(demo, clean),
        )
        try:
            runlog.append(str(run.id), [runlog.queued_event()])
            queue.enqueue(str(run.id))
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


def _check_limits(*, user: Viewer, visitor: str) -> None:
    rate = settings.RUN_RATE_PERSON if is_member(user) else settings.RUN_RATE_ANONYMOUS
    if wait := allow(rate, "runs", str(user.pk) if is_member(user) else visitor):
        raise Problem(
            status=429,
            title="Too many runs",
            detail=f"The limit is {rate}. Try again in {wait:.0f} s.",
            retry_after=wait,
        )
    open_runs = own_runs(user=user, visitor=visitor).filter(state__in=[Run.State.QUEUED, Run.State.RUNNING]).count()
    if open_runs >= settings.RUNS_AT_ONCE_PER_PERSON:
        raise Problem(
            status=429,
            title="Too many runs at once",
            detail=f"{open_runs} of your runs have not finished; {settings.RUNS_AT_ONCE_PER_PERSON} at once is the limit.",
            retry_after=5,
        )
    waiting = queue.waiting()
    if waiting >= settings.RUN_QUEUE_LIMIT:
        raise Problem(
            status=429,
            title="The queue is full",
            detail=f"{waiting} runs are waiting, which is as many as this site takes. "
            "The examples' stored results can be viewed meanwhile.",
            retry_after=15,
        )


def _check_workers(demo: Demo) -> None:
    workers = queue.workers()
    if not workers:
        raise Problem(
            status=503,
            title="No demo worker is running",
            detail="No machine that runs demos is connected at the moment. Finished runs can still be viewed.",
            retry_after=15,
        )
    if not any(demo.model in worker["models"] for worker in workers):
        raise Problem(
            status=503,
            title="The model is not loaded",
            detail=f"No running worker has the model {demo.model!r} ready.",
            retry_after=15,
        )


def cancel_run(*, run: Run, user: Viewer, visitor: str) -> Run:
    """Stop a run: at once if it waits, before its next token if it runs; a finished run stays as it is. Raises Problem."""
    if not is_organizer(user) and not own_runs(user=user, visitor=visitor).filter(pk=run.pk).exists():
        raise Problem(status=403, title="Not allowed", detail="Only who started a run, or an organizer, may cancel it.")
    if Run.objects.filter(pk=run.pk, state=Run.State.QUEUED, started_at=None).update(
        state=Run.State.CANCELLED, finished_at=now()
    ):
        run.refresh_from_db()
        try:
            queue.leave(str(run.id))
            runlog.append(str(run.id), [runlog.done_event(run)])
            queue.announce_positions()
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
    runlog.append(str(run.id), [runlog.done_event(run)])
    return run


def run_as_dict(run: Run) -> dict[str, Any]:
    """A run as the API shows it: no address, no e-mail."""
    place = None
    if run.state == Run.State.QUEUED:
        try:
            place = queue.position(str(run.id))
        except BrokerDown:
            place = None
    base = reverse("api:run", args=[run.id])
    return {
        "id": str(run.id),
        "demo": run.demo.slug,
        "state": run.state,
        "stored": run.is_stored,
        "position": place,
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
            "page": run.get_absolute_url(),
        },
    }
