from django.apps import AppConfig


class DemosConfig(AppConfig):
    name = "demos"

    def ready(self) -> None:
        # They register what they count, read, filter by, show, and have changed with a history.
        from . import authoring, figures, importing, listing, live  # noqa: F401
