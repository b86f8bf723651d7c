from django.apps import AppConfig


class AnnouncingConfig(AppConfig):
    name = "miniconf.announcing"
    label = "announcing"
