"""Addresses of the programme. A paper's id keeps its case and may hold `. - _ , ( ) :`."""

from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter

from .views import (
    announcements,
    discovery,
    editing,
    events,
    exports,
    my_schedule,
    papers,
    people,
    personal,
    programme,
    seats,
    site,
    uploads,
)


class UidConverter(StringConverter):
    regex = r"[^/\0]+"  # PostgreSQL takes no NUL, not even to look for one


register_converter(UidConverter, "uid")

urlpatterns = [
    path("", site.home, name="home"),
    path("papers/", papers.paper_list, name="papers"),
    path("papers/map/", discovery.map_page, name="map"),
    path("papers/map/points/", discovery.map_points, name="map_points"),
    path("papers/map/titles/", discovery.map_titles, name="map_titles"),
    path("papers/map/found/", discovery.map_found, name="map_found"),
    path("papers/suggest", papers.suggestions, name="suggest"),
    path("papers/<uid:uid>/", papers.paper, name="paper"),
    path("papers/<uid:uid>/quick/", papers.quick_view, name="quick_view"),
    path("for-you/", discovery.for_you, name="for_you"),
    path("bookmarks/", personal.bookmarks, name="bookmarks"),
    path("bookmarks/set/", personal.bookmark, name="bookmark"),
    path("bookmarks/take-over/", personal.take_over_bookmarks, name="take_over_bookmarks"),
    path("bookmarks/papers.csv", personal.bookmarks_csv, name="bookmarks_csv"),
    path("bookmarks/papers.bib", personal.bookmarks_bibtex, name="bookmarks_bibtex"),
    path("people/", people.people_list, name="people"),
    path("people/<uid:slug>/", people.person, name="person"),
    path("schedule/", programme.schedule, name="schedule"),
    path("schedule/zone/", programme.set_zone, name="set_zone"),
    path("my-schedule/", my_schedule.my_schedule, name="my_schedule"),
    path("my-schedule/of/", my_schedule.bookmarked_entries, name="bookmarked_entries"),
    path("my-schedule/reminders/", my_schedule.reminders, name="reminders"),
    path("missed/", my_schedule.missed, name="missed"),
    path("sessions/<uid:uid>/", programme.session, name="session"),
    path("events/", events.events, name="events"),
    path("events/<uid:uid>/", events.event, name="event"),
    path("events/<uid:uid>/seat/", seats.seat, name="seat"),
    path("events/<uid:uid>/seats/", seats.host_list, name="table"),
    path("seats/", seats.own_seats, name="seats"),
    path("sponsors/", site.sponsors, name="sponsors"),
    path("sponsors/<uid:uid>/", site.sponsor, name="sponsor"),
    path("announcements/", announcements.announcements, name="announcements"),
    path("announcements/own/", announcements.own_announcements, name="own_announcements"),
    path("pages/<slug:slug>/", site.page, name="page"),
    path("help/", site.help_page, name="help"),
    path("export/", exports.exports, name="export"),
    path("export/<slug:name>", exports.export_file, name="export_file"),
    path("schedule.ics", exports.schedule_ics, name="schedule_ics"),
    path("sessions/<uid:uid>.ics", exports.session_ics, name="session_ics"),
    path("my-calendar/", exports.my_calendar, name="my_calendar"),
    path("calendar/<str:token>.ics", exports.calendar_feed, name="calendar_feed"),
    re_path(r"^calendar/[\s\S]*$", exports.calendar_feed),
    path("edit/<slug:kind>/<uid:key>/", editing.edit, name="edit"),
    path("history/<slug:kind>/<uid:key>/", editing.history, name="history"),
    path("new/<slug:kind>/", editing.create, name="create"),
    path("papers/<uid:uid>/files/", uploads.paper_files, name="paper_files"),
    path("uploads/", uploads.begin_upload, name="begin_upload"),
    path("uploads/<uuid:upload_id>/", uploads.upload, name="upload"),
    path("organize/", include("papers.urls_organize")),
    path("media/<path:path>", site.media_file, name="media"),
]
