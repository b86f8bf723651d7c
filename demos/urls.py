"""Addresses of demos and runs."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
