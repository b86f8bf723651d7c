"""A conference whose every text wants to be run; made straight in the tables, past all checks of forms and importers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from chat.models import (
    BlockedWord,
    Message,
    ModerationAct,
    Notification,
    Report,
    Revision,
    Room,
    Sanction,
)
from demos.models import Demo, Run
from miniconf.accounts.models import ApiToken, User
from miniconf.announcing.models import AnnouncementMail
from miniconf.certificates.models import Certificate, CertificateRules
from miniconf.closing.models import Archive, Thanks
from miniconf.console.models import Appearance, MailWording
from miniconf.feedback.models import Answer, FeedbackForm, FeedbackResponse
from miniconf.people.models import Act, Invitation, Role
from miniconf.rendering import render_markdown
from papers.models import (
    Announcement,
    Authorship,
    Bookmark,
    Conference,
    Edit,
    Event,
    Import,
    ImportChange,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Seat,
    Session,
    Sponsor,
    Track,
    Upload,
)
from tests.site.hostile_texts import ADDRESSES, GROUPS, TEXTS, group

APPS = (
    "papers",
    "chat",
    "demos",
    "accounts",
    "people",
    "console",
    "feedback",
    "certificates",
    "closing",
    "announcing",
    "miniconf",
)
# What names other rows or is made by the site itself from a fixed stock; people never type it in.
KEPT = {
    "uid", "slug", "key", "room_key", "kind", "digest", "hint", "password", "email", "pattern", "calendar_key", "html",
    "timezone", "accent", "accent_dark", "mail_id", "result_key", "example_key", "text_digest", "method", "emoji",
    "reactions", "edited", "before", "after", "conflicts", "what", "content_type", "menu",
}  # fmt: skip
KEPT_OF = {"demos.Demo": {"model"}, "chat.ModerationAct": {"action"}, "console.MailWording": {"name"},
           "console.Appearance": {"logo_mark"}, "demos.RunPart": {"name"}, "miniconf.SetupStep": {"name"},
           "people.Role": {"key"}, "feedback.FeedbackResponse": {"target", "mark"},
           "certificates.Certificate": {"code", "facts"}}  # fmt: skip
ADDRESS = {"url", "address", "href"}
OUTPUTS: dict[str, dict[str, Any]] = {
    "generate": {"text": "T", "tokens": [[5, "T", 0.5, [["T", 0.1]]]], "finish_reason": "length"},
    "entities": {"entities": [[0, 12, "T", 0.9], [13, 20, "T", 0.8]]},
    "answer": {"answers": [[0, 12, 0.9], [2, 9, 0.1]]},
    "classify": {"labels": [["T", 0.5], ["T", 0.4]]},
    "zero-shot": {"labels": [["T", 0.5, -1.5, 2, -1.0]]},
    "summarize": {"text": "T", "tokens": [[5, "T", 0.5, []]], "finish_reason": "length"},
    "translate": {"text": "T", "tokens": [[5, "T", 0.5, []]], "finish_reason": "length"},
}
INPUTS = {"prompt": "T", "text": "T", "labels": "T", "template": "T", "neutral": "T", "question": "T", "seed": 1}
FILES = ['x"onerror="pwned()"id="pwn.png', "x' onload='pwned()' id='pwn.mp4", "<img src=x onerror=pwned() id=pwn>.pdf"]
START = datetime(2027, 5, 3, 10, tzinfo=UTC)


def filled(value: Any, texts: Any, addresses: Any) -> Any:
    """A JSON value with every text in it replaced, keys and numbers as they are."""
    if isinstance(value, dict):
        return {name: filled(one, addresses if name in ADDRESS else texts, addresses) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, texts, addresses) for one in value]
    return next(texts) if isinstance(value, str) else value


def make(number: int, people: dict[str, User]) -> None:
    """One of everything that has a page, number `number`."""
    uid, author, member = f"X{number}", people["author"], people["member"]
    links = [{"label": "T", "url": "T", "kind": "code"}]
    paper = Paper.objects.create(
        uid=uid, title="T", links=links, track=Track.objects.create(name=uid, slug=f"x{number}")
    )
    paper.keywords.add(Keyword.objects.create(name=uid))
    own = author if number == 0 else None
    person = Person.objects.create(slug=f"x{number}", name="T", user=own)
    Authorship.objects.create(paper=paper, person=person, position=1)
    event = Event.objects.create(
        uid=uid, kind=Event.Kind.values[number % len(Event.Kind.values)], title="T", links=links, capacity=3
    )
    session = Session.objects.create(
        uid=uid, title="T", starts_at=START + timedelta(hours=number), ends_at=START + timedelta(hours=number + 1)
    )
    Presentation.objects.create(paper=paper, session=session)
    said_something(f"session:{uid}", f"session:{uid}", member)
    give_certificate(number, member)
    if number == 0:
        Archive.objects.create(state="failed", error="T")
        Thanks.objects.create(user=member, state="failed", due=False, error="T")
        CertificateRules.objects.create(is_on=True, available_from="2020-01-01", who="registered")
        said_something("conference", "conference", member)
    Seat.objects.create(event=event, user=member)
    Sponsor.objects.create(uid=uid, name="T", links=links)
    Page.objects.create(slug=f"x{number}", title="T", body="T")
    Announcement.objects.create(title="T", body="T", published_at="2020-01-01T00:00Z")
    targeted = Announcement.objects.create(
        title="T", body="T", published_at="2020-01-02T00:00Z", session=session, by_email=True, mails_listed_at=START
    )
    AnnouncementMail.objects.create(announcement=targeted, user=member, state="failed", due=False, error="T")
    Bookmark.objects.create(user=member, paper=paper)
    for place, (kind, output) in enumerate(OUTPUTS.items(), 1):
        demo = Demo.objects.create(
            slug=f"x{number}-{kind}", paper=paper, kind=kind, title="T", model="sha-rnn",
            examples=[{"title": "T", "inputs": {"prompt": "T", "text": "T"}}],
        )  # fmt: skip
        Run.objects.create(
            id=UUID(int=1000 * number + place), demo=demo, inputs=INPUTS, state="succeeded", output=output,
            user=member,
        )  # fmt: skip
    Run.objects.create(id=UUID(int=1000 * number + 100), demo=demo, inputs=INPUTS, state="failed", error="T")
    values = {"title": "T", "abstract": "T", "links": links}
    change = {"kind": "paper", "key": uid, "title": "T", "before": values, "after": values}
    Edit.objects.create(user=author, note="T", **change)
    run = Import.objects.create(
        user=people["organizer"], files=["T"], notes=["T"], state=Import.State.READY, options={"source": "T"},
        problems=[{"file": "T", "row": 1, "field": "T", "value": "T", "expected": "T"}], id=UUID(int=number + 1),
        counts={"papers": {"added": 1}},
    )  # fmt: skip
    for action in ImportChange.Action.values:
        ImportChange.objects.create(run=run, action=action, conflicts={"title": ["T", "T"]}, **change)
    Upload.objects.create(user=author, purpose="poster", target=uid, name="T", size=1)
    Role.objects.create(user=member, kind="chair", key=uid)
    Invitation.objects.create(email=f"x{number}@example.org")
    Act.objects.create(actor=people["organizer"], what="T", about="T")
    ApiToken.objects.create(user=member, name="T", digest=str(number), hint="mc_12345")
    BlockedWord.objects.create(word=f"blocked{number}")
    Sanction.objects.create(user=member, kind=Sanction.Kind.MUTE, reason="T", lifted_at=START)
    room = Room.objects.create(key=f"paper:{uid}", last_number=len(TEXTS))
    for place, text in enumerate(TEXTS if number == 0 else group(number), 1):
        html = render_markdown(text, breaks=True)
        message = Message.objects.create(
            room=room, number=place, author=author, client_id=UUID(int=number * 1000 + place), text=text, html=html,
            asked=Message.Asked.OPEN if place % 3 == 0 else "", pinned_at=START if place == 1 else None,
        )  # fmt: skip
    Revision.objects.create(message=message, text="T")
    Report.objects.create(message=message, reporter=member, reason="T")
    Notification.objects.create(user=member, message=message, cause="reply")
    ModerationAct.objects.create(action="hide", room_key=room.key, note="T", actor=author)


def give_certificate(number: int, member: User) -> None:
    """Says what the texts of the group say: facts are copied from titles and names."""
    texts = group(number)
    facts = {
        "conference": texts[0], "starts_on": "2027-05-03", "ends_on": "2027-05-05", "attended": True, "organizer": True,
        "papers": texts, "more_papers": 1, "sessions": texts, "more_sessions": 0,
    }  # fmt: skip
    code = str(number).translate(str.maketrans("01", "YZ")).rjust(20, "A")
    Certificate.objects.create(code=code, user=member, name="T", facts=facts)


def said_something(key: str, target: str, user: User) -> None:
    """A form with a question of each kind, and somebody's answers with their name."""
    form = FeedbackForm.objects.create(key=key, is_on=True, anonymous=False, intro="T")
    response = FeedbackResponse.objects.create(form=form, target=target, mark="m", user=user)
    for kind in ("rating", "choice", "text"):
        question = form.questions.create(kind=kind, text="T", options=["T", "T"] if kind == "choice" else [])
        Answer.objects.create(
            response=response,
            question=question,
            number=4 if kind == "rating" else None,
            text="T" if kind != "rating" else "",
        )


