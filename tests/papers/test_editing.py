"""Changing the programme on the site: who may change what, its history, approval, and what later imports make of it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from miniconf.accounts.models import User
from miniconf.problems import Problem
from papers import editing
from papers.change_texts import compared
from papers.edit_forms import EditForm
from papers.models import Authorship, Conference, Edit, Event, Paper, Person, Session, Track
from papers.values import KINDS, values
from papers.zones import named_zone

pytestmark = pytest.mark.django_db


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("o@example.org", name="Olga", is_organizer=True)


@pytest.fixture
def author() -> User:
    return User.objects.create_user("a@example.org", name="Ada")


@pytest.fixture
def paper(author: User) -> Paper:
    paper = Paper.objects.create(uid="P1", title="First", abstract="Old.", source="src")
    ada = Person.objects.create(slug="ada", name="Ada", user=author, source="src")
    Authorship.objects.create(paper=paper, person=ada, position=1)
    return paper


def organizers_approve() -> None:
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"approve_author_edits": True})


def form_data(client: Client, kind: str, key: str, **changes: str) -> dict[str, str]:
    """What a browser would send when only these fields are changed."""
    form = client.get(f"/edit/{kind}/{key}/").context["form"]
    data = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in {**data, **changes}.items() if value not in (None, False)}


# --- Rules -----------------------------------------------------------------------------------------------------------


def test_an_edit_keeps_the_values_before_and_after_and_marks_what_the_source_had(paper, organizer):
    made = editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Second", "abstract": "Old."})
    paper.refresh_from_db()
    assert (made.before, made.after) == ({"title": "First"}, {"title": "Second"})
    assert (paper.title, paper.edited) == ("Second", {"title": "First"})
    editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Third"})
    paper.refresh_from_db()
    assert paper.edited == {"title": "First"}


def test_back_to_the_source_s_value_nothing_is_marked_any_more(paper, organizer):
    editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Second"})
    editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "First"})
    paper.refresh_from_db()
    assert paper.edited == {}


def test_what_does_not_differ_makes_no_history(paper, organizer):
    assert editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "First"}) is None
    assert not Edit.objects.exists()


def test_authors_change_their_abstract_but_not_the_title(paper, author):
    editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "New."})
    with pytest.raises(Problem, match="may not change title"):
        editing.edit(user=author, kind="paper", key="P1", changes={"title": "Mine"})
    paper.refresh_from_db()
    assert (paper.title, paper.abstract) == ("First", "New.")


def test_others_change_nothing(paper):
    user = User.objects.create_user("x@example.org")
    with pytest.raises(Problem, match="may not change abstract"):
        editing.edit(user=user, kind="paper", key="P1", changes={"abstract": "New."})


def test_people_write_about_themselves(paper, author):
    editing.edit(user=author, kind="person", key="ada", changes={"biography": "Engines."})
    with pytest.raises(Problem, match="may not change name"):
        editing.edit(user=author, kind="person", key="ada", changes={"name": "Countess"})
    assert Person.objects.get(slug="ada").biography == "Engines."


def test_where_organizers_approve_an_author_s_change_waits(paper, author, organizer):
    organizers_approve()
    first = editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "New."})
    second = editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "Newer."})
    first.refresh_from_db()
    paper.refresh_from_db()
    assert (first.state, second.state, paper.abstract) == ("taken back", "waiting", "Old.")
    with pytest.raises(Problem, match="Only organizers"):
        editing.decide(user=author, waiting=second, accept=True)
    editing.decide(user=organizer, waiting=second, accept=True)
    paper.refresh_from_db()
    assert paper.abstract == "Newer."
    with pytest.raises(Problem, match="This change is applied"):
        editing.decide(user=organizer, waiting=second, accept=False)


def test_what_was_refused_changes_nothing(paper, author, organizer):
    organizers_approve()
    waiting = editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "New."})
    assert editing.decide(user=organizer, waiting=waiting, accept=False, note="Too long").state == "refused"
    paper.refresh_from_db()
    assert (paper.abstract, Edit.objects.get().note) == ("Old.", "Too long")


def test_a_change_taken_back_is_a_change_too(paper, organizer):
    made = editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Second"})
    editing.take_back(user=organizer, made=made)
    paper.refresh_from_db()
    assert (paper.title, Edit.objects.count()) == ("First", 2)


def test_two_who_edit_at_once_do_not_overwrite_each_other(paper, organizer):
    version = editing.version_of(values(paper))
    editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Second"}, version=version)
    with pytest.raises(Problem, match="Somebody else changed this"):
        editing.edit(user=organizer, kind="paper", key="P1", changes={"title": "Third"}, version=version)


# --- Pages -----------------------------------------------------------------------------------------------------------


def test_an_author_edits_in_the_browser_and_finds_it_in_the_history(client, paper, author):
    client.force_login(author)
    data = form_data(client, "paper", "P1", abstract="New abstract.", links="Code https://example.org/code")
    response = client.post("/edit/paper/P1/", data)
    assert (response.status_code, response["Location"]) == (302, "/papers/P1/")
    paper.refresh_from_db()
    assert (paper.abstract, paper.links) == ("New abstract.", [{"label": "Code", "url": "https://example.org/code"}])
    assert "New abstract." in client.get("/history/paper/P1/").content.decode()


def test_line_breaks_as_browsers_send_them_are_no_change(client, paper, author):
    Paper.objects.filter(pk=paper.pk).update(abstract="One.\n\nTwo.", bibtex="@misc{a,\n  year = {2027}\n}\n")
    client.force_login(author)
    sent = {name: re.sub("\r?\n", "\r\n", text) for name, text in form_data(client, "paper", "P1").items()}
    client.post("/edit/paper/P1/", sent)
    assert not Edit.objects.exists()
    client.post("/edit/paper/P1/", {**sent, "abstract": "One.\r\n\r\nThree."})
    assert Edit.objects.get().after == {"abstract": "One.\n\nThree."}


def test_the_form_of_an_author_has_no_field_that_is_not_theirs(client, paper, author):
    client.force_login(author)
    names = set(client.get("/edit/paper/P1/").context["form"].fields)
    assert names == {"abstract", "tldr", "keywords", "links", "bibtex", "video_url", "note", "version"}


@pytest.mark.parametrize("path", ["/edit/paper/P1/", "/history/paper/P1/", "/organize/edits/", "/new/paper/"])
def test_pages_for_editing_are_closed_to_others(client, paper, path):
    assert client.get(path).status_code == 302
    client.force_login(User.objects.create_user("x@example.org"))
    assert client.get(path).status_code == 403


def test_every_kind_of_row_can_be_opened_and_saved_unchanged(client, organizer, load, native):
    load(native)
    client.force_login(organizer)
    for kind in KINDS.values():
        for row in kind.model._default_manager.all():
            key = str(getattr(row, kind.key))
            response = client.post(f"/edit/{kind.name}/{key}/", form_data(client, kind.name, key))
            assert response.status_code == 302, (kind.name, key, response.context["form"].errors)
    assert not Edit.objects.exists()


def test_a_session_moves_on_the_clocks_of_the_conference(client, paper, organizer):
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"timezone": "Europe/Lisbon"})
    Session.objects.create(
        uid="s1", title="S", starts_at="2027-05-03T09:00:00+00:00", ends_at="2027-05-03T10:00:00+00:00"
    )
    client.force_login(organizer)
    data = form_data(client, "session", "s1")
    assert data["starts_at"] == "2027-05-03T10:00"
    client.post("/edit/session/s1/", {**data, "starts_at": "2027-05-03T08:30", "papers": "P1"})
    session = Session.objects.get(uid="s1")
    assert session.starts_at.isoformat() == "2027-05-03T07:30:00+00:00"
    assert [presentation.paper.uid for presentation in session.presentations.all()] == ["P1"]


@pytest.mark.parametrize(
    ("kind", "key", "field", "value", "said"),
    [
        ("paper", "P1", "links", "no address", "“no address”: a label and an address were expected"),
        ("paper", "P1", "links", "x javascript:alert(1)", "a label and an address were expected"),
        ("paper", "P1", "event", "nope", "There is no event nope."),
        ("paper", "P1", "authors", "Ada\nAda", "ada stands twice"),
        ("paper", "P1", "title", "", "This field is required."),
        ("session", "s1", "ends_at", "2027-05-03T01:00", "Not before the start was expected."),
        ("session", "s1", "starts_at", "soon", "A day and a time were expected"),
        ("session", "s1", "papers", "p1", "There is no paper p1"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(client, paper, organizer, kind, key, field, value, said):
    Session.objects.create(
        uid="s1", title="S", starts_at="2027-05-03T09:00:00+00:00", ends_at="2027-05-03T10:00:00+00:00"
    )
    client.force_login(organizer)
    response = client.post(f"/edit/{kind}/{key}/", form_data(client, kind, key) | {field: value})
    assert response.status_code == 422
    assert said in str(response.context["form"].errors[field])
    assert not Edit.objects.exists()


def test_new_authors_become_people_and_known_ones_are_found(client, paper, organizer):
    client.force_login(organizer)
    client.post("/edit/paper/P1/", form_data(client, "paper", "P1", authors="Grace Hopper*\nAda"))
    authors = [(a.person.name, a.equal_contribution) for a in paper.authorships.order_by("position")]
    assert authors == [("Grace Hopper", True), ("Ada", False)]
    assert Person.objects.filter(name="Ada").count() == 1


def test_a_new_track_is_made_when_it_is_named(client, paper, organizer):
    client.force_login(organizer)
    client.post("/edit/paper/P1/", form_data(client, "paper", "P1", track="Brand new"))
    assert Track.objects.get().papers.get() == paper


def test_a_paper_and_an_event_are_made_on_the_site(client, organizer):
    client.force_login(organizer)
    response = client.post("/new/event/", {"title": "A keynote", "kind": "keynote", "abstract": "About it."})
    assert (response.status_code, response["Location"]) == (302, "/events/a-keynote/")
    assert Event.objects.get().source == ""
    client.post("/new/paper/", {"title": "Brand new", "key": "X1", "authors": "Ada"})
    assert Paper.objects.get(uid="X1").authorships.get().person.name == "Ada"
    taken = client.post("/new/paper/", {"title": "Again", "key": "X1"})
    assert (taken.status_code, "There is a paper “X1” already." in taken.content.decode()) == (422, True)


def test_saving_over_somebody_else_s_change_asks_first(client, paper, organizer):
    client.force_login(organizer)
    data = form_data(client, "paper", "P1", title="Mine")
    Paper.objects.filter(pk=paper.pk).update(title="Theirs")
    response = client.post("/edit/paper/P1/", data)
    assert response.status_code == 409
    assert "Somebody else changed this while you were writing." in response.content.decode()
    again = dict(data, version=response.context["form"]["version"].value())
    assert client.post("/edit/paper/P1/", again).status_code == 302
    paper.refresh_from_db()
    assert paper.title == "Mine"


def test_organizers_approve_refuse_and_take_back_on_their_page(client, paper, author, organizer):
    organizers_approve()
    waiting = editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "New."})
    client.force_login(organizer)
    assert "Approve" in client.get("/organize/edits/?state=waiting").content.decode()
    client.post(f"/organize/edits/{waiting.pk}/accept/")
    paper.refresh_from_db()
    assert paper.abstract == "New."
    client.post(f"/organize/edits/{waiting.pk}/revert/")
    paper.refresh_from_db()
    assert paper.abstract == "Old."


def test_an_author_does_not_approve_own_changes(client, paper, author):
    organizers_approve()
    waiting = editing.edit(user=author, kind="paper", key="P1", changes={"abstract": "New."})
    client.force_login(author)
    assert client.post(f"/organize/edits/{waiting.pk}/accept/").status_code == 403


def test_what_was_edited_survives_the_next_import(client, organizer, sitedata, load):
    load(sitedata)
    client.force_login(organizer)
    client.post("/edit/paper/SkxSha1/", form_data(client, "paper", "SkxSha1", title="Corrected", keywords="one, two"))
    load(sitedata)
    paper = Paper.objects.get(uid="SkxSha1")
    assert (paper.title, sorted(k.name for k in paper.keywords.all())) == ("Corrected", ["one", "two"])


def test_a_form_offers_only_the_fields_it_is_given():
    form = EditForm(kind="paper", names=("title",), present={"title": "T"}, source="", zone=named_zone("UTC"))
    assert list(form.fields) == ["title", "note", "version"]


def test_words_that_were_replaced_stand_together_in_the_history():
    def marked(before: str, after: str) -> str:
        signs = {"same": "{}", "gone": "[-{}-]", "new": "[+{}+]"}
        return "".join(signs[piece.change].format(piece.text) for piece in compared(before, after))

    old = "Deep networks with spikes learn slowly, as is known."
    assert marked(old, old.replace("networks with spikes", "models without them")) == (
        "Deep [-networks with spikes-][+models without them+] learn slowly, as is known."
    )
    assert marked(old, old.replace("Deep", "Large").replace("slowly", "quickly")) == (
        "[-Deep-][+Large+] networks with spikes learn [-slowly-][+quickly+], as is known."
    )
    assert marked("One title about engines", "Another, whole and new") == (
        "[-One title about engines-][+Another, whole and new+]"
    )
