"""What every request needs to know about its viewer, and what becomes of errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from http import HTTPStatus
from urllib.parse import urlencode

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django_htmx.http import HttpResponseClientRedirect

from miniconf.accounts.services import note_visit, user_of_bearer
from miniconf.live import BrokerDown
from miniconf.permissions import can_read_site, is_member
from miniconf.problems import CONTENT_TYPE, Problem, broker_down, problem_response, unauthorized
from miniconf.serving.remembered import remembered
from papers.models import Conference

API = "/api/"
# Answered without looking at the conference: they must work when the database does not.
HEALTH = ("/healthz", "/readyz", "/metrics")
# Open on members-only sites: the way in and how it looks, members' calendars, certificates and what ends their mails at
# their secret addresses, and the description of the API, which is the same on every site.
OPEN = (
    *("/accounts/", "/sign-in/", "/theme/", "/calendar/", "/mail/", "/certificates/", settings.STATIC_URL),
    *("/api/v1/openapi.json", "/api/v1/docs"),
)


class ViewerMiddleware:
    """Finds the conference once for each request (`request.conference`), notes members' visits, shows members-only
    sites to members only, and turns a `Problem` or a dead broker into a page or into problem JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in HEALTH:
            return self.get_response(request)
        request.conference = copy(remembered("conference", Conference.current))  # type: ignore[attr-defined]
        # Whoever has no session is not looked up: their pages are the same for everybody.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and is_member(request.user):
            note_visit(user=request.user)
        response = self._refusal(request) or self.get_response(request)
        if request.path.startswith(API) and response.status_code >= 400:
            return _as_problem(response)
        return response

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to whoever may not see this site; the same whether or not there is such a page."""
        conference: Conference = request.conference  # type: ignore[attr-defined]
        if not conference.members_only or request.path.startswith(OPEN) or can_read_site(request.user, conference):
            return None
        if request.path.startswith(API):
            try:
                if user_of_bearer(request) is not None:
                    return None
            except Problem as problem:
                return problem_response(problem)
            return problem_response(unauthorized("This conference is for its members: send a bearer token."))
        if request.path.startswith(settings.MEDIA_URL):
            return HttpResponse("Sign in to see this file.\n", status=401, content_type="text/plain; charset=utf-8")
        address = resolve_url(settings.LOGIN_URL)
        if request.method in ("GET", "HEAD") and not getattr(request, "htmx", False):
            address += "?" + urlencode({"next": request.get_full_path()})
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(address)
        return HttpResponseRedirect(address)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, BrokerDown | redis.ConnectionError | redis.TimeoutError):
            exception = broker_down()
        if not isinstance(exception, Problem):
            return None
        if request.path.startswith(API):
            return problem_response(exception)
        response = render(request, "site/problem.html", {"problem": exception}, status=exception.status)
        if exception.retry_after is not None:
            response["Retry-After"] = str(exception.retry_after)
        return response


def _as_problem(response: HttpResponse) -> HttpResponse:
    """Errors from outside the API's own handlers (no such path, wrong method) as problem JSON, headers kept."""
    if response.streaming or response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        return response
    details = {
        404: "There is nothing at this address; GET /api/v1/openapi.json describes what there is.",
        405: f"This address takes {response.headers.get('Allow', 'other methods')}.",
    }
    status = HTTPStatus(response.status_code)
    problem = problem_response(Problem(status.value, status.phrase, details.get(status.value, "")))
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            problem[name] = response.headers[name]
    problem.cookies = response.cookies
    return problem
