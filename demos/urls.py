"""Addresses of demos and runs."""

from django.urls import path

from . import views

urlpatterns = [
    path("demos/", views.demo_list, name="demos"),
    path("demos/<slug:slug>/", views.demo_page, name="demo"),
    path("demos/<slug:slug>/run/", views.run_demo, name="demo_run"),
    path("runs/<uuid:run_id>/", views.run_page, name="run"),
    path("runs/<uuid:run_id>/stop/", views.stop_run, name="run_stop"),
]
