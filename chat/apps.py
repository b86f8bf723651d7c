from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from . import (  # noqa: F401
            importing,  # registers which rows an import must not delete
            missed,  # registers what went on in rooms, for "what did I miss"
        )
