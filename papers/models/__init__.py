"""All models of the programme, by what they are about."""

from .edits import Edit, Upload
from .imports import Import, ImportChange
from .personal import Bookmark, Seat, SentReminder, Visit
from .programme import (
    Announcement,
    Authorship,
    Conference,
    Event,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Session,
    Sponsor,
    Track,
)
from .similarity import PaperVector, SimilarPaper

__all__ = [
    "Announcement",
    "Authorship",
    "Bookmark",
    "Conference",
    "Edit",
    "Event",
    "Import",
    "ImportChange",
    "Keyword",
    "Page",
    "Paper",
    "PaperVector",
    "Person",
    "Presentation",
    "Seat",
    "SentReminder",
    "Session",
    "SimilarPaper",
    "Sponsor",
    "Track",
    "Upload",
    "Visit",
]
