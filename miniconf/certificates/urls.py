"""Addresses of certificates."""

from django.urls import path

from . import views

urlpatterns = [
    path("certificate/", views.mine, name="my_certificate"),
    path("certificate/download/", views.download, name="download_certificate"),
    path("certificates/", views.look_up, name="certificates"),
    path("certificates/<str:code>/", views.confirm, name="certificate"),
    path("organize/certificates/", views.organize, name="organize_certificates"),
]
