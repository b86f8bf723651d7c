from django.apps import AppConfig


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        from . import importing, listing, live  # noqa: F401  register what they read, filter by, and let be watched
