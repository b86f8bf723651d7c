"""What the worker does about places at tables: mails to those who moved up, and the look for places that came free."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from celery import shared_task

from miniconf.mail import send_mail

from . import seats
from .models import Conference, Seat
from .zones import named_zone


@shared_task
def tell_of_place(seat_id: int) -> None:
    """Tell somebody that they moved up from the waiting list. Who has left meanwhile is not told."""
    seat = Seat.objects.filter(pk=seat_id, waiting=False).select_related("user", "event").first()
    if seat is None or not seat.user.is_active:
        return
    zone = named_zone(seat.user.timezone) or named_zone(Conference.current().timezone) or ZoneInfo("UTC")
    dates = [
        f"{date.starts_at.astimezone(zone):%A, %-d %B %Y, %H:%M} ({zone.key})" + (f", {date.room}" if date.room else "")
        for date in seats.dates_of(seat.event)[:20]
    ]
    send_mail(template="seat", to=seat.user.email, event=seat.event, name=seat.user.name, dates=dates)


@shared_task
def fill_free_seats() -> None:
    """An import or an edit may have given a table more places; people who left the site may have left some free."""
    seats.fill_free_seats()
