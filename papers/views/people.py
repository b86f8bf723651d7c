"""Lists of people, and a person's page."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from papers.models import Person
from papers.people import LETTERS, ROLES, index_of, parts_of
from papers.queries import visible_papers, visible_sessions, with_cards, with_people
from papers.words import LONGEST

ON_A_PAGE = 60
MOST = 200  # papers, events or sessions of one person on their page


@require_safe
def people_list(request: HttpRequest) -> HttpResponse:
    """Search, role and letter are in the address."""
    search = request.GET.get("search", "").replace("\0", "").strip()[:LONGEST]
    role = request.GET.get("role", "")
    role = role if role in ROLES else ""
    letter = request.GET.get("letter", "")
    letter = letter if letter in LETTERS else ""
    index = index_of(role=role, search=search, letter=letter)
    page = Paginator(index.keys, ON_A_PAGE).get_page(request.GET.get("page"))
    rows = Person.objects.defer("biography").in_bulk(list(page))
    parts = parts_of(rows)
    context = {
        "search": search,
        "role": role,
        "roles": ROLES,
        "letter": letter,
        "letters": [(name, index.letters[name]) for name in LETTERS],
        "page": page,
        "people": [(rows[pk], parts[pk]) for pk in page if pk in rows],
    }
    return render(request, "papers/people.html", context)


@require_safe
def person(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Person, slug=slug)
    papers = with_cards(visible_papers().filter(authors=shown).distinct().order_by("-year", "title"))
    context = {
        "person": shown,
        "papers": papers[:MOST],
        "events": with_people(shown.events.filter(withdrawn_at=None).order_by("kind", "title"))[:MOST],
        "chaired": visible_sessions().filter(chairs=shown).select_related("event").order_by("starts_at")[:MOST],
        "sponsors": shown.sponsors.order_by("name")[:20],
        "now": now(),
    }
    return render(request, "papers/person.html", context)
