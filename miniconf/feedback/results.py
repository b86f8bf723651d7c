"""What answers add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Avg, Count, Q

from papers.importers.cells import guarded

from .answering import Target, form_of
from .models import Answer, FeedbackResponse, Question

# Answers without a name are shown when there are so many: one or two could be told apart.
FEWEST_SHOWN = 3
MOST_TEXTS = 300  # on the page; the table has all
BAR = 200


@dataclass(frozen=True)
class Line:
    """How many gave one of the possible answers. `width` of a bar, at most BAR."""

    label: str
    count: int
    percent: int
    width: int


@dataclass(frozen=True)
class Summary:
    question: Question
    answers: int
    mean: float | None = None
    lines: list[Line] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)  # text and name; "" without one


@dataclass(frozen=True)
class Results:
    target: Target
    responses: int
    nameless: int
    summaries: list[Summary]
    held_back: bool  # too few without a name


def results_of(target: Target) -> Results:
    responses = FeedbackResponse.objects.filter(target=target.key)
    counts = responses.aggregate(all=Count("pk"), nameless=Count("pk", filter=Q(user=None)))
    held_back = 0 < counts["nameless"] < FEWEST_SHOWN
    summaries = [] if held_back else [_summary(question, target) for question in questions_of(target)]
    return Results(target, counts["all"], counts["nameless"], summaries, held_back)


def questions_of(target: Target) -> list[Question]:
    """Those that are asked now, and earlier ones that were answered."""
    form = form_of(target)
    wanted = Q(answers__response__target=target.key)
    if form is not None:
        wanted |= Q(form=form, retired=False)
    return list(Question.objects.filter(wanted).distinct().order_by("position", "pk"))


def _summary(question: Question, target: Target) -> Summary:
    answers = Answer.objects.filter(question=question, response__target=target.key)
    if question.kind == Question.Kind.TEXT:
        # By an id without an order: who came first cannot be seen.
        rows = answers.order_by("response_id").values_list("text", "response__user__name")
        return Summary(question, answers.count(), texts=[(text, name or "") for text, name in rows[:MOST_TEXTS]])
    if question.kind == Question.Kind.RATING:
        found = Counter(dict(answers.order_by().values_list("number").annotate(Count("pk"))))
        total = sum(found.values())
        mean = sum(number * count for number, count in found.items()) / total if total else None
        return Summary(question, total, mean, _lines([str(n) for n in range(5, 0, -1)], _named(found)))
    found = Counter(dict(answers.order_by().values_list("text").annotate(Count("pk"))))
    earlier = sorted(set(found) - set(question.options))  # there was more to choose from once
    return Summary(question, sum(found.values()), lines=_lines([*question.options, *earlier], found))


def _named(found: Counter[Any]) -> Counter[Any]:
    return Counter({str(number): count for number, count in found.items()})


def _lines(labels: list[str], found: Counter[Any]) -> list[Line]:
    total = max(1, sum(found.values()))
    return [
        Line(label, found[label], round(100 * found[label] / total), round(BAR * found[label] / total))
        for label in labels
    ]


def table_of(target: Target) -> Iterator[list[str]]:
    """A row for each response, in an order that says nothing; nothing but the head where too few have no name."""
    questions = questions_of(target)
    yield ["name", *(guarded(question.text) for question in questions)]
    if results_held_back(target):
        return
    responses = FeedbackResponse.objects.filter(target=target.key).select_related("user").order_by("pk")
    for response in responses.prefetch_related("answers").iterator(500):
        values = {answer.question_id: answer.text or str(answer.number) for answer in response.answers.all()}
        name = response.user.display_name if response.user else ""
        yield [guarded(name), *(guarded(values.get(question.pk, "")) for question in questions)]


def results_held_back(target: Target) -> bool:
    return 0 < FeedbackResponse.objects.filter(target=target.key, user=None).count() < FEWEST_SHOWN


def by_session() -> dict[str, dict[str, Any]]:
    """uid of each session with answers -> responses, and the mean of all ratings where it may be shown."""
    rows = FeedbackResponse.objects.filter(target__startswith="session:").order_by().values_list("target")
    counts = rows.annotate(all=Count("pk"), nameless=Count("pk", filter=Q(user=None)))
    ratings = Answer.objects.filter(response__target__startswith="session:", number__isnull=False).order_by()
    means = dict(ratings.values_list("response__target").annotate(Avg("number")))
    return {
        target.partition(":")[2]: {
            "responses": count,
            "mean": None if 0 < nameless < FEWEST_SHOWN else means.get(target),
        }
        for target, count, nameless in counts
    }
