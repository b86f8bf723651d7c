"""Addresses of the programme. A paper's id keeps its case and may hold `. - _ , ( ) :`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from .views import events, papers, personal, programme, site


class UidConverter(StringConverter):
    regex = r"[^/\0]+"  # PostgreSQL takes no NUL, not even to look for one


register_converter(UidConverter, "uid")

urlpatterns = [
    path("", site.home, name="home"),
    path("papers/", papers.paper_list, name="papers"),
    path("papers/<uid:uid>/", papers.paper, name="paper"),
    path("bookmarks/", personal.bookmarks, name="bookmarks"),
    path("bookmarks/set/", personal.bookmark, name="bookmark"),
    path("bookmarks/take-over/", personal.take_over_bookmarks, name="take_over_bookmarks"),
    path("bookmarks/papers.csv", personal.bookmarks_csv, name="bookmarks_csv"),
    path("bookmarks/papers.bib", personal.bookmarks_bibtex, name="bookmarks_bibtex"),
    path("people/<uid:slug>/", papers.person, name="person"),
    path("schedule/", programme.schedule, name="schedule"),
    path("sessions/<uid:uid>/", programme.session, name="session"),
    path("events/", events.events, name="events"),
    path("events/<uid:uid>/", events.event, name="event"),
    path("sponsors/", site.sponsors, name="sponsors"),
    path("pages/<slug:slug>/", site.page, name="page"),
    path("help/", site.help_page, name="help"),
    path("media/<path:path>", site.media_file, name="media"),
]
