"""Rooms and what is said in them; docs/conversation.md. A room hangs on anything by its key ("paper:SkxSha1")."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Room(models.Model):
    key = models.CharField(max_length=200, unique=True)
    last_number = models.PositiveBigIntegerField(default=0, help_text="Number of the newest message or change")
    last_message_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    locked = models.BooleanField(default=False, help_text="Only moderators write")
    slow_seconds = models.PositiveIntegerField(default=0, help_text="Between two messages of one person; 0: no limit")

    def __str__(self) -> str:
        return self.key


class Message(models.Model):
    """What somebody said. `number` is its place in the room, and what clients resume from.

    `client_id` is chosen by the sender's browser for each message, so that a message sent again after a
    broken connection is recognised and stored once.
    """

    class Asked(models.TextChoices):
        NO = ""
        OPEN = "open"
        ANSWERED = "answered"
        LIVE = "live"  # answered in the session

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    number = models.PositiveBigIntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="chat_messages"
    )
    client_id = models.UUIDField()
    text = models.TextField(help_text="Markdown as typed")
    html = models.TextField(help_text="Rendered and sanitized once, when it was sent")
    created_at = models.DateTimeField(auto_now_add=True)
    thread = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="replies")
    reply_count = models.PositiveIntegerField(default=0)
    asked = models.CharField(max_length=10, choices=Asked.choices, blank=True)
    answer = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    votes = models.PositiveIntegerField(default=0)
    reactions = models.JSONField(default=dict, blank=True, help_text='{"👍": 3}, counted from Reaction')
    pinned_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "number"], name="message_number_once_per_room"),
            models.UniqueConstraint(fields=["author", "client_id"], name="message_once_per_client_id"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["room", "asked"]),
            models.Index(fields=["thread", "number"]),
            # Few of very many: the strip above a room is read whenever one is opened.
            models.Index(fields=["room"], condition=models.Q(pinned_at__isnull=False), name="pinned_in_room"),
        ]

    def __str__(self) -> str:
        return f"{self.room} #{self.number}"


class Change(models.Model):
    """Something about a message changed; what, is to be seen in the message itself."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="changes")
    number = models.PositiveBigIntegerField()
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="changes")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["room", "number"], name="change_number_once_per_room")]

    def __str__(self) -> str:
        return f"{self.room_id} #{self.number}"


class Revision(models.Model):
    """The text of a message before it was edited."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    replaced_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["replaced_at"]

    def __str__(self) -> str:
        return f"{self.message} before {self.replaced_at}"


class Reaction(models.Model):
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reaction_rows")
    # Without a user: of somebody who left. It counts on.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    emoji = models.CharField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "user", "emoji"], name="one_reaction_of_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.emoji} {self.message}"


class Vote(models.Model):
    """Somebody wants a question answered, too."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="vote_rows")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)  # None: somebody who left

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "user"], name="one_vote_each")]

    def __str__(self) -> str:
        return f"{self.user}: {self.message}"


class ReadMark(models.Model):
    """How far a member has read in a room, on whichever device they got furthest."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="read_marks")
    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    number = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "room"], name="one_read_mark_per_room")]

    def __str__(self) -> str:
        return f"{self.user} in {self.room_id}: {self.number}"


class Follow(models.Model):
    """How much a member wants to hear of a room, or of one thread in it."""

    class Level(models.TextChoices):
        ALL = "all"
        MINE = "mine"  # mentions of me, replies and answers to me
        NONE = "none"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    thread = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="followers")
    level = models.CharField(max_length=5, choices=Level.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "room"], condition=models.Q(thread=None), name="one_follow_of_a_room"
            ),
            models.UniqueConstraint(
                fields=["user", "thread"], condition=models.Q(thread__isnull=False), name="one_follow_of_a_thread"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.level} of {self.room_id}"


class Notification(models.Model):
    """Something somebody wants to know: shown in the page until it is read, and mailed as they chose."""

    class Cause(models.TextChoices):
        QUESTION = "question"  # on one's paper
        ANSWER = "answer"  # to one's question
        MENTION = "mention"
        REPLY = "reply"  # in a thread one is in, or to one's message
        MESSAGE = "message"  # in a room one follows whole

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="notifications")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "message"], name="told_once_of_a_message")]
        indexes: ClassVar = [models.Index(fields=["user", "read_at"]), models.Index(fields=["mailed_at", "created_at"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.cause} {self.message_id}"


class MailChoice(models.Model):
    """When a member gets mail about what; without a row the defaults of the fields hold."""

    class When(models.TextChoices):
        AT_ONCE = "at once"
        HOURLY = "hourly"
        DAILY = "daily"  # in the morning of the member's zone
        NEVER = "never"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_choice")
    question = models.CharField(max_length=8, choices=When.choices, default=When.HOURLY)
    answer = models.CharField(max_length=8, choices=When.choices, default=When.AT_ONCE)
    mention = models.CharField(max_length=8, choices=When.choices, default=When.HOURLY)
    reply = models.CharField(max_length=8, choices=When.choices, default=When.DAILY)
    message = models.CharField(max_length=8, choices=When.choices, default=When.DAILY)
    # The organizers' announcements that go out by mail: at once or never.
    announcement = models.CharField(
        max_length=8, choices=When.choices, default=When.AT_ONCE, db_default=When.AT_ONCE.value
    )

    def __str__(self) -> str:
        return str(self.user)


class InboundMail(models.Model):
    """A reply by mail that was taken or refused; its id keeps a second delivery from being posted again."""

    mail_id = models.CharField(max_length=250, unique=True, help_text="The mail's Message-ID")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL)
    refused = models.CharField(max_length=200, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.mail_id


class Report(models.Model):
    """Somebody thinks that a message should not stand."""

    class State(models.TextChoices):
        OPEN = "open"
        ACTED = "acted"
        DISMISSED = "dismissed"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="reports_made"
    )
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["message", "reporter"], name="one_report_each")]

    def __str__(self) -> str:
        return f"{self.message}: {self.state}"


class Sanction(models.Model):
    """Somebody may not write (mute), or neither read nor write (ban), in one room or everywhere."""

    class Kind(models.TextChoices):
        MUTE = "mute"
        BAN = "ban"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sanctions")
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["user", "lifted_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.user}"


class BlockedWord(models.Model):
    class Effect(models.TextChoices):
        REFUSE = "refuse"  # the message is not taken
        REPORT = "report"  # it is, and moderators are told

    word = models.CharField(max_length=80, unique=True)
    effect = models.CharField(max_length=6, choices=Effect.choices, default=Effect.REFUSE)

    def __str__(self) -> str:
        return self.word


class ModerationAct(models.Model):
    """What a moderator did, about what and whom, and why: kept, and changed by nobody."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=30)
    room_key = models.CharField(max_length=200, blank=True)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    about = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.room_key}"
