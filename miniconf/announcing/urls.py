"""Addresses of the organizers' pages of announcements."""

from django.urls import path, re_path

from . import views

urlpatterns = [
    path("", views.announcements, name="organize_announcements"),
    path("<int:pk>/", views.announcement, name="announcement"),
    path("<int:pk>/progress/", views.progress, name="announcement_progress"),
    re_path(r"^(?P<pk>[0-9]+)/mails/(?P<which>stop|waiting|failed|unsure)/$", views.mails, name="announcement_mails"),
    path("<int:pk>/remove/", views.remove, name="remove_announcement"),
]
