from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SiteConfig(AppConfig):
    name = "miniconf"

    def ready(self) -> None:
        from .serving import page_signals

        page_signals.connect()
        autodiscover_modules("personal_data")  # each app's part of what is kept about one person
        autodiscover_modules("mail_texts")  # each app's mails, whose words organizers may change
