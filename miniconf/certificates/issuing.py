"""What is true of somebody, and the certificate that says so."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction

from miniconf.accounts.models import User
from miniconf.people.models import Role
from papers.models import Conference, Session
from papers.queries import visible_papers

from . import attending, fonts
from .models import Certificate, CertificateRules

NAMED = 8  # papers and sessions that fit on the page; more are counted
MOST_KEPT = 20  # certificates of one person that say different things
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike
CODE_LENGTH = 20  # 100 bits


class CannotIssue(Exception):
    """Why somebody gets no certificate, as a sentence."""


def facts_of(user: User, rules: CertificateRules, conference: Conference) -> dict[str, Any]:
    papers = visible_papers().filter(authors__user=user).order_by("title", "pk").distinct()
    given = user.roles.filter(kind=Role.Kind.CHAIR).values("key")
    sessions = Session.objects.filter(withdrawn_at=None).order_by("starts_at", "pk")
    chaired = (sessions.filter(chairs__user=user) | sessions.filter(uid__in=given)).distinct()
    paper_titles, session_titles = list(papers.values_list("title", flat=True)), [row.title for row in chaired]
    return {
        "conference": conference.name,
        "starts_on": conference.starts_on.isoformat() if conference.starts_on else None,
        "ends_on": conference.ends_on.isoformat() if conference.ends_on else None,
        "attended": attending.has_attended(user, rules, conference),
        "organizer": user.is_organizer,
        "papers": paper_titles[:NAMED],
        "more_papers": max(0, len(paper_titles) - NAMED),
        "sessions": session_titles[:NAMED],
        "more_sessions": max(0, len(session_titles) - NAMED),
    }


def says_something(facts: dict[str, Any]) -> bool:
    return bool(facts["attended"] or facts["organizer"] or facts["papers"] or facts["sessions"])


def check(user: User, rules: CertificateRules, conference: Conference) -> dict[str, Any]:
    """The facts of `user`'s certificate. Raises CannotIssue."""
    if not rules.is_on:
        raise CannotIssue("The organizers give out no certificates here.")
    if not attending.are_available(rules, conference):
        first = attending.available_from(rules, conference)
        when = f" from {first:%-d %B %Y} on" if first else " once the organizers have set a day"
        raise CannotIssue(f"Certificates can be had{when}.")
    facts = facts_of(user, rules, conference)
    if not says_something(facts):
        raise CannotIssue(f"Nothing is known here that a certificate could say of you. They are for: {rules}.")
    if not user.name.strip():
        raise CannotIssue("A certificate needs a name: write yours on your profile page first.")
    if missing := fonts.missing(user.name):
        raise CannotIssue(
            f"Your name has characters that cannot be printed here: {' '.join(missing)}. Write it otherwise on your "
            "profile page, or ask the organizers."
        )
    return facts


@transaction.atomic
def issue(user: User) -> Certificate:
    """`user`'s certificate as of now: the one that says just this, else a new one. Raises CannotIssue."""
    facts = check(user, CertificateRules.current(), Conference.current())
    User.objects.select_for_update().get(pk=user.pk)  # two downloads at once are one certificate
    mine = list(Certificate.objects.filter(user=user))
    for certificate in mine:
        if certificate.name == user.name and certificate.facts == facts:
            return certificate
    if len(mine) >= MOST_KEPT:
        raise CannotIssue("You have had too many different certificates. Ask the organizers.")
    return Certificate.objects.create(user=user, name=user.name, facts=facts, code=_new_code())


def _new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def find(code: str) -> Certificate | None:
    """By its code as people type it: small letters, spaces and dashes do not matter."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    if len(plain) != CODE_LENGTH or not plain.isascii():
        return None
    return Certificate.objects.filter(code=plain).first()


def shown_code(code: str) -> str:
    return "-".join(code[place : place + 5] for place in range(0, len(code), 5))
