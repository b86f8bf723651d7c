"""The free text `type` of a frab event, and what it means here.

Elsewhere it says "lecture", "Talk", "WORKSHOP", "podium". Our own exports use a small fixed language, which comes
back as it went out: an event's kind ("keynote"), with the session's where that is another one ("keynote (qa)");
"break" and "<kind> session" for sessions without an event; ", part" after what is no line of the schedule itself.
"""

from __future__ import annotations

import re

from papers.models import Event, Session

PART = ", part"

# What kind of session an event of this kind usually is.
_SESSION_OF_EVENT = {"talk": "oral", "panel": "other"}

# The first expression found decides: kind of event, kind of session.
_WORDS = tuple(
    (re.compile(rf"\b(?:{words})", re.I), event, session)
    for words, event, session in (
        (r"keynotes?\b", "keynote", "keynote"),
        (r"lightning|talks?\b|lectures?\b|vortrag|vorträge|presentation|paper\b|submission", "talk", "oral"),
        (r"tutorials?\b|training|course|hands[- _]?on", "tutorial", "tutorial"),
        (r"workshops?\b", "workshop", "workshop"),
        (r"panels?\b|podium|discussions?\b|debate|diskussion", "panel", "other"),
        (r"posters?\b", "other", "poster"),
        (r"q ?& ?a\b|qa\b|questions and answers", "other", "qa"),
        (r"mentoring", "mentoring", "mentoring"),
        (r"plenar|ceremon|opening|closing", "plenary", "plenary"),
        (r"sponsor|expo\b", "other", "sponsor"),
        (r"social|party|parties|concert|performance|game|film|meet-?up|bofs?\b|birds", "social", "social"),
    )
)
_BREAK = re.compile(r"(?:(?:coffee|tea|lunch|dinner|morning|afternoon)[ -]?)?(?:break|pause|lunch)s?", re.I)
_OWN = re.compile(r"(?P<event>[a-z]+) \((?P<session>[a-z]+)\)|(?P<alone>[a-z]+) session")


def session_kind_of(event_kind: str) -> str:
    return _SESSION_OF_EVENT.get(event_kind, event_kind)


def type_of(event_kind: str, session_kind: str, *, in_schedule: bool = True) -> str:
    """The type of our exports; `event_kind` is blank for a session without an event."""
    if not event_kind:
        text = "break" if session_kind == "break" else f"{session_kind} session"
    elif session_kind_of(event_kind) == session_kind:
        text = event_kind
    else:
        text = f"{event_kind} ({session_kind})"
    return text if in_schedule else text + PART


def kinds_of_own_type(text: str) -> tuple[str, str, bool]:
    """Kind of event (blank: none), kind of session, in_schedule: what `type_of` was given."""
    in_schedule = not text.endswith(PART)
    text = text.removesuffix(PART)
    event, session = text, session_kind_of(text)
    if text == "break":
        event = ""
        session = "break"
    elif match := _OWN.fullmatch(text):
        event, session = match["event"] or "", match["session"] or match["alone"]
    if (event and event not in Event.Kind.values) or session not in Session.Kind.values:
        event, session = "other", "other"
    return event, session, in_schedule


def kinds_of_type(text: str, *, title: str, bare: bool) -> tuple[str, str]:
    """Kind of event (blank: a break, which gets no page of its own) and of session, for what others write.

    `bare`: nobody speaks and nothing is said about it, so that its title may tell a break.
    """
    if _BREAK.fullmatch(text) or (bare and _BREAK.fullmatch(title)):
        return "", "break"
    for words, event, session in _WORDS:
        if words.search(text):
            return event, session
    return "other", "other"
