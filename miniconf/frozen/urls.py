"""The site's addresses, with pages of their own where the live one would ask a server: lists and the schedule."""

from django.urls import path

from miniconf.urls import urlpatterns as live

from . import views

urlpatterns = [
    path("papers/", views.papers, name="papers"),
    path("schedule/", views.schedule, name="schedule"),
    path("people/", views.people, name="people"),
    *live,
]
