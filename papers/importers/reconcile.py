"""Making the database agree with a programme that was read: in one transaction, all or nothing, the same twice.

Only rows of the programme's own source are looked at. A uid that another source (or the site itself) holds is a
problem. Papers, events and sessions that the source no longer has are marked withdrawn and keep their page, chat and
runs; sponsors, pages and people nothing refers to are removed. Fields edited on the site are kept (merge.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from papers.models import Conference, Person
from papers.values import KINDS, Values, free_slug, store, values, values_of

from . import accounts, extensions, wanted
from .media import MediaCopy
from .merge import merge
from .programme import Programme
from .report import Change, Report
from .wanted import Wanted

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

_STEPS = ("people", "events", "sponsors", "papers", "sessions", "pages")
_KIND = {"people": "person"} | {what: what.removesuffix("s") for what in _STEPS[1:]}


class _DryRun(Exception):
    pass


def reconcile(
    programme: Programme,
    report: Report,
    *,
    with_accounts: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Store `programme`. Raises ImportFailed, with nothing changed, when a rule forbids it."""
    with MediaCopy([] if report.dry_run else programme.media) as media:
        try:
            with transaction.atomic():
                # Imports wait for each other here (on SQLite, all writers do).
                Conference.objects.select_for_update().get(pk=Conference.current().pk)
                _Reconciliation(programme, report, overwrite, progress or (lambda what, done, total: None)).store()
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


class _Reconciliation:
    def __init__(self, programme: Programme, report: Report, overwrite: bool, progress: Progress) -> None:
        self.programme, self.report, self.overwrite, self.progress = programme, report, overwrite, progress
        self.source = programme.source

    def store(self) -> None:
        self._conference()
        slugs = self._slugs()
        self._step("people", wanted.people(self.programme, slugs))
        self._step("events", wanted.events(self.programme, slugs))
        self._step("sponsors", wanted.sponsors(self.programme, slugs))
        self._step("papers", wanted.papers(self.programme, slugs))
        sessions = values_of("session", self._own_rows("session"))
        self._step("sessions", wanted.sessions(self.programme, slugs, sessions), existing=sessions)
        self._step("pages", wanted.pages(self.programme))
        self.report.problems.stop_if_any()
        self._remove_unused_people(set(slugs.values()))

    def _own_rows(self, kind: str) -> Any:
        return KINDS[kind].model._default_manager.filter(source=self.source)

    def _conference(self) -> None:
        """A source names the conference only while nobody has."""
        entry, conference = self.programme.conference, Conference.current()
        if entry is None or conference.name != Conference._meta.get_field("name").default:
            return
        before = values(conference)
        for name in ("name", "tagline", "about", "starts_on", "ends_on", "timezone"):
            setattr(conference, name, getattr(entry, name))
        conference.save()
        self.report.count("conference", added=1)
        change = Change("conference", str(conference.pk), conference.name, "changed", before, values(conference))
        self.report.row_changes.append(change)

    def _slugs(self) -> dict[str, str]:
        """A slug for each person of the programme: the one they have, or a free one."""
        known = dict(self._own_rows("person").values_list("name", "slug"))
        taken = set(Person.objects.values_list("slug", flat=True))
        return {
            name: known.get(name) or free_slug(name, taken, limit=120, allow_unicode=True, otherwise="person")
            for name in self.programme.people
        }

    def _step(self, what: str, rows: Wanted, *, existing: Mapping[str, Values] | None = None) -> None:
        """Rows of one kind. Each is added, changed, left alone, or, being gone from the source, taken away."""
        self.progress(what, _STEPS.index(what), len(_STEPS))
        shape = KINDS[_KIND[what]]
        if not self._free(shape.name, rows) or self.report.problems.found:
            return  # what refers to these rows cannot be stored either
        if existing is None:
            existing = values_of(shape.name, self._own_rows(shape.name))
        marks = dict(self._own_rows(shape.name).exclude(edited={}).values_list(shape.key, "edited"))
        changes: dict[str, Values] = {}
        edited: dict[str, Values] = {}
        added = changed = gone = 0
        for key, (_, theirs) in rows.items():
            title = str(theirs[shape.title])
            if key not in existing:
                changes[key] = theirs
                added += 1
                self.report.row_changes.append(Change(shape.name, key, title, "added"))
                continue
            merged = merge(ours=existing[key], theirs=theirs, edited=marks.get(key, {}), overwrite=self.overwrite)
            if merged.after or merged.edited != marks.get(key, {}):
                changes[key], edited[key] = merged.after, merged.edited
            changed += bool(merged.after)
            if merged.after or merged.conflicts:
                action = "changed" if merged.after else "kept"
                title = str({**existing[key], **merged.after}[shape.title])  # where it was edited here, ours
                self.report.row_changes.append(
                    Change(shape.name, key, title, action, merged.before, merged.after, merged.conflicts)  # type: ignore[arg-type]
                )
        missing = [key for key in existing if key not in rows and not existing[key].get("withdrawn")]
        if shape.withdrawn:
            for key in missing:
                changes[key] = {"withdrawn": True}
                title = str(existing[key][shape.title])
                self.report.row_changes.append(
                    Change(shape.name, key, title, "withdrawn", {"withdrawn": False}, {"withdrawn": True})
                )
            gone = len(missing)
        elif what != "people":
            gone = self._remove(shape.name, {key: existing[key] for key in missing})
        store(shape.name, changes, new=lambda key: {"source": self.source}, edited=edited)
        self.report.count(what, added=added, changed=changed, unchanged=len(rows) - added - changed, withdrawn=gone)

    def _free(self, kind: str, rows: Wanted) -> bool:
        """No wanted key belongs to a row of another source."""
        shape = KINDS[kind]
        others = shape.model._default_manager.exclude(source=self.source).values_list(shape.key, "source")
        taken = {key: source for key, source in others.iterator() if key in rows}
        for key in [key for key in rows if key in taken]:  # as they stand in the files
            owner = f'source "{taken[key]}"' if taken[key] else "this site itself"
            self.report.problems.add(rows[key][0], shape.key, key, f"a new id: this one belongs to {owner}")
        return not taken

    def _remove(self, kind: str, rows: Mapping[str, Values]) -> int:
        shape = KINDS[kind]
        for key, old in rows.items():
            self.report.row_changes.append(Change(kind, key, str(old[shape.title]), "removed", old))
        keys = list(rows)
        for start in range(0, len(keys), 1000):
            self._own_rows(kind).filter(**{f"{shape.key}__in": keys[start : start + 1000]}).delete()
        return len(rows)

    def _remove_unused_people(self, named: set[str]) -> None:
        """People of this source whom it no longer names, unless something of the site or an account still does."""
        unused = self._own_rows("person").filter(
            user=None, authorships=None, events=None, chaired_sessions=None, sponsors=None
        )
        gone = [slug for slug in unused.values_list("slug", flat=True) if slug not in named]
        if gone:
            old: dict[str, Values] = {}
            for start in range(0, len(gone), 1000):
                old |= values_of("person", Person.objects.filter(slug__in=gone[start : start + 1000]))
            self.report.counts["people"].withdrawn = self._remove("person", old)
