"""Addresses of demos and runs."""

from django.urls import path, re_path

import papers.urls  # noqa: F401  the converter of papers' ids

from . import discuss, views, views_authoring

urlpatterns = [
    path("demos/", views.demo_list, name="demos"),
    path("demos/<slug:slug>/", views.demo_page, name="demo"),
    path("demos/<slug:slug>/preview/", views.demo_preview, name="demo_preview"),
    path("demos/<slug:slug>/run/", views.run_demo, name="demo_run"),
    path("demos/<slug:slug>/set-up/", views_authoring.demo_setup, name="demo_setup"),
    re_path(
        r"^demos/(?P<slug>[-\w]+)/(?P<action>publish|withdraw|precompute)/$",
        views_authoring.demo_action,
        name="demo_action",
    ),
    path("papers/<uid:uid>/demos/", views_authoring.paper_demos, name="paper_demos"),
    path("papers/<uid:uid>/demos/new/<slug:kind>/", views_authoring.new_demo, name="new_demo"),
    path("runs/<uuid:run_id>/", views.run_page, name="run"),
    path("runs/<uuid:run_id>/stop/", views.stop_run, name="run_stop"),
    path("runs/<uuid:run_id>/keep/", views.keep_run, name="run_keep"),
    path("runs/<uuid:run_id>/result/", views.run_result, name="run_result"),
    path("runs/<uuid:run_id>/branches/", views.run_branches, name="run_branches"),
    path("runs/<uuid:run_id>/parts/<str:name>", views.run_part, name="run_part"),
    path("runs/<uuid:run_id>/card/", discuss.run_card, name="run_card"),
    path("runs/<uuid:run_id>/discuss/", discuss.discuss_run, name="run_discuss"),
]
