"""The programme: a conference, its papers and people, and when and where things take place.

All times are UTC; a zone is chosen at the edge, by the viewer. `uid`s come from the organizer's files and
keep their case. `source` names the import a row came from ("sample", "iclr2020", ...); rows made on the
site have none. `*_private` fields are shown to members only and stand in no export or API.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

EDITED_HELP = "Fields edited on the site, each with the value the source had then"


class Conference(models.Model):
    """The one conference of this site. `Conference.current()` is it."""

    name = models.CharField(max_length=120, default="miniconf")
    tagline = models.CharField(max_length=200, blank=True)
    about = models.TextField(blank=True, help_text="Markdown, shown on the home page")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default="UTC", help_text="IANA name of the conference's own zone")
    members_only = models.BooleanField(default=False, help_text="Nothing is shown before signing in")
    anonymous_runs = models.BooleanField(default=True, help_text="Visitors may run demos without signing in")
    open_registration = models.BooleanField(default=True, help_text="Anybody may make an account")
    approve_author_edits = models.BooleanField(
        default=False, help_text="What authors change on their papers waits for an organizer"
    )

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> Conference:
        """The site's conference; made with defaults on an empty site.

        There it gets a fixed key: reports and histories call it by that, and it stays the same when the transaction
        that made it (of a dry run, say) is taken back.
        """
        return cls.objects.order_by("pk").first() or cls.objects.get_or_create(pk=1)[0]


class Track(models.Model):
    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Keyword(models.Model):
    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """An author, speaker, organizer or host, with or without an account on this site."""

    slug = models.SlugField(max_length=120, unique=True, allow_unicode=True)
    name = models.CharField(max_length=200, db_index=True)
    affiliation = models.CharField(max_length=300, blank=True)
    biography = models.TextField(blank=True, help_text="Markdown")
    url = models.URLField(max_length=500, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="person"
    )
    email_private = models.EmailField(
        blank=True, help_text="Links the account that signs in with it; never shown, stands in no export"
    )
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)

    class Meta:
        verbose_name_plural = "people"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("person", args=[self.slug])


class Paper(models.Model):
    uid = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=500)
    abstract = models.TextField(blank=True, help_text="Plain text with LaTeX; line breaks count")
    tldr = models.CharField(max_length=600, blank=True)
    kind = models.CharField(max_length=60, blank=True, help_text='"Long", "Oral", "Demo", ... in the source\'s words')
    program = models.CharField(max_length=60, blank=True, help_text='"Main", "Findings", "Demonstrations", ...')
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="papers")
    event = models.ForeignKey(
        "Event", null=True, blank=True, on_delete=models.SET_NULL, related_name="papers", help_text="Its workshop"
    )
    keywords = models.ManyToManyField(Keyword, blank=True, related_name="papers")
    authors = models.ManyToManyField(Person, through="Authorship", related_name="papers")
    representatives = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="represented_papers",
        help_text="Accounts that act as author here without being one of the named authors",
    )
    links = models.JSONField(default=list, blank=True, help_text='[{"label": "PDF", "url": "https://..."}]')
    bibtex = models.TextField(blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    venue = models.CharField(max_length=200, blank=True)
    # The talk: a file below MEDIA_ROOT with WebVTT captions, or a page of YouTube, Vimeo, SlidesLive or Bilibili.
    video_file = models.CharField(max_length=300, blank=True)
    captions_file = models.CharField(max_length=300, blank=True)
    video_poster = models.CharField(max_length=300, blank=True)
    video_url = models.URLField(max_length=500, blank=True)
    # Further files below MEDIA_ROOT: a picture for cards, and two PDFs shown in the page.
    thumbnail_file = models.CharField(max_length=300, blank=True)
    poster_file = models.CharField(max_length=300, blank=True)
    slides_file = models.CharField(max_length=300, blank=True)
    thumbnail_url = models.URLField(max_length=500, blank=True)
    highlighted = models.BooleanField(default=False, help_text="Shown on the home page")
    map_x = models.FloatField(null=True, blank=True)
    map_y = models.FloatField(null=True, blank=True)
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["title", "uid"]
        indexes: ClassVar = [
            models.Index(fields=["title", "uid"], condition=models.Q(withdrawn_at=None), name="papers_by_title")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("paper", args=[self.uid])


class Authorship(models.Model):
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="authorships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="authorships")
    position = models.PositiveSmallIntegerField()
    equal_contribution = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["paper", "position"], name="one_author_per_position")]

    def __str__(self) -> str:
        return f"{self.person} ({self.position})"


class Event(models.Model):
    """Something with a page that is not a paper: a keynote, tutorial, workshop, social, mentoring table."""

    class Kind(models.TextChoices):
        KEYNOTE = "keynote"
        TUTORIAL = "tutorial"
        WORKSHOP = "workshop"
        SOCIAL = "social"
        MENTORING = "mentoring"
        PLENARY = "plenary"
        TALK = "talk"
        PANEL = "panel"
        OTHER = "other"

    uid = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.CharField(max_length=500)
    abstract = models.TextField(blank=True, help_text="Markdown")
    people = models.ManyToManyField(Person, blank=True, related_name="events")
    capacity = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Places at the table, if limited")
    seats_closed = models.BooleanField(default=False, help_text="Nobody new may sign up; who has a place keeps it")
    links = models.JSONField(default=list, blank=True)
    video_url = models.URLField(max_length=500, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    join_url_private = models.URLField(max_length=1000, blank=True, help_text="Where it meets at all its dates")
    join_note_private = models.CharField(max_length=300, blank=True, help_text="A passcode and the like")
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["kind", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("event", args=[self.uid])


class Session(models.Model):
    """A block of time in the schedule: a poster or oral session with papers, or one date of an event."""

    class Kind(models.TextChoices):
        POSTER = "poster"
        ORAL = "oral"
        QA = "qa"
        KEYNOTE = "keynote"
        TUTORIAL = "tutorial"
        WORKSHOP = "workshop"
        SOCIAL = "social"
        MENTORING = "mentoring"
        PLENARY = "plenary"
        SPONSOR = "sponsor"
        BREAK = "break"
        OTHER = "other"

    uid = models.CharField(max_length=160, unique=True)
    title = models.CharField(max_length=500)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.OTHER)
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions")
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.CASCADE, related_name="sessions")
    sponsor = models.ForeignKey("Sponsor", null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions")
    in_schedule = models.BooleanField(
        default=True, help_text="Off for an item of a workshop's own timetable, which its event's page shows"
    )
    description = models.TextField(blank=True, help_text="Markdown")
    chairs = models.ManyToManyField(Person, blank=True, related_name="chaired_sessions")
    papers = models.ManyToManyField(Paper, through="Presentation", related_name="sessions")
    room = models.CharField(max_length=200, blank=True)
    url = models.URLField(max_length=500, blank=True, help_text="A public page about it elsewhere")
    join_url_private = models.URLField(max_length=1000, blank=True)
    join_note_private = models.CharField(max_length=300, blank=True, help_text="A passcode and the like")
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["starts_at", "title"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(ends_at__gte=models.F("starts_at")), name="ends_after_start")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("session", args=[self.uid])


class Presentation(models.Model):
    """A paper in a session; its own times where the session's are not meant."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="presentations")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="presentations")
    position = models.PositiveSmallIntegerField(default=0)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    join_url_private = models.URLField(max_length=1000, blank=True)

    class Meta:
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["paper", "session"], name="once_per_session")]

    def __str__(self) -> str:
        return f"{self.paper} in {self.session}"


