"""Addresses of the end of a conference."""

from django.urls import path

from . import views

urlpatterns = [
    path("organize/end/", views.end_page, name="end"),
    path("organize/end/rooms/", views.close_rooms, name="close_rooms"),
    path("organize/end/archive/", views.archive_action, name="archive_action"),
    path("organize/end/archive/progress/", views.archive_progress, name="archive_progress"),
    path("organize/end/archive/<uuid:archive_id>.zip", views.archive_file, name="archive_file"),
    path("organize/end/thanks/", views.thanks_page, name="thanks"),
    path("organize/end/retention/", views.retention_page, name="retention"),
]
