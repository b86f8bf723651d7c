"""Addresses of people and their accounts. Of allauth's pages only those that sign in by code: there are no passwords.
Ways out to other providers and back are in `sso`."""

from allauth.account import views as allauth
from django.urls import URLPattern, path
from django.views.generic import RedirectView

from . import views
from .sso import views as sso

# The one way in, under each name by which allauth knows it.
_sign_in = RedirectView.as_view(pattern_name="account_login", query_string=True)

urlpatterns: list[URLPattern] = [
    path("accounts/login/", allauth.request_login_code, name="account_login"),
    path("accounts/login/code/", _sign_in, name="account_request_login_code"),
    path("accounts/signup/", _sign_in, name="account_signup"),
    path("accounts/confirm-email/", _sign_in, name="account_email_verification_sent"),
    path("accounts/login/code/confirm/", allauth.confirm_login_code, name="account_confirm_login_code"),
    path("accounts/logout/", allauth.logout, name="account_logout"),
    path("accounts/inactive/", allauth.account_inactive, name="account_inactive"),
    path("accounts/with/<slug:provider>/", sso.begin, name="sso_begin"),
    path("accounts/with/<slug:provider>/callback/", sso.callback, name="sso_callback"),
    path("accounts/forget-identity/", sso.forget_pending, name="sso_forget_pending"),
    path("profile/", views.profile, name="profile"),
    path("profile/tokens/", views.create_token, name="create_token"),
    path("profile/tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
    path("profile/identities/<int:pk>/disconnect/", sso.disconnect, name="sso_disconnect"),
    path("profile/sign-out-everywhere/", views.sign_out_everywhere, name="sign_out_everywhere"),
    path("sign-in/<str:token>/", views.sign_in_by_link, name="sign_in_by_link"),
]
