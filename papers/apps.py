from django.apps import AppConfig


class PapersConfig(AppConfig):
    name = "papers"

    def ready(self) -> None:
        from . import account_links, signals
        from .listing import facets

        signals.connect()
        account_links.connect()
        facets.connect()
