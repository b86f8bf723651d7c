"""Addresses of the chat. The room itself comes last: its key may hold slashes."""

from django.urls import path

from . import views, views_desk, views_inbound, views_mail, views_notifications, views_room, views_search

urlpatterns = [
    path("notifications/", views_notifications.page, name="notifications"),
    path("notifications/<int:pk>/", views_notifications.open_one, name="notification"),
    path("notifications/read/", views_notifications.read_all, name="read_all"),
    path("inbox/", views_notifications.unread, name="unread"),
    path("desk/", views_desk.page, name="desk"),
    path("desk/<int:pk>/", views_desk.answer_question, name="desk_answer"),
    path("follow/", views_notifications.follow, name="follow"),
    path("profile/mail/", views_mail.mail_choices, name="mail_choices"),
    path("mail/unsubscribe/<str:token>/", views_mail.unsubscribe, name="unsubscribe"),
    path("mail/inbound", views_inbound.inbound, name="inbound"),
    path("mail/mute/<str:token>/", views_mail.mute, name="mute"),
    path("chat/search/", views_search.page, name="chat_search"),
    path("chat/<path:room_key>/thread/<int:message_id>/", views.thread, name="thread"),
    path("chat/<path:room_key>/questions/", views.questions, name="room_questions"),
    path("chat/<path:room_key>/screen/", views_room.screen, name="room_screen"),
    path("chat/<path:room_key>/act/", views_room.act, name="room_act"),
    path("chat/<path:room_key>/", views.room, name="room"),
]
