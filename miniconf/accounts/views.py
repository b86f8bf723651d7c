"""Pages of one's own account. Signing in by code is allauth's; see templates/account."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from papers.models import Paper

from . import services
from .forms import ProfileForm, TokenForm
from .models import ApiToken, User
from .sso import identities


def next_address(request: HttpRequest) -> str:
    """Where to go on to; blank unless it is an address of this site."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else ""


def _profile_page(
    request: HttpRequest,
    *,
    form: ProfileForm | None = None,
    token_form: TokenForm | None = None,
    new_token: str = "",
    status: int = 200,
) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "form": form or ProfileForm(instance=User.objects.get(pk=user.pk)),
        "token_form": token_form or TokenForm(),
        "new_token": new_token,
        "tokens": user.api_tokens.order_by("-created_at"),
        "papers": Paper.objects.filter(Q(authors__user=user) | Q(representatives=user), withdrawn_at=None).distinct(),
        "next": next_address(request),
        "identities": identities.identities_of(user),
        "providers": settings.SIGN_IN_PROVIDERS,
        "site_url": settings.SITE_URL,
    }
    return render(request, "accounts/profile.html", context, status=status)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _profile_page(request)
    # A copy: the header goes on showing the saved name while the form shows a wrong one.
    form = ProfileForm(request.POST, instance=User.objects.get(pk=str(request.user.pk)))
    if not form.is_valid():
        return _profile_page(request, form=form, status=422)
    form.save()
    messages.success(request, "Your profile is saved.")
    return redirect(next_address(request) or "profile")


@never_cache
@login_required
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Shows the page with the new token on it; it is kept nowhere, so there is no page to redirect to."""
    user = cast(User, request.user)
    form = TokenForm(request.POST)
    if form.is_valid() and user.api_tokens.count() >= services.TOKENS_PER_PERSON:
        form.add_error(None, f"You have {services.TOKENS_PER_PERSON} tokens, which is the limit; revoke one first.")
    if not form.is_valid():
        return _profile_page(request, token_form=form, status=422)
    _, text = ApiToken.issue(user, form.cleaned_data["name"])
    return _profile_page(request, new_token=text)


@login_required
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user_id=request.user.pk)
    token.delete()
    messages.success(request, f"The token “{token.name}” is revoked; programs that use it are refused from now on.")
    return redirect("profile")


@login_required
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    services.sign_out_everywhere(user=cast(User, request.user))
    logout(request)
    messages.success(request, "You are signed out on all devices, and sign-in links made so far no longer work.")
    return redirect("account_login")


@never_cache
@require_GET
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a link that `manage.py sign_in_link` printed.

    It acts on GET, so that one click is enough. That is acceptable since such a link is printed in the operator's
    terminal or handed over by a person, not mailed by the site: no mail scanner follows it in advance, and a
    prefetch would only sign in the very browser that holds it. It may be used again until it expires, which a
    prefetch therefore does not spoil. What it opens is a session of that account and nothing more, and
    "sign out everywhere" takes it back.
    """
    try:
        user = services.user_of_link(token)
    except services.LinkInvalid:
        return render(request, "accounts/link_invalid.html", status=403)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect(next_address(request) or settings.LOGIN_REDIRECT_URL)
