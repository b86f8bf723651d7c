"""The paper map: places, the documents its script asks for, and its page."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from django.test import Client
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers.models import Authorship, Bookmark, Keyword, Paper, PaperVector, Person, Track, Visit
from papers.similarity import paper_map, service
from papers.similarity.projection import project


def clouds(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors in three clouds, and which cloud each is of."""
    random = np.random.default_rng(seed)
    cloud = np.arange(count) % 3
    vectors = np.eye(3, 20)[cloud] + random.normal(scale=0.15, size=(count, 20))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), cloud


# --- Places ----------------------------------------------------------------------------------------------------------------
def test_what_is_alike_lies_together():
    vectors, cloud = clouds(120)
    places = project(vectors)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (cloud[distances.argmin(axis=1)] == cloud).all()


def test_the_same_papers_get_the_same_places():
    vectors, _ = clouds(90)
    assert np.array_equal(project(vectors), project(vectors))


def test_places_stay_when_a_few_papers_are_added_and_the_new_ones_lie_among_their_kind():
    vectors, cloud = clouds(130)
    before = project(vectors[:120])
    after = project(vectors, np.concatenate([before, np.full((10, 2), np.nan)]))
    spread = np.linalg.norm(before - before.mean(axis=0), axis=1).mean()
    moved = np.linalg.norm(after[:120] - before, axis=1)
    fresh = np.linalg.norm(project(vectors)[:120] - before, axis=1)
    assert moved.mean() < 0.25 * spread
    assert moved.mean() < 0.5 * fresh.mean()
    centres = np.array([after[:120][cloud[:120] == n].mean(axis=0) for n in range(3)])
    nearest = np.linalg.norm(after[120:, None] - centres[None], axis=2).argmin(axis=1)
    assert nearest.tolist() == cloud[120:].tolist()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8])
def test_few_papers_have_places_of_their_own(count: int):
    places = project(clouds(count)[0])
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert len({(x, y) for x, y in places.tolist()}) == count


def test_papers_with_the_same_text_can_be_placed():
    places = project(np.ones((20, 1), np.float32))
    assert np.isfinite(places).all()


# --- Documents -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def papers(db: None) -> list[Paper]:
    """Four papers at imported places, in two tracks and one without."""
    theory = Track.objects.create(name="Theory", slug="theory")
    language = Track.objects.create(name="Language", slug="language")
    rows = [("A", 0.0, 0.0, theory), ("b", 10.0, 0.0, language), ("C,(1)", 10.0, 5.0, theory), ("d", 5.0, 2.5, None)]
    made = [
        Paper.objects.create(uid=uid, title=f"Paper {uid}", track=track, map_x=x, map_y=y) for uid, x, y, track in rows
    ]
    names = [Person.objects.create(slug=name.lower(), name=name) for name in ("Ada", "Grace", "Barbara")]
    for position, person in enumerate(names):
        Authorship.objects.create(paper=made[0], person=person, position=position)
    for person in names[:2]:
        Authorship.objects.create(paper=made[1], person=person, position=names.index(person))
    shared, single = Keyword.objects.create(name="shared"), Keyword.objects.create(name="single")
    made[0].keywords.set([shared, single])
    made[2].keywords.set([shared])
    return made


def points(client: Client) -> dict:
    return client.get("/papers/map/points/").json()


def test_points_come_in_columns_on_a_grid_with_their_tracks(client: Client, papers: list[Paper]):
    document = points(client)
    side = paper_map.SIDE
    assert document["uids"] == ["A", "b", "C,(1)", "d"]
    assert document["x"] == [0, side, side, round(side / 2)]
    # The direction of y is the screen's, both directions have one scale.
    assert document["y"] == [side, side, side - round(side / 2), side - round(side / 4)]
    assert (document["grouped_by"], document["groups"]) == ("Track", ["Language", "Theory"])
    assert document["group"] == [1, 0, 1, -1]
    assert document["side"] == side


def test_titles_come_in_the_same_order_with_short_authors_and_the_keywords_that_papers_share(
    client: Client, papers: list[Paper]
):
    document = client.get("/papers/map/titles/").json()
    assert document["version"] == points(client)["version"]
    assert document["titles"] == ["Paper A", "Paper b", "Paper C,(1)", "Paper d"]
    assert document["authors"] == ["Ada and 2 others", "Ada and Grace", "", ""]
    assert document["keywords"] == ["shared"]
    assert document["paper_keywords"] == [[0], [], [0], []]


def test_where_there_are_no_tracks_papers_are_coloured_by_programme_or_type(client: Client, papers: list[Paper]):
    Paper.objects.update(track=None, kind="Long")
    Paper.objects.filter(uid="d").update(kind="Demo")
    document = points(client)
    assert (document["grouped_by"], document["groups"], document["group"]) == ("Type", ["Demo", "Long"], [1, 1, 1, 0])
    Paper.objects.update(kind="", updated_at=now())
    document = points(client)
    assert (document["grouped_by"], document["groups"], document["group"]) == ("", [], [-1] * 4)


