"""The least a Django site can do for a day of the schedule, for `benchmarks.schedule`: one query for the sessions, one for
their first papers, a template of a dozen lines, and Django's own compression. Reads the database BENCH_DATABASE."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"init_command": "PRAGMA query_only=1"},
        }
    },
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="benchmark",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    USE_TZ=True,
)

SESSIONS = """select s.id, s.uid, s.title, s.kind, s.starts_at, s.ends_at, s.room, t.name
from papers_session s left join papers_track t on t.id = s.track_id
where s.withdrawn_at is null and s.in_schedule and s.starts_at >= %s and s.starts_at < %s
order by s.starts_at, s.ends_at, s.title limit 200"""
PAPERS = """select session_id, uid, title, count from (select p.session_id, a.uid, a.title,
row_number() over (partition by p.session_id order by p.position, p.id) as place,
count(*) over (partition by p.session_id) as count
from papers_presentation p join papers_paper a on a.id = p.paper_id
where p.session_id in ({}) and a.withdrawn_at is null) where place <= 2"""
TEMPLATE = """<!doctype html><title>Schedule</title><h1>{{ day }}</h1><ol>{% for s in sessions %}
<li class="{{ s.kind }}"><p>{{ s.starts_at|date:"H:i" }}–{{ s.ends_at|date:"H:i" }}</p>
<p><a href="/sessions/{{ s.uid }}/">{{ s.title }}</a></p><p>{{ s.kind }} {{ s.room }} {{ s.track }}</p>
<ul>{% for p in s.papers %}<li><a href="/papers/{{ p.uid }}/">{{ p.title }}</a></li>{% endfor %}</ul>
{% if s.count > 2 %}<p>{{ s.count }} papers</p>{% endif %}</li>{% endfor %}</ol>"""


def day(request: HttpRequest, date: str) -> HttpResponse:
    start = datetime.fromisoformat(date)
    sessions: dict[int, dict[str, Any]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [f"{start:%Y-%m-%d %H:%M:%S}", f"{start + timedelta(days=1):%Y-%m-%d %H:%M:%S}"])
        for pk, uid, title, kind, starts_at, ends_at, room, track in cursor.fetchall():
            times = {"starts_at": starts_at, "ends_at": ends_at}
            facts = {"uid": uid, "title": title, "kind": kind, "room": room, "track": track or ""}
            sessions[pk] = {**facts, **times, "papers": [], "count": 0}
        cursor.execute(PAPERS.format(",".join(map(str, sessions))))
        for pk, uid, title, count in cursor.fetchall():
            sessions[pk]["papers"].append({"uid": uid, "title": title})
            sessions[pk]["count"] = count
    return HttpResponse(_template().render({"day": date, "sessions": list(sessions.values())}))


@cache
def _template() -> Any:
    return engines["django"].from_string(TEMPLATE)


urlpatterns = [path("day/<str:date>/", day)]


def application() -> Any:
    from django.core.asgi import get_asgi_application

    return get_asgi_application()