class Sponsor(models.Model):
    uid = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    level = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True, help_text="Markdown")
    url = models.URLField(max_length=500, blank=True)
    logo_url = models.URLField(max_length=500, blank=True)
    video_url = models.URLField(max_length=500, blank=True)
    links = models.JSONField(default=list, blank=True, help_text="Downloads and other addresses, as a paper's links")
    people = models.ManyToManyField(Person, blank=True, related_name="sponsors", help_text="Who can be met there")
    join_url_private = models.URLField(max_length=1000, blank=True)
    join_note_private = models.CharField(max_length=300, blank=True, help_text="A passcode and the like")
    position = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)

    class Meta:
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sponsor", args=[self.uid])


class Page(models.Model):
    """A free page in Markdown: help, code of conduct, about."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, help_text="Markdown")
    position = models.PositiveSmallIntegerField(default=0)
    source = models.CharField(max_length=60, blank=True, db_index=True)
    edited = models.JSONField(default=dict, blank=True, help_text=EDITED_HELP)

    class Meta:
        ordering: ClassVar = ["position", "title"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("page", args=[self.slug])


class Announcement(models.Model):
    """A notice of the organizers to everybody, or to the people of a track or a session (papers/audiences.py): on the home
    page, above every page while it is pinned, and by mail where `by_email`."""

    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, help_text="Markdown")
    pinned = models.BooleanField(default=False, help_text="Shown above every page")
    published_at = models.DateTimeField(db_index=True, help_text="Shown from then on")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="No longer shown from then on")
    # Both blank: everybody. It goes with its track or session: it must not become one to everybody.
    track = models.ForeignKey(Track, null=True, blank=True, on_delete=models.CASCADE, related_name="announcements")
    session = models.ForeignKey(Session, null=True, blank=True, on_delete=models.CASCADE, related_name="announcements")
    by_email = models.BooleanField(default=False, db_default=False, help_text="Mailed as well, once it is shown")
    mails_listed_at = models.DateTimeField(null=True, blank=True, help_text="When it was settled who gets the mail")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering: ClassVar = ["-published_at"]

    def __str__(self) -> str:
        return self.title
