"""Addresses of people and their accounts."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
