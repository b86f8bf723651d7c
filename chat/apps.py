from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from . import importing  # noqa: F401  registers which rows an import must not delete
