"""Invitations go out a hundred at a time, so that a stop loses nothing and other work comes in between."""

from __future__ import annotations

from celery import shared_task

from .invitations import send_due


@shared_task(name="miniconf.people.tasks.send_invitations", ignore_result=True)
def send_invitations() -> None:
    if send_due():
        send_invitations.delay()
