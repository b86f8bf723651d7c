"""Addresses of the organizers' pages about people."""

from django.urls import path, re_path

from . import views

urlpatterns = [
    path("", views.people, name="accounts"),
    path("invitations/", views.invited, name="invitations"),
    path("invitations/progress/", views.progress, name="invitations_progress"),
    path("invitations/preview/<str:key>/", views.preview, name="preview_people"),
    re_path(r"^invitations/send/(?P<which>waiting|failed|sent|stop)/$", views.send, name="send_invitations"),
    path("admission/", views.save_admission, name="admission"),
    path("authors/", views.authors, name="match_authors"),
    path("record/", views.acts, name="acts"),
    path("roles/<int:pk>/take-back/", views.take_back, name="take_back_role"),
    path("<uuid:public_id>/", views.one, name="person_account"),
    re_path(
        r"^(?P<public_id>[0-9a-f-]{36})/(?P<action>organizer|attendee|off|on)/$",
        views.change_account,
        name="change_account",
    ),
]
