"""The HTTP API, version 1: /api/v1/, described by /api/v1/openapi.json and, for people, at /api/v1/docs."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer
from ninja.security import SessionAuth as NinjaSessionAuth
from ninja.utils import check_csrf
from redis import ConnectionError as RedisConnectionError
from redis import TimeoutError as RedisTimeoutError

from demos.api import router as demos
from miniconf.accounts.models import User
from miniconf.accounts.services import user_of_bearer
from miniconf.live import BrokerDown
from miniconf.problems import Problem, broker_down, problem_response
from papers.api import router as papers

log = logging.getLogger(__name__)


# --- Who asks --------------------------------------------------------------------------------------------------------


class BearerToken(HttpBearer):
    """A token from the profile page. A wrong one is refused, not passed over: Problem 401."""

    def __call__(self, request: HttpRequest) -> User | None:
        user = user_of_bearer(request)
        if user is not None:
            request.user = user
        return user

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return self(request)


class SessionAuth(NinjaSessionAuth):
    """The site's own pages: the session, and for unsafe methods the CSRF token in `X-CSRFToken`."""

    def __call__(self, request: HttpRequest) -> User | None:
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise Problem(403, "CSRF check failed", "Send the page's token as X-CSRFToken, or use a bearer token.")
        return request.user


def anonymous(request: HttpRequest) -> AnonymousUser:
    """Everybody else; what visitors may not do is refused by the operation itself."""
    return AnonymousUser()


# --- The API ---------------------------------------------------------------------------------------------------------

api = NinjaAPI(
    title="miniconf",
    version="1",
    description="Papers, demos and runs. Lists answer `items` and `count`, and take `limit` and `offset`. "
    "Errors are problem JSON (RFC 9457).",
    urls_namespace="api",
    docs_url=None,
    auth=[BearerToken(), SessionAuth(), anonymous],
)
api.add_router("", papers)
api.add_router("", demos)


# --- Errors ----------------------------------------------------------------------------------------------------------


@api.exception_handler(Problem)
def on_problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem_response(error)


@api.exception_handler(BrokerDown)
@api.exception_handler(RedisConnectionError)
@api.exception_handler(RedisTimeoutError)
def on_broker_down(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem_response(broker_down())


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """422 with one entry for each field: where it is, its name, and what was expected of it."""
    errors = [_field_error(item) for item in error.errors]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors[:5])
    return problem_response(Problem(422, "Invalid request", detail, extra={"errors": errors}))


def _field_error(item: dict[str, Any]) -> dict[str, Any]:
    """Pydantic's error, without the wrong value itself. `loc` starts with body, query or path."""
    place = item["loc"][0]
    # Ninja puts the parameter's Python name after "body"; it is no part of what was sent.
    loc = [place, *item["loc"][2 if place == "body" and len(item["loc"]) > 1 else 1 :]]
    message = "is not a known field" if item["type"] == "extra_forbidden" else item["msg"]
    return {"loc": loc, "field": ".".join(str(part) for part in loc[1:]) or place, "message": message}


@api.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_response(Problem(404, "Not found", str(error)))


@api.exception_handler(RequestDataTooBig)
def on_too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem_response(Problem(413, "Body too large", "A request's body may have one million bytes at most."))


@api.exception_handler(HttpError)
def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400:
        return problem_response(Problem(400, "Malformed body", "The body is not valid JSON."))
    return problem_response(Problem(error.status_code, str(error)))


@api.exception_handler(Exception)
def on_bug(request: HttpRequest, error: Exception) -> HttpResponse:
    """Nothing of the error is told; it is in the log."""
    log.error("error in %s %s", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)
    return problem_response(Problem(500, "Internal error", "Something went wrong here; it has been logged."))
