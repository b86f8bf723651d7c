"""Making the database agree with a programme that was read: in one transaction, all or nothing, the same twice.

Only rows of the programme's own source are looked at. A uid that another source (or the site itself) holds is a
problem. Papers, events and sessions that the source no longer has are marked withdrawn and keep their page, chat and
runs; sponsors, pages and people nothing refers to are removed.
"""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.utils.text import slugify

from papers.models import (
    Authorship,
    Conference,
    Event,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Session,
    Sponsor,
    Track,
)
from papers.search import index_papers

from . import accounts, extensions
from .media import MediaCopy
from .programme import Programme
from .report import Report
from .rows import Synced, sync, sync_pairs


class _DryRun(Exception):
    pass


def reconcile(programme: Programme, report: Report, *, with_accounts: bool = False) -> None:
    """Store `programme`. Raises ImportFailed, with nothing changed, when a rule forbids it."""
    with MediaCopy([] if report.dry_run else programme.media) as media:
        try:
            with transaction.atomic():
                # Imports wait for each other here (on SQLite, all writers do).
                Conference.objects.select_for_update().get(pk=Conference.current().pk)
                _store(programme, report)
                if with_accounts:
                    accounts.create(programme, report)
                accounts.link(programme, report)
                report.problems.stop_if_any()
                for extension in extensions.registered():
                    extension(programme.folder, programme.source, report)
                    report.problems.stop_if_any()
                if report.dry_run:
                    raise _DryRun
                media.publish()
        except _DryRun:
            return
    report.count("files", added=media.added, changed=media.changed, unchanged=media.unchanged)


def _store(programme: Programme, report: Report) -> None:
    _conference(programme, report)
    tracks = _tracks(programme)
    people = _people(programme, report)
    papers = _papers(programme, report, tracks)
    events = _events(programme, report)
    sessions = _sessions(programme, report, tracks, events)
    sponsors = _sponsors(programme, report)
    pages = sync(
        Page,
        {p.slug: (p.place, {"title": p.title, "body": p.body, "position": p.position}) for p in programme.pages},
        report,
        key="slug",
        removal="delete",
    )
    report.problems.stop_if_any()
    papers.changed |= _authors(programme, papers, people) | _keywords(programme, papers)
    speakers = {(events.rows[e.uid].pk, people.rows[name].pk) for e in programme.events for name in e.people}
    events.changed |= sync_pairs(
        Event.people.through,
        ("event_id", "person_id"),
        {"event__source": programme.source, "event__withdrawn_at": None},
        speakers,
    )
    sessions.changed |= _presentations(programme, sessions, papers)
    _remove_unused(people, programme.source)
    index_papers(papers.touched)
    for what, synced in {
        "papers": papers,
        "people": people,
        "events": events,
        "sessions": sessions,
        "sponsors": sponsors,
        "pages": pages,
    }.items():
        synced.count(report, what)


def _conference(programme: Programme, report: Report) -> None:
    """A source names the conference only while nobody has."""
    entry, conference = programme.conference, Conference.current()
    if entry is None or conference.name != Conference._meta.get_field("name").default:
        return
    for name in ("name", "tagline", "about", "starts_on", "ends_on", "timezone"):
        setattr(conference, name, getattr(entry, name))
    conference.save()
    report.count("conference", added=1)


def _free_slug(name: str, taken: set[str], *, limit: int, allow_unicode: bool, otherwise: str) -> str:
    """A slug for `name` that is not taken, numbered from 2 where it is; it is taken from then on."""
    base = slugify(name, allow_unicode=allow_unicode)[: limit - 6] or otherwise
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug


def _tracks(programme: Programme) -> dict[str, Track]:
    """Tracks by name, shared by all sources."""
    tracks = {track.name: track for track in Track.objects.all()}
    taken = {track.slug for track in tracks.values()}
    names = {paper.track for paper in programme.papers} | {session.track for session in programme.sessions}
    for name in sorted(names - {""} - tracks.keys()):
        slug = _free_slug(name, taken, limit=80, allow_unicode=False, otherwise="track")
        tracks[name] = Track.objects.create(name=name, slug=slug)
    return tracks


def _people(programme: Programme, report: Report) -> Synced:
    taken = set(Person.objects.values_list("slug", flat=True))

    def slug(name: str) -> dict[str, str]:
        return {"slug": _free_slug(name, taken, limit=120, allow_unicode=True, otherwise="person")}

    wanted = {
        p.name: (
            p.place,
            {"affiliation": p.affiliation, "biography": p.biography, "url": p.url, "image_url": p.image_url},
        )
        for p in programme.people.values()
    }
    return sync(Person, wanted, report, key="name", removal="keep", created=slug)


