"""Addresses of today, numbers, and the beacon."""

from django.urls import path, re_path

from . import views, views_popular

urlpatterns = [
    path("organize/today/", views.today_page, name="today"),
    path("organize/numbers/", views.numbers_page, name="numbers"),
    re_path(r"^organize/numbers/(?P<name>days|papers)\.csv$", views.numbers_csv, name="numbers_csv"),
    path("popular/", views_popular.popular_page, name="popular"),
    re_path(r"^papers/(?P<uid>[^/\0]+)/played/$", views.played, name="played"),
]
