from django.apps import AppConfig


class ClosingConfig(AppConfig):
    name = "miniconf.closing"
    label = "closing"
