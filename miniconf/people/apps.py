from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "miniconf.people"
    label = "people"

    def ready(self) -> None:
        from . import bounces, signals

        signals.connect()
        bounces.connect()
