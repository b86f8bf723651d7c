"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from .api import api

urlpatterns = [
    path("", include("papers.urls")),
    path("", include("chat.urls")),
    path("", include("demos.urls")),
    path("", include("miniconf.accounts.urls")),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