def test_of_many_tracks_those_with_most_papers_have_marks_of_their_own(client: Client, db: None):
    for n in range(40):
        track = Track.objects.create(name=f"Track {n:02}", slug=f"t{n}")
        for m in range(2 if n >= 8 else 1):
            Paper.objects.create(uid=f"{n}-{m}", title="T", track=track, map_x=n, map_y=m)
    document = points(client)
    assert document["groups"] == [f"Track {n:02}" for n in range(8, 40)]
    assert document["group"].count(-1) == 8


def test_imported_places_are_taken_only_when_every_visible_paper_has_one(client: Client, papers: list[Paper]):
    service.update_with_tfidf()
    assert service.update_map() == 0  # all have imported places
    assert paper_map.overview() == paper_map.Overview(placed=4, count=4, method="")
    Paper.objects.create(uid="e", title="Paper e on something else")
    service.update_with_tfidf()
    assert service.update_map() == 5
    assert paper_map.overview() == paper_map.Overview(placed=5, count=5, method="TF-IDF")
    assert points(client)["uids"] == ["A", "b", "C,(1)", "d", "e"]
    Paper.objects.filter(uid="e").update(withdrawn_at=now())
    assert points(client)["uids"] == ["A", "b", "C,(1)", "d"]
    assert paper_map.overview().method == ""


def test_places_of_papers_that_have_one_hardly_change_when_one_is_added(client: Client, db: None):
    for n in range(30):
        Paper.objects.create(uid=f"p{n}", title=f"{['Parsing', 'Robots', 'Bandits'][n % 3]} number {n}")
    service.update_with_tfidf()
    service.update_map()
    before = dict(PaperVector.objects.values_list("paper_id", "map_x"))
    assert service.update_map() == 0
    new = Paper.objects.create(uid="new", title="Parsing again")
    service.update_with_tfidf()
    assert list(PaperVector.objects.filter(map_x=None).values_list("paper_id", flat=True)) == [new.pk]
    assert service.update_map() == 31
    after = dict(PaperVector.objects.values_list("paper_id", "map_x"))
    values = np.array([[before[pk], after[pk]] for pk in before])
    assert np.corrcoef(values.T)[0, 1] > 0.9


def test_an_unchanged_document_is_not_sent_again_and_a_changed_one_is(client: Client, papers: list[Paper]):
    first = client.get("/papers/map/points/")
    known = {"If-None-Match": first["ETag"]}
    assert client.get("/papers/map/points/", headers=known).status_code == 304
    Paper.objects.filter(uid="A").update(map_x=3.0)
    changed = client.get("/papers/map/points/", headers=known)
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_documents_are_compressed_for_whoever_takes_that(client: Client, papers: list[Paper]):
    plain = client.get("/papers/map/titles/")
    packed = client.get("/papers/map/titles/", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert json.loads(plain.content)["titles"][0] == "Paper A"


def test_a_search_finds_what_the_list_finds(client: Client, papers: list[Paper]):
    found = client.get("/papers/map/found/", {"search": "share"}).json()
    assert (found["count"], sorted(found["uids"])) == (2, ["A", "C,(1)"])
    assert client.get("/papers/map/found/", {"search": "\0 ,"}).json() == {"count": 0, "uids": []}
    assert client.get("/papers/map/found/").json() == {"count": 0, "uids": []}


# --- The page --------------------------------------------------------------------------------------------------------------
def test_the_page_says_whose_places_they_are_and_leads_to_the_list_without_scripts(client: Client, papers: list[Paper]):
    page = client.get("/papers/map/").content.decode()
    assert "Papers lie where the conference placed them." in page
    assert "The map needs JavaScript. All papers stand in the list." in page
    assert 'aria-label="Map of 4 papers"' in page


def test_the_page_says_that_the_map_is_not_ready_and_that_there_are_no_papers(client: Client, db: None):
    assert "There are no papers yet." in client.get("/papers/map/").content.decode()
    Paper.objects.create(uid="a", title="A")
    page = client.get("/papers/map/").content.decode()
    assert "is not ready yet. All 1 paper stands in" in page
    assert "map.js" not in page


def test_a_members_page_knows_bookmarks_and_visits_and_a_visitors_is_the_same_for_all(
    client: Client, papers: list[Paper]
):
    page = client.get("/papers/map/")
    assert "map-marks" not in page.content.decode()
    assert page.cookies.output() == ""
    member = User.objects.create_user("ada@example.org", name="Ada")
    Bookmark.objects.create(user=member, paper=papers[2])
    Visit.objects.create(user=member, paper=papers[1], last_at=now())
    client.force_login(member)
    text = client.get("/papers/map/").content.decode()
    start = text.index(">", text.index('id="map-marks"')) + 1
    assert json.loads(text[start : text.index("</script>", start)]) == {"bookmarked": ["C,(1)"], "visited": ["b"]}
