"""Papers for somebody: those nearest to what they bookmarked, wrote and opened. Reads rows the worker has written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Prefetch, Q

from papers.models import Authorship, Bookmark, Paper, PaperVector, SimilarPaper, Visit
from papers.queries import visible_papers, with_cards

from .service import method_label

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_SHOWN = 5
MOST_RECOMMENDED = 30
MOST_UIDS = 50  # that a visitor's browser may name
_MOST_BOOKMARKS, _MOST_OWN, _MOST_VISITS = 100, 100, 50
_WEIGHTS = {"bookmarked": 1.0, "wrote": 1.0, "opened": 0.5}
_SECOND_HAND = 0.5  # a neighbour's neighbour counts this much of the product of both scores


@dataclass(frozen=True, slots=True)
class Seed:
    """A paper that says what somebody is interested in, and how."""

    paper_id: int
    reason: str  # "bookmarked", "wrote" or "opened"


@dataclass(slots=True)
class Recommendation:
    paper: Paper
    reason: str
    because: Paper


def similar_papers(paper: Paper) -> tuple[list[Paper], str]:
    """At most five visible papers, the nearest first, and what they were found by ("TF-IDF", or a model)."""
    method = PaperVector.objects.filter(paper=paper).values_list("method", flat=True).first()
    if method is None:
        return [], ""
    pairs = (
        SimilarPaper.objects.filter(paper=paper, other__withdrawn_at=None)
        .order_by("position")
        .select_related("other")
        .prefetch_related(Prefetch("other__authorships", Authorship.objects.select_related("person")))
    )
    return [pair.other for pair in pairs[:MOST_SHOWN]], method_label(method)


def seeds_of(user: User) -> list[Seed]:
    """What a member bookmarked, wrote (or stands for), and opened; the newest, each paper once by its best reason."""
    bookmarks = Bookmark.objects.filter(user=user, paper__withdrawn_at=None).exclude(paper=None)
    own = visible_papers().filter(Q(authors__user=user) | Q(representatives=user)).distinct()
    visits = Visit.objects.filter(user=user, paper__withdrawn_at=None).order_by("-last_at", "paper_id")
    found: dict[int, Seed] = {}
    for reason, ids in (
        ("wrote", own.order_by("-year", "pk").values_list("pk", flat=True)[:_MOST_OWN]),
        ("bookmarked", bookmarks.order_by("-created_at", "pk").values_list("paper_id", flat=True)[:_MOST_BOOKMARKS]),
        ("opened", visits.values_list("paper_id", flat=True)[:_MOST_VISITS]),
    ):
        for pk in ids:
            if pk is not None:
                found.setdefault(pk, Seed(pk, reason))
    return list(found.values())


def left_out_for(user: User) -> set[int]:
    """Papers somebody need not be pointed to: all they bookmarked or wrote."""
    bookmarked = Bookmark.objects.filter(user=user).exclude(paper=None).values_list("paper_id", flat=True)
    own = Paper.objects.filter(Q(authors__user=user) | Q(representatives=user)).values_list("pk", flat=True)
    return {pk for pk in bookmarked if pk is not None} | set(own)


def seeds_named(uids: Sequence[str]) -> list[Seed]:
    """The papers a visitor's browser remembers as bookmarked; unknown ones are left out."""
    wanted = [uid for uid in uids if uid and "\0" not in uid][:MOST_UIDS]
    known = dict(visible_papers().filter(uid__in=wanted).values_list("uid", "pk"))
    return [Seed(known[uid], "bookmarked") for uid in dict.fromkeys(wanted) if uid in known]


def recommend(*, seeds: Sequence[Seed], left_out: set[int], most: int = MOST_RECOMMENDED) -> list[Recommendation]:
    """Papers near the seeds, those near to several first; each with the seed it is nearest to.

    Where the direct neighbours are too few, theirs follow.
    """
    excluded = left_out | {seed.paper_id for seed in seeds if seed.reason != "opened"}
    strength = {seed.paper_id: (_WEIGHTS[seed.reason], seed) for seed in seeds}
    total, best = _spread(strength, excluded)
    if len(total) < most:
        second = {pk: (_SECOND_HAND * score, best[pk][1]) for pk, score in total.items()}
        further, further_best = _spread(second, excluded | set(total))
        least = min(total.values(), default=0.0)
        for pk, score in further.items():
            total[pk] = min(score, least)  # behind the direct ones
            best[pk] = further_best[pk]
    chosen = sorted(total, key=lambda pk: (-total[pk], -best[pk][0], pk))
    papers = {paper.pk: paper for paper in with_cards(visible_papers().filter(pk__in=chosen[: most * 2]))}
    reasons = visible_papers().in_bulk({best[pk][1].paper_id for pk in papers})
    return [
        Recommendation(papers[pk], best[pk][1].reason, reasons[best[pk][1].paper_id])
        for pk in chosen
        if pk in papers and best[pk][1].paper_id in reasons
    ][:most]


def _spread(
    strength: dict[int, tuple[float, Seed]], excluded: set[int]
) -> tuple[dict[int, float], dict[int, tuple[float, Seed]]]:
    """Scores of the neighbours of these papers, and for each the seed that gave most of its score.

    A paper's nearest neighbour counts fully, however near it is: else one crowded field would fill the whole list.
    """
    total: dict[int, float] = {}
    best: dict[int, tuple[float, Seed]] = {}
    nearest: dict[int, float] = {}
    pairs = SimilarPaper.objects.filter(paper_id__in=list(strength), other__withdrawn_at=None)
    for pk, other, cosine in pairs.order_by("paper_id", "position").values_list("paper_id", "other_id", "score"):
        score = cosine / nearest.setdefault(pk, cosine)
        if other in excluded:
            continue
        weight, seed = strength[pk]
        total[other] = total.get(other, 0.0) + weight * score
        if other not in best or weight * score > best[other][0]:
            best[other] = (weight * score, seed)
    return total, best
