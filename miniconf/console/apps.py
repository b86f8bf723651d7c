from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "miniconf.console"
    label = "console"
