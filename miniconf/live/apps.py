from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LiveConfig(AppConfig):
    name = "miniconf.live"
    label = "live"

    def ready(self) -> None:
        autodiscover_modules("live")  # each app's live.py registers its topics and commands
