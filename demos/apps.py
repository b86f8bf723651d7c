from django.apps import AppConfig


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        from . import importing, live  # noqa: F401  register what they read and what can be watched
