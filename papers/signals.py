"""Signals of the programme, and the search index kept up to date when single rows are saved."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete
from django.dispatch import Signal

from .models import Authorship, Keyword, Paper, Person
from .search import index_papers

# Sent after the commit of changes made in bulk: an import, its undoing. Single rows send Django's own signals.
programme_changed = Signal()
# Sent with `user` and `session` when a member opens a session's page.
session_opened = Signal()


def _paper(instance: Paper, **_: Any) -> None:
    index_papers([instance.pk])


def _authorship(instance: Authorship, **_: Any) -> None:
    index_papers([instance.paper_id])


def _named(instance: Person | Keyword, created: bool, **_: Any) -> None:
    if not created:
        index_papers(instance.papers.values_list("pk", flat=True))


def _keywords(instance: Paper | Keyword, action: str, pk_set: set[int] | None, **_: Any) -> None:
    if action in ("post_add", "post_remove", "post_clear"):
        index_papers([instance.pk] if isinstance(instance, Paper) else pk_set or ())


def _keyword_going(instance: Keyword, **_: Any) -> None:
    # Its rows in the table between go without a signal, and afterwards nobody knows whose they were.
    instance._papers_to_index = list(instance.papers.values_list("pk", flat=True))  # type: ignore[attr-defined]


def _keyword_gone(instance: Keyword, **_: Any) -> None:
    index_papers(instance._papers_to_index)  # type: ignore[attr-defined]


def connect() -> None:
    post_save.connect(_paper, sender=Paper, dispatch_uid="index saved paper")
    post_delete.connect(_paper, sender=Paper, dispatch_uid="index deleted paper")
    post_save.connect(_authorship, sender=Authorship, dispatch_uid="index saved authorship")
    post_delete.connect(_authorship, sender=Authorship, dispatch_uid="index deleted authorship")
    post_save.connect(_named, sender=Person, dispatch_uid="index renamed person")
    post_save.connect(_named, sender=Keyword, dispatch_uid="index renamed keyword")
    pre_delete.connect(_keyword_going, sender=Keyword, dispatch_uid="note papers of a keyword")
    post_delete.connect(_keyword_gone, sender=Keyword, dispatch_uid="index papers without the keyword")
    m2m_changed.connect(_keywords, sender=Paper.keywords.through, dispatch_uid="index keywords")
