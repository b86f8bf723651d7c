from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "miniconf"

    def ready(self) -> None:
        from .serving import page_signals

        page_signals.connect()
