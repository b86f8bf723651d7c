"""Addresses of the moderators' pages, below /moderation/, and of one's own data."""

from django.urls import path

from . import views_moderation as views
from . import views_people as people

urlpatterns = [
    path("", views.overview, name="moderation"),
    path("act/", views.act, name="moderation_act"),
    path("reports/", views.reports, name="moderation_reports"),
    path("sanctions/", views.sanctions, name="moderation_sanctions"),
    path("words/", views.words, name="moderation_words"),
    path("record/", views.record, name="moderation_record"),
    path("my-data.json", people.personal_data, name="my_data"),
    path("people/", people.people, name="moderation_people"),
    path("people/<uuid:public_id>/", people.person, name="moderation_person"),
    path("people/<uuid:public_id>/sanction/", people.sanction, name="moderation_sanction"),
    path("people/<uuid:public_id>/forget/", people.forget, name="moderation_forget"),
    path("people/<uuid:public_id>/data.json", people.personal_data, name="personal_data"),
    path("rooms/<path:room_key>/export.<str:name>", people.export_room, name="export_room"),
    path("rooms/<path:room_key>/", views.room, name="moderation_room"),
]
