"""Settings: name and dates, rules, colours and logo, menu; and the style sheet and picture made of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.forms import formset_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from miniconf.console.models import Appearance
from miniconf.guards import me
from miniconf.people.record import record
from papers.models import Conference, Page, Sponsor

from . import colours, look, menu
from .conference import conference_form, save_conference, take
from .forms import CONFERENCE_FIELDS, AccessForm, EntryForm, LookForm, NewLinkForm
from .guard import organizers_only, say
from .logo import mark_of

FOR_EVER = "public, max-age=31536000, immutable"
LOOK_FIELDS = {"accent": "accent colour", "accent_dark": "accent colour on dark pages", "logo_mark": "logo"}
EntryForms = formset_factory(
    EntryForm, extra=0, max_num=menu.MOST_ENTRIES, absolute_max=2 * menu.MOST_ENTRIES, validate_max=True
)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def conference_page(request: HttpRequest) -> HttpResponse:
    conference = Conference.current()
    form = conference_form(request.POST if request.method == "POST" else None, conference, CONFERENCE_FIELDS)
    status = 200
    if request.method == "POST" and (status := take(request, form, conference)) == 200:
        return redirect("site_settings")
    return render(request, "console/site/conference.html", {"here": "conference", "form": form}, status=status)


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def access_page(request: HttpRequest) -> HttpResponse:
    conference = Conference.current()
    form = AccessForm.of(conference, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        say(request, save_conference(request, conference, form.changes(conference)))
        return redirect("access_settings")
    status = 422 if form.errors else 200
    return render(request, "console/site/access.html", {"here": "access", "form": form}, status=status)


# --- Colours and logo ------------------------------------------------------------------------------------------------


def _shown(light: str, dark: str) -> list[dict[str, Any]]:
    """Both themes with what is made from the colours and how well it can be read."""
    return [
        {
            "name": name,
            "shades": colours.shades(colour, dark=is_dark),
            "behind": colours.DARK if is_dark else colours.LIGHT,
            "text": "#e7ecea" if is_dark else "#16201f",
            "samples": colours.samples(colour, dark=is_dark),
        }
        for name, colour, is_dark in (("Light", light, False), ("Dark", dark, True))
    ]


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def look_page(request: HttpRequest) -> HttpResponse:
    chosen = Appearance.objects.order_by("pk").first() or Appearance(pk=1)
    before = {name: getattr(chosen, name) for name in (*LOOK_FIELDS, "logo_alone")}
    if request.method == "POST" and request.POST.get("action") == "usual":
        chosen.accent = chosen.accent_dark = ""
        return _save_look(request, chosen, before)
    form = LookForm.of(chosen, *((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        chosen.accent, chosen.accent_dark = form.chosen_colours()
        chosen.logo_alone = form.cleaned_data["logo_alone"]
        if form.cleaned_data["no_logo"]:
            chosen.logo = b""
        elif form.cleaned_data["logo"]:
            chosen.logo = form.cleaned_data["logo"]
        chosen.logo_mark = mark_of(bytes(chosen.logo))
        return _save_look(request, chosen, before)
    light = chosen.accent or colours.USUAL[0]
    dark = chosen.accent_dark or (colours.dark_of(light) if chosen.accent else colours.USUAL[1])
    context = {
        "here": "look",
        "form": form,
        "has_logo": bool(before["logo_mark"]),
        "is_own": bool(before["accent"] or before["accent_dark"]),
        "themes": _shown(*(form.colours() if form.is_bound else (light, dark))),
    }
    return render(request, "console/site/look.html", context, status=422 if form.errors else 200)


def _save_look(request: HttpRequest, chosen: Appearance, before: dict[str, Any]) -> HttpResponse:
    changed = [label for name, label in LOOK_FIELDS.items() if getattr(chosen, name) != before[name]]
    if chosen.logo_alone != before["logo_alone"]:
        changed.append("name beside the logo")
    if changed:
        with transaction.atomic():
            chosen.save()
            record(me(request), "changed the look of the site", ", ".join(changed))
    say(request, bool(changed))
    return redirect("look_settings")


@organizers_only
@require_POST
def look_preview(request: HttpRequest) -> HttpResponse:
    """How colours that are being chosen would look."""
    form = LookForm(request.POST)
    form.is_valid()
    return render(request, "console/site/look_preview.html", {"themes": _shown(*form.colours())})


@require_safe
def stylesheet(request: HttpRequest, mark: str) -> HttpResponse:
    """The colours as rules. Its address changes with them: one that is not theirs any longer is kept by nobody."""
    chosen = Appearance.current()
    response = HttpResponse(look.stylesheet_of(chosen), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = FOR_EVER if mark == look.mark(chosen) else "no-cache"
    return response


@require_safe
def logo(request: HttpRequest, mark: str) -> HttpResponse:
    chosen = Appearance.objects.filter(logo_mark=mark).first()
    if chosen is None:
        raise Http404("There is no such logo any longer.")
    response = HttpResponse(bytes(chosen.logo), content_type="image/webp")
    response["Cache-Control"] = FOR_EVER
    return response


# --- Menu ------------------------------------------------------------------------------------------------------------


@organizers_only
@require_http_methods(["GET", "HEAD", "POST"])
def menu_page(request: HttpRequest) -> HttpResponse:
    chosen = Appearance.current()
    new_link = NewLinkForm()
    posted = request.method == "POST"
    action, _, detail = request.POST.get("action", "").partition(":") if posted else ("", "", "")
    if action == "usual":
        return _save_menu(request, chosen, None)
    if action == "add":
        new_link = NewLinkForm(request.POST)
        if new_link.is_valid():
            present = menu.entries(chosen)
            if new_link.entry().what in {entry.what for entry in present}:
                new_link.add_error("url", "It is in the menu already.")
            elif len(present) >= menu.MOST_ENTRIES:
                new_link.add_error(None, f"At most {menu.MOST_ENTRIES} lines are kept.")
            else:
                return _save_menu(request, chosen, [*present, new_link.entry()])
    present = _grouped(menu.entries(chosen))
    saves = posted and action != "add"
    forms = EntryForms(request.POST if saves else None, initial=[entry.stored() for entry in present])
    if saves and forms.is_valid():
        wanted = [form.entry() for form in forms]
        if action in ("up", "down", "remove") and detail.isdigit() and int(detail) < len(wanted):
            moved = wanted[int(detail)]
            wanted = _moved(wanted, int(detail), action)
            return _save_menu(request, chosen, wanted, f"#{_anchor(moved)}" if action != "remove" else "")
        return _save_menu(request, chosen, wanted)
    known = {entry.what: entry for entry in present}
    groups: dict[str, list[Any]] = {place: [] for place in menu.PLACES}
    for number, form in enumerate(forms):
        # What was sent is shown where it was sent from: the place as it is kept decides.
        entry = known.get(str(form["what"].value()))
        if entry is not None:
            groups[entry.place].append({"number": number, "form": form, "entry": entry, "anchor": _anchor(entry)})
    context = {
        "here": "menu",
        "forms": forms,
        "groups": [(menu.PLACES[place], lines) for place, lines in groups.items()],
        "new_link": new_link,
        "is_own": bool(chosen.menu),
        "pages": Page.objects.order_by("position", "title"),
        "sponsor_count": Sponsor.objects.count(),
    }
    wrong = new_link.errors or (saves and not forms.is_valid())
    return render(request, "console/site/menu.html", context, status=422 if wrong else 200)


def _grouped(entries: list[menu.Entry]) -> list[menu.Entry]:
    places = list(menu.PLACES)
    return sorted(entries, key=lambda entry: places.index(entry.place))


def _moved(entries: list[menu.Entry], number: int, action: str) -> list[menu.Entry]:
    """One line taken out, or changed with its neighbour in the same place."""
    if action == "remove":
        return [entry for place, entry in enumerate(entries) if place != number or entry.kind != "link"]
    found = list(entries)
    others = range(number - 1, -1, -1) if action == "up" else range(number + 1, len(found))
    for other in others:
        if found[other].place == found[number].place:
            found[number], found[other] = found[other], found[number]
            break
    return found


def _anchor(entry: menu.Entry) -> str:
    return f"line-{mark_of(entry.what.encode())}"


def _save_menu(
    request: HttpRequest, chosen: Appearance, entries: list[menu.Entry] | None, then: str = ""
) -> HttpResponse:
    """None: the usual one again."""
    wanted = [] if entries is None else menu.stored(_grouped(entries))
    if wanted != chosen.menu:
        with transaction.atomic():
            Appearance.objects.update_or_create(pk=chosen.pk, defaults={"menu": wanted})
            record(me(request), "changed the menu" if entries is not None else "made the menu the usual one again")
        if not then:
            say(request, True)
    response = redirect("menu_settings")
    response["Location"] += then
    return response
