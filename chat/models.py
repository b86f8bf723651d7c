"""Rooms and messages. A room hangs on anything by its key ("paper:SkxSha1", "event:keynote-1", "lounge:main")."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Room(models.Model):
    key = models.CharField(max_length=200, unique=True)
    last_number = models.PositiveBigIntegerField(default=0, help_text="Number of the newest message")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Message(models.Model):
    """What somebody said. `number` counts up by one in each room, without gaps; it is what clients resume from.

    `client_id` is chosen by the sender's browser for each message, so that a message sent again after a
    broken connection is recognised and stored once.
    """

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    number = models.PositiveBigIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="chat_messages"
    )
    client_id = models.UUIDField()
    text = models.TextField(help_text="Markdown as typed")
    html = models.TextField(help_text="Rendered and sanitized once, when it was sent")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "number"], name="message_number_once_per_room"),
            models.UniqueConstraint(fields=["author", "client_id"], name="message_once_per_client_id"),
        ]

    def __str__(self) -> str:
        return f"{self.room} #{self.number}"
