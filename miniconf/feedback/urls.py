"""Addresses of feedback: giving it, what it adds up to, and the organizers' questions."""

from django.urls import path

from papers.urls import UidConverter  # noqa: F401  # registers "uid"

from . import views, views_organize

urlpatterns = [
    path("feedback/", views.give, {"uid": None}, name="feedback"),
    path("feedback/results/", views.results_page, {"uid": None}, name="feedback_results"),
    path("feedback/results.csv", views.results_table, {"uid": None}, name="feedback_table"),
    path("sessions/<uid:uid>/feedback/", views.give, name="session_feedback"),
    path("sessions/<uid:uid>/feedback/results/", views.results_page, name="session_feedback_results"),
    path("sessions/<uid:uid>/feedback/results.csv", views.results_table, name="session_feedback_table"),
    path("organize/feedback/", views_organize.overview, name="organize_feedback"),
    path(
        "organize/feedback/conference/", views_organize.questions, {"which": "conference"}, name="feedback_conference"
    ),
    path("organize/feedback/sessions/", views_organize.questions, {"which": "sessions"}, name="feedback_sessions"),
    path("organize/feedback/sessions/<uid:uid>/", views_organize.own_questions, name="feedback_own_questions"),
]
