from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "miniconf.live"
    label = "live"