def poison() -> list[str]:
    """Put hostile texts into every field of every row that people or files may fill; returns the fields without rows."""
    empty = []
    for model in apps.get_models():
        if model._meta.app_label not in APPS:
            continue
        kept = KEPT | KEPT_OF.get(model._meta.label, set())
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField | models.FileField)
            and not field.choices and field.name not in kept and not (model is Message and field.name == "text")
        ]  # fmt: skip
        if not model._default_manager.exists():
            empty += [f"{model._meta.label}.{field.name}" for field in fields]
        for place, row in enumerate(model._default_manager.order_by("pk")):
            texts = islice(cycle(group(place % GROUPS)), place % 5, None)
            for field in fields:
                value = getattr(row, field.name)
                if isinstance(field, models.JSONField):
                    value = filled(value, texts, cycle(ADDRESSES))
                elif isinstance(field, models.URLField):
                    value = ADDRESSES[place % len(ADDRESSES)]
                elif field.name.endswith(("_file", "_poster")):
                    value = FILES[place % len(FILES)]
                elif field.unique:
                    value = f"{place} {next(texts)}"
                elif field.name in ("abstract", "body", "description", "biography", "about", "bibtex"):
                    value = "\n\n".join(group(place % GROUPS))
                else:
                    value = " ".join(group(place % GROUPS)[:4]) if place % 2 else next(texts)
                setattr(row, field.name, value)
            if fields:
                row.save(update_fields=[field.name for field in fields])
        for row in model._default_manager.all() if model in (Edit, ImportChange) else ():
            for name in ("before", "after", "conflicts"):
                if hasattr(row, name):
                    setattr(row, name, filled(getattr(row, name), cycle(group(row.pk % GROUPS)), cycle(ADDRESSES)))
            row.save()
    return empty


def build() -> None:
    """Everything, on SQLite, which does not mind the length of a text."""
    assert connection.vendor == "sqlite"
    people = {name: User.objects.create_user(f"{name}@example.org", name=name) for name in ("author", "member")}
    people["organizer"] = User.objects.create_superuser("organizer@example.org", name="organizer")
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"anonymous_runs": True})
    lines = [{"what": what, "label": text, "place": "top"} for what, text in zip(ADDRESSES, TEXTS, strict=False)]
    Appearance.objects.create(menu=[*lines, {"what": "papers", "label": TEXTS[-1], "place": "footer"}])
    MailWording.objects.create(name="invitation", subject="T", body="T")
    for number in range(GROUPS):
        make(number, people)
    print(json.dumps(poison()))
