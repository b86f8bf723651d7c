"""Addresses of the site's settings, of setting up, of the checklist, and of colours and logo."""

from django.urls import path, re_path

from . import mail_views, setup_views, views

urlpatterns = [
    path("organize/settings/", views.conference_page, name="site_settings"),
    path("organize/settings/access/", views.access_page, name="access_settings"),
    path("organize/settings/look/", views.look_page, name="look_settings"),
    path("organize/settings/look/preview/", views.look_preview, name="look_preview"),
    path("organize/settings/menu/", views.menu_page, name="menu_settings"),
    path("organize/settings/mails/", mail_views.mails_page, name="mail_settings"),
    path("organize/settings/mails/<slug:mail>/", mail_views.mail_page, name="mail_wording"),
    path("organize/setup/", setup_views.setup, name="setup"),
    path("organize/setup/end/", setup_views.end_setup, name="end_setup"),
    path("organize/setup/<slug:step>/", setup_views.setup_step, name="setup_step"),
    path("organize/checklist/", setup_views.checklist_page, name="checklist"),
    path("organize/checklist/doctor/", setup_views.doctor, name="checklist_doctor"),
    re_path(r"^theme/(?P<mark>[0-9a-f]{16})\.css$", views.stylesheet, name="theme_stylesheet"),
    re_path(r"^theme/logo-(?P<mark>[0-9a-f]{16})\.webp$", views.logo, name="theme_logo"),
]
