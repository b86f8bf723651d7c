"""Similar papers on a paper's page, and papers for somebody: from bookmarks, own papers and visits."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers.models import Authorship, Bookmark, Paper, PaperVector, Person, SimilarPaper, Visit
from papers.similarity import recommend, service

from .test_similarity import SUBJECTS, add, near


@pytest.fixture
def papers(db: None) -> dict[str, Paper]:
    """Four papers of each of three subjects: parsing0 ... bounds3."""
    return {f"{subject}{n}": add(f"{subject}{n}", subject) for subject in SUBJECTS for n in range(4)}


# --- On the paper's page -------------------------------------------------------------------------------------------------
def link(paper: Paper, *others: Paper, score: float = 0.5) -> None:
    """Make `others` the neighbours of `paper`, as the worker would."""
    PaperVector.objects.get_or_create(paper=paper, defaults={"method": "tf-idf", "text_digest": "", "vector": b"\0\0"})
    for position, other in enumerate(others):
        SimilarPaper.objects.create(paper=paper, other=other, position=position, score=score - position / 100)


def test_a_papers_page_lists_at_most_five_similar_papers_and_says_how_they_were_found(
    client: Client, papers: dict[str, Paper]
):
    service.update_with_tfidf()
    page = client.get("/papers/parsing0/").content.decode()
    section = page[page.index('id="similar"') : page.index("</section>", page.index('id="similar"'))]
    expected = near(papers["parsing0"])[:5]
    assert section.count("title-link") == len(expected) <= 5
    assert [f"/papers/{uid}/" in section for uid in expected] == [True] * len(expected)
    assert "By TF-IDF, from titles and abstracts." in section


def test_withdrawn_papers_are_not_listed_before_the_worker_has_seen_it(papers: dict[str, Paper]):
    link(papers["parsing0"], papers["robots0"], papers["robots1"])
    Paper.objects.filter(uid="robots0").update(withdrawn_at=now())
    found, method = recommend.similar_papers(papers["parsing0"])
    assert ([paper.uid for paper in found], method) == (["robots1"], "TF-IDF")


def test_a_page_without_computed_neighbours_has_no_such_section(client: Client, papers: dict[str, Paper]):
    assert 'id="similar"' not in client.get("/papers/parsing0/").content.decode()


# --- Papers for somebody -------------------------------------------------------------------------------------------------
@pytest.fixture
def member(db: None) -> User:
    return User.objects.create_user("ada@example.org", name="Ada")


def found_for(member: User) -> list[tuple[str, str, str]]:
    found = recommend.recommend(seeds=recommend.seeds_of(member), left_out=recommend.left_out_for(member))
    return [(item.paper.uid, item.reason, item.because.uid) for item in found]


def test_bookmarks_own_papers_and_visits_each_lead_to_their_neighbours(papers: dict[str, Paper], member: User):
    link(papers["parsing0"], papers["parsing1"])
    link(papers["robots0"], papers["robots1"])
    link(papers["bounds0"], papers["bounds1"])
    Bookmark.objects.create(user=member, paper=papers["parsing0"])
    person = Person.objects.create(slug="ada", name="Ada", user=member)
    Authorship.objects.create(paper=papers["robots0"], person=person, position=0)
    Visit.objects.create(user=member, paper=papers["bounds0"], last_at=now())
    assert sorted(found_for(member)) == [
        ("bounds1", "opened", "bounds0"),
        ("parsing1", "bookmarked", "parsing0"),
        ("robots1", "wrote", "robots0"),
    ]


def test_who_represents_a_paper_counts_as_its_author(papers: dict[str, Paper], member: User):
    link(papers["robots0"], papers["robots1"])
    papers["robots0"].representatives.add(member)
    assert found_for(member) == [("robots1", "wrote", "robots0")]


def test_what_is_bookmarked_or_ones_own_is_left_out_and_what_is_near_to_more_comes_first(
    papers: dict[str, Paper], member: User
):
    link(papers["parsing0"], papers["robots0"], papers["parsing1"], papers["parsing2"])
    link(papers["robots0"], papers["parsing0"], papers["parsing3"], papers["parsing2"])
    for uid in ("parsing0", "robots0"):
        Bookmark.objects.create(user=member, paper=papers[uid])
    assert [uid for uid, *_ in found_for(member)] == ["parsing2", "parsing1", "parsing3"]


def test_neighbours_of_neighbours_follow_where_the_direct_ones_are_few(papers: dict[str, Paper], member: User):
    link(papers["parsing0"], papers["parsing1"])
    link(papers["parsing1"], papers["parsing0"], papers["parsing2"])
    Bookmark.objects.create(user=member, paper=papers["parsing0"])
    assert found_for(member) == [
        ("parsing1", "bookmarked", "parsing0"),
        ("parsing2", "bookmarked", "parsing0"),
    ]


def test_a_member_sees_why_each_paper_is_there(client: Client, papers: dict[str, Paper], member: User):
    link(papers["parsing0"], papers["parsing1"])
    Bookmark.objects.create(user=member, paper=papers["parsing0"])
    client.force_login(member)
    page = client.get("/for-you/").content.decode()
    assert 'because you bookmarked <a href="/papers/parsing0/">On parsing</a>' in page
    assert page.count('class="paper-card') == 1


def test_a_member_without_marks_is_told_what_to_do(client: Client, papers: dict[str, Paper], member: User):
    client.force_login(member)
    assert "There is nothing to start from yet: bookmark a paper or two" in client.get("/for-you/").content.decode()


def test_a_member_whose_papers_have_no_neighbours_yet_is_told_so(
    client: Client, papers: dict[str, Paper], member: User
):
    Bookmark.objects.create(user=member, paper=papers["parsing0"])
    client.force_login(member)
    assert "Nothing similar is known yet to the 1 paper this starts from." in client.get("/for-you/").content.decode()


def test_a_visitors_browser_names_its_bookmarks_in_the_address_and_gets_no_cookie(
    client: Client, papers: dict[str, Paper]
):
    link(papers["parsing0"], papers["parsing1"])
    response = client.get("/for-you/", {"uids": ["parsing0", "unknown", "nul\0"]})
    assert 'because you bookmarked <a href="/papers/parsing0/">' in response.content.decode()
    assert response.cookies.output() == ""


def test_of_a_long_address_only_the_first_fifty_papers_count(papers: dict[str, Paper]):
    assert recommend.seeds_named([f"x{n}" for n in range(50)] + ["parsing0"]) == []
    assert [seed.paper_id for seed in recommend.seeds_named(["parsing0", "parsing0"])] == [papers["parsing0"].pk]
