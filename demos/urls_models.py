"""Addresses of models, and of counting tokens. A name may hold a slash ("org/model")."""

from django.urls import path

from . import model_pages

urlpatterns = [
    path("models/", model_pages.model_list, name="models"),
    path("models/<path:address>/state/", model_pages.model_state_part, name="model_state"),
    path("models/<path:address>/pictures/<str:file>", model_pages.model_picture, name="model_picture"),
    path("models/<path:address>/", model_pages.model_page, name="model"),
    path("demos/<slug:slug>/tokens/", model_pages.count_view, name="demo_tokens"),
]
