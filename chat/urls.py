"""Addresses of the chat. The room itself comes last: its key may hold slashes."""

from django.urls import path

from . import views, views_room

urlpatterns = [
    path("chat/<path:room_key>/thread/<int:message_id>/", views.thread, name="thread"),
    path("chat/<path:room_key>/questions/", views.questions, name="room_questions"),
    path("chat/<path:room_key>/screen/", views_room.screen, name="room_screen"),
    path("chat/<path:room_key>/act/", views_room.act, name="room_act"),
    path("chat/<path:room_key>/", views.room, name="room"),
]
