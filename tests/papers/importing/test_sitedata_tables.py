"""Mini-Conf's own folder once more: tables with tabs, meeting links in its calendar, rows of another year."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from papers.models import Conference, Paper, Session
from tests.papers.conftest import PAPERS_CSV, write

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text", [PAPERS_CSV, "UID\ttitle\tauthors\tabstract\tkeywords\nSkxSha1\tOne\tAda\tA, b.\tx|y\n"]
)
def test_papers_in_a_tsv_file_with_tabs_and_with_commas(sitedata, load, text):
    (sitedata / "papers.csv").unlink()
    write(sitedata / "papers.tsv", text)
    load(sitedata)
    assert Paper.objects.filter(uid="SkxSha1", highlighted=True).exists()


def test_a_meeting_link_of_the_calendar_is_for_members_only(sitedata, load):
    calendar = json.loads((sitedata / "main_calendar.json").read_text())
    calendar[3]["link"] = "https://us02web.zoom.us/j/123?pwd=secret"
    write(sitedata / "main_calendar.json", json.dumps(calendar))
    printed = load(sitedata)
    session = Session.objects.get(title="A social")
    assert (session.url, session.join_url_private) == ("", "https://us02web.zoom.us/j/123?pwd=secret")
    assert "Meeting links in 1 public texts or addresses are shown to members only" in printed.splitlines()


def test_another_years_entry_of_the_calendar_is_warned_about_and_sets_no_date(sitedata, load):
    calendar = json.loads((sitedata / "main_calendar.json").read_text())
    calendar[3] |= {"start": "2019-05-07T18:00:00+00:00", "end": "2019-05-07T20:00:00+00:00"}
    write(sitedata / "main_calendar.json", json.dumps(calendar))
    assert (
        "Warning: 1 time lies more than a month away from the conference's dates, 2020-04-27 to 2020-04-28; is it another "
        "year's? main_calendar.json, entry 4 (2019-05-07)"
    ) in load(sitedata).splitlines()
    assert Conference.current().starts_on == dt.date(2020, 4, 27)
