from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "papers"

    def ready(self) -> None:
        from . import signals
        from .listing import facets

        signals.connect()
        facets.connect()
