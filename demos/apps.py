from django.apps import AppConfig


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        from . import figures, importing, listing, live  # noqa: F401  register what they count, read, filter by, and show
