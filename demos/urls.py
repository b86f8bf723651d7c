"""Addresses of demos and runs."""

from django.urls import path

from . import discuss, views

urlpatterns = [
    path("demos/", views.demo_list, name="demos"),
    path("demos/<slug:slug>/", views.demo_page, name="demo"),
    path("demos/<slug:slug>/run/", views.run_demo, name="demo_run"),
    path("runs/<uuid:run_id>/", views.run_page, name="run"),
    path("runs/<uuid:run_id>/stop/", views.stop_run, name="run_stop"),
    path("runs/<uuid:run_id>/result/", views.run_result, name="run_result"),
    path("runs/<uuid:run_id>/branches/", views.run_branches, name="run_branches"),
    path("runs/<uuid:run_id>/parts/<str:name>", views.run_part, name="run_part"),
    path("runs/<uuid:run_id>/card/", discuss.run_card, name="run_card"),
    path("runs/<uuid:run_id>/discuss/", discuss.discuss_run, name="run_discuss"),
]
