"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path

from .api import api
from .api_docs import api_docs
from .health import healthz, readyz
from .observing.views import metrics

handler500 = "miniconf.observing.views.server_error"

urlpatterns = [
    path("organize/demos/", include("demos.urls_organize")),
    path("organize/people/", include("miniconf.people.urls")),
    path("organize/announcements/", include("miniconf.announcing.urls")),
    path("", include("miniconf.console.urls")),
    path("", include("miniconf.console.site.urls")),
    path("", include("miniconf.feedback.urls")),
    path("", include("miniconf.certificates.urls")),
    path("", include("miniconf.closing.urls")),
    path("", include("papers.urls")),
    path("", include("chat.urls")),
    path("moderation/", include("chat.urls_moderation")),
    path("", include("demos.urls")),
    path("", include("demos.urls_models")),
    path("", include("miniconf.accounts.urls")),
    path("api/v1/docs", api_docs, name="api_docs"),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
