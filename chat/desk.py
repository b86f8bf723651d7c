"""The author's desk: all papers of somebody with their questions and numbers; as many queries for fifty as for one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from miniconf.accounts.models import User
from miniconf.live import Event
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_mark_answer, is_member, is_organizer
from papers.figures import figures_of
from papers.models import Bookmark, Paper, Visit
from papers.queries import visible_papers

from .changes import find_message, mark_answered
from .links import permalink
from .models import Message
from .services import send_message

MOST_PAPERS = 100
MOST_OPEN = 200  # open questions on the page, those with the most votes first
MOST_ANSWERED = 100
Asked = Message.Asked


@dataclass(frozen=True, slots=True)
class Question:
    message: Message
    url: str
    client_id: UUID = field(default_factory=uuid4)  # of the answer that its form will send


@dataclass(slots=True)
class Entry:
    """One paper on the desk."""

    paper: Paper
    open: list[Question] = field(default_factory=list)
    answered: list[Question] = field(default_factory=list)
    open_count: int = 0
    answered_count: int = 0
    messages: int = 0
    views: int = 0
    bookmarks: int = 0
    more: dict[str, int] = field(default_factory=dict)  # what other apps count

    @property
    def room_key(self) -> str:
        return f"paper:{self.paper.uid}"

    @property
    def room_url(self) -> str:
        return reverse("room", args=[self.room_key])


def papers_for(user: User, uid: str = "") -> list[Paper]:
    """One's own papers; with `uid` only that one, which organizers may ask for of anybody's."""
    papers = visible_papers()
    if not (uid and is_organizer(user)):
        papers = papers.filter(Q(authors__user=user) | Q(representatives=user)).distinct()
    if uid:
        papers = papers.filter(uid=uid) if "\x00" not in uid else papers.none()
    return list(papers.only("uid", "title").order_by("title", "pk")[:MOST_PAPERS])


def desk(papers: list[Paper]) -> list[Entry]:
    """What stands on the desk; papers with open questions first, those with the most of them at the top."""
    entries = {paper.pk: Entry(paper) for paper in papers}
    if not entries:
        return []
    rooms = {f"paper:{paper.uid}": entries[paper.pk] for paper in papers}
    standing = Message.objects.filter(room__key__in=rooms, deleted_at=None, hidden_at=None)
    _count(standing, rooms)
    asked = standing.select_related("author", "room", "answer__author")
    for message in asked.filter(asked=Asked.OPEN).order_by("-votes", "created_at")[:MOST_OPEN]:
        key = message.room.key
        rooms[key].open.append(Question(message, permalink(message, key)))
    for message in asked.filter(asked__in=[Asked.ANSWERED, Asked.LIVE]).order_by("-answered_at", "-pk")[:MOST_ANSWERED]:
        key = message.room.key
        rooms[key].answered.append(Question(message, permalink(message, key)))
    for pk, views in _by_paper(Visit, entries):
        entries[pk].views = views
    for pk, bookmarks in _by_paper(Bookmark, entries):
        entries[pk].bookmarks = bookmarks
    for pk, numbers in figures_of(list(entries)).items():
        entries[pk].more = numbers
    return sorted(entries.values(), key=lambda entry: (-entry.open_count, entry.paper.title))


def _count(standing: QuerySet[Message], rooms: dict[str, Entry]) -> None:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    rows = standing.order_by().values_list("room__key", "asked").annotate(Count("pk"))
    for key, asked, count in rows:
        counts[key][asked] = count
    for key, entry in rooms.items():
        found = counts[key]
        entry.messages = sum(found.values())
        entry.open_count = found.get(Asked.OPEN, 0)
        entry.answered_count = found.get(Asked.ANSWERED, 0) + found.get(Asked.LIVE, 0)


def _by_paper(model: type[Visit] | type[Bookmark], entries: dict[int, Entry]) -> list[tuple[int, int]]:
    rows = model._default_manager.filter(paper__in=list(entries)).order_by()
    return list(rows.values_list("paper_id").annotate(Count("pk")))


def answer(*, user: Viewer, question: int, text: str, client_id: UUID) -> Event | None:
    """Reply to a question and mark the reply as its answer; without text mark it as answered. Raises LiveError.

    What was posted under the same `client_id` before is not posted again."""
    message, room = find_message(user=user, message_id=question)
    if not is_member(user) or not can_mark_answer(user, message.author_id, room.key, room.author_ids):
        raise LiveError("forbidden", "The asker, the authors and moderators mark answers.")
    if not message.asked:
        raise LiveError("no_question", "This is no question any more.")
    reply = None
    if text.strip():
        reply = send_message(user=user, room_key=room.key, client_id=client_id, text=text, thread=message.pk)
    mark_answered(user=user, message_id=message.pk, answer_id=reply["id"] if reply else None)
    return reply
