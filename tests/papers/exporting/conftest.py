"""A small programme with everything that may not leave the site."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from papers.models import Conference, Event, Paper, Person, Session, Track

from .support import moment


@pytest.fixture
def programme() -> dict[str, Any]:
    conference = Conference.current()
    conference.name, conference.timezone = "A Conf", "Europe/Berlin"
    conference.starts_on, conference.ends_on = dt.date(2027, 5, 3), dt.date(2027, 5, 5)
    conference.save()
    track = Track.objects.create(name="Theory & <Practice>", slug="theory-practice")
    ada = Person.objects.create(slug="ada", name="Ada", affiliation="London", biography="A *life*.",
                                email_private="ada@secret.example")  # fmt: skip
    keynote = Event.objects.create(
        uid="k1", kind="keynote", title="Abstraction", abstract="One.\n\nTwo & three.", track=track,
        links=[{"label": "Slides", "url": "https://x.example/s?a=1&b=2"}], join_url_private="https://zoom.us/j/1?pwd=secret",
    )  # fmt: skip
    keynote.people.add(ada)
    first = Session.objects.create(
        uid="s1", title="Live: Abstraction; with, commas", kind="qa", starts_at=moment(3, 22), ends_at=moment(3, 23),
        event=keynote, track=track, room="Hall", url="https://elsewhere.example/s1",
        join_url_private="https://zoom.us/j/2?pwd=secret", join_note_private="Passcode secret",
    )  # fmt: skip
    posters = Session.objects.create(
        uid="p1",
        title="Posters",
        kind="poster",
        starts_at=moment(4, 7),
        ends_at=moment(9, 9),
        description="Come\n\nall.",
    )
    paper = Paper.objects.create(uid="P.1", title="A paper")
    posters.presentations.create(paper=paper, position=1)
    lunch = Session.objects.create(
        uid="l1", title="Lunch", kind="break", starts_at=moment(4, 10), ends_at=moment(4, 11)
    )
    gone = Session.objects.create(
        uid="gone", title="Gone", kind="oral", starts_at=moment(4, 10), ends_at=moment(4, 11), withdrawn_at=moment(1, 1)
    )
    return {"keynote": keynote, "first": first, "posters": posters, "lunch": lunch, "gone": gone, "paper": paper}
