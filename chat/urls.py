"""Addresses of the chat."""

from django.urls import path

from . import views

urlpatterns = [path("chat/<path:room_key>/", views.room, name="room")]