def _papers(programme: Programme, report: Report, tracks: dict[str, Track]) -> Synced:
    same = (
        "title", "abstract", "tldr", "kind", "year", "venue", "links", "bibtex", "video_file", "captions_file",
        "video_poster", "video_url", "map_x", "map_y", "highlighted",
    )  # fmt: skip
    wanted = {
        p.uid: (
            p.place,
            {name: getattr(p, name) for name in same} | {"track_id": tracks[p.track].pk if p.track else None},
        )
        for p in programme.papers
    }
    return sync(Paper, wanted, report, removal="withdraw")


def _events(programme: Programme, report: Report) -> Synced:
    same = ("kind", "title", "abstract", "capacity", "links")
    wanted = {e.uid: (e.place, {name: getattr(e, name) for name in same}) for e in programme.events}
    return sync(Event, wanted, report, removal="withdraw")


def _sessions(programme: Programme, report: Report, tracks: dict[str, Track], events: Synced) -> Synced:
    same = ("title", "kind", "starts_at", "ends_at", "room", "url")
    wanted = {
        s.uid: (
            s.place,
            {name: getattr(s, name) for name in same}
            | {
                "track_id": tracks[s.track].pk if s.track else None,
                "event_id": events.rows[s.event].pk if s.event in events.rows else None,
            },
        )
        for s in programme.sessions
    }
    return sync(Session, wanted, report, removal="withdraw")


def _sponsors(programme: Programme, report: Report) -> Synced:
    same = ("name", "level", "description", "url", "position")
    wanted = {s.uid: (s.place, {name: getattr(s, name) for name in same}) for s in programme.sponsors}
    return sync(Sponsor, wanted, report, removal="delete")


def _authors(programme: Programme, papers: Synced, people: Synced) -> set[int]:
    """Author lists, replaced where they differ; returns the papers whose list did."""
    existing: dict[int, list[tuple[int, int, bool]]] = defaultdict(list)
    rows = Authorship.objects.filter(paper__source=programme.source).order_by("paper_id", "position")
    for row in rows:
        existing[row.paper_id].append((row.position, row.person_id, row.equal_contribution))
    wanted = {
        papers.rows[p.uid].pk: [
            (position, people.rows[author.name].pk, author.equal_contribution)
            for position, author in enumerate(p.authors, 1)
        ]
        for p in programme.papers
    }
    changed = {pk for pk, authors in wanted.items() if authors != existing.get(pk, [])}
    Authorship.objects.filter(paper_id__in=changed & existing.keys()).delete()
    Authorship.objects.bulk_create(
        [
            Authorship(paper_id=pk, position=position, person_id=person, equal_contribution=equal)
            for pk in sorted(changed)
            for position, person, equal in wanted[pk]
        ],
        batch_size=1000,
    )
    return changed


def _keywords(programme: Programme, papers: Synced) -> set[int]:
    known = dict(Keyword.objects.values_list("name", "pk"))
    names = {name for paper in programme.papers for name in paper.keywords} - known.keys()
    for keyword in Keyword.objects.bulk_create([Keyword(name=name) for name in sorted(names)], batch_size=1000):
        known[keyword.name] = keyword.pk
    return sync_pairs(
        Paper.keywords.through,
        ("paper_id", "keyword_id"),
        {"paper__source": programme.source, "paper__withdrawn_at": None},
        {(papers.rows[p.uid].pk, known[name]) for p in programme.papers for name in p.keywords},
    )


def _presentations(programme: Programme, sessions: Synced, papers: Synced) -> set[int]:
    """Papers of sessions in their order. Times and links of a presentation that stays are kept."""
    rows = Presentation.objects.filter(session__source=programme.source, session__withdrawn_at=None)
    existing = {(row.session_id, row.paper_id): row for row in rows}
    wanted = {
        (sessions.rows[s.uid].pk, papers.rows[uid].pk): position
        for s in programme.sessions
        for position, uid in enumerate(s.papers, 1)
    }
    extra = [row for pair, row in existing.items() if pair not in wanted]
    moved = [row for pair, row in existing.items() if pair in wanted and row.position != wanted[pair]]
    missing = [pair for pair in wanted if pair not in existing]
    Presentation.objects.filter(pk__in=[row.pk for row in extra]).delete()
    for row in moved:
        row.position = wanted[row.session_id, row.paper_id]
    Presentation.objects.bulk_update(moved, ["position"], batch_size=400)
    Presentation.objects.bulk_create(
        [Presentation(session_id=pair[0], paper_id=pair[1], position=wanted[pair]) for pair in missing], batch_size=1000
    )
    return {row.session_id for row in [*extra, *moved]} | {session for session, _ in missing}


def _remove_unused(people: Synced, source: str) -> None:
    """People of this source whom it no longer names, unless a paper, an event or an account still does."""
    kept = {row.pk for row in people.rows.values()}
    unused = Person.objects.filter(source=source, user=None, authorships=None, events=None)
    gone = {pk for pk in unused.values_list("pk", flat=True) if pk not in kept}
    Person.objects.filter(pk__in=gone).delete()
    people.gone |= gone
