"""Addresses of the organizers' page of demos, below /organize/demos/."""

from django.urls import path

from . import views_organize as views

urlpatterns = [
    path("", views.page, name="organize_demos"),
    path("act/", views.act, name="organize_demos_act"),
]
