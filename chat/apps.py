from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from . import (  # noqa: F401
            access,
            importing,  # registers which rows an import must not delete
            inbox_topic,  # registers the topic of one's own notifications
            listing,  # registers the paper list's filter for open questions
            live_moderation,  # registers the commands of moderators
            missed,  # registers what went on in rooms, for "what did I miss"
        )

        access.connect()
