"""Signing in: by e-mailed code, by printed link, by token; and taking all of it back."""

import re

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from miniconf.accounts import services
from miniconf.accounts.models import ApiToken, User
from papers.models import Conference

pytestmark = pytest.mark.django_db

EMAIL = "somebody@example.org"


@pytest.fixture
def user():
    return User.objects.create_user(EMAIL, name="Somebody")


def code_for(client, email):
    """Ask for a code and read it from the mail; None when none was sent."""
    mail.outbox.clear()
    answer = client.post("/accounts/login/", {"login": email, "email": email}, follow=True)
    assert answer.status_code == 200
    if not mail.outbox:
        return None
    assert mail.outbox[0].to == [email]
    found = re.search(r"^\s*([A-Z0-9]{3,8}(?:-[A-Z0-9]{2,8})?)\s*$", mail.outbox[0].body, re.MULTILINE)
    return found and found[1]


def signed_in(client):
    return "_auth_user_id" in client.session


def test_a_code_from_the_mail_signs_in(user):
    client = Client()
    code = code_for(client, EMAIL)
    assert code
    client.post("/accounts/login/code/confirm/", {"code": code})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_code_does_not(user):
    client = Client()
    assert code_for(client, EMAIL)
    client.post("/accounts/login/code/confirm/", {"code": "WRONG1"})
    assert not signed_in(client)


def test_the_first_code_makes_the_account():
    client = Client()
    code = code_for(client, "new@example.org")
    client.post("/accounts/login/code/confirm/", {"code": code})
    assert signed_in(client)
    assert User.objects.get(email="new@example.org").display_name.startswith("Guest ")


def test_a_closed_site_makes_no_account_and_does_not_say_so():
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"open_registration": False})
    client = Client()
    assert code_for(client, "new@example.org") is None
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_printed_link_signs_in_until_everything_is_signed_out(user):
    link = services.sign_in_link(user=user)
    path = "/" + link.split("/", 3)[3]
    client = Client()
    assert client.get(path).status_code == 302
    assert signed_in(client)
    services.sign_out_everywhere(user=user)
    fresh = Client()
    assert fresh.get(path).status_code == 403
    assert not signed_in(fresh)
    assert client.get("/profile/").status_code == 302  # the session has ended, too


@pytest.mark.parametrize("token", ["nonsense", "WzEsIngiXQ:1abc:def"])
def test_a_broken_link_signs_nobody_in(user, token):
    client = Client()
    assert client.get(f"/sign-in/{token}/").status_code == 403
    assert not signed_in(client)


def test_create_token_prints_a_token_that_works_and_is_not_stored(user, capsys):
    call_command("create_token", EMAIL)
    text = capsys.readouterr().out.strip().splitlines()[-1]
    assert ApiToken.objects.get().user == user
    assert text not in str(ApiToken.objects.values_list())
    answer = Client().get("/api/v1/papers", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("command", ["create_token", "sign_in_link"])
def test_commands_name_an_unknown_address(command):
    with pytest.raises(CommandError, match=r"nobody@example\.org"):
        call_command(command, "nobody@example.org")


def test_a_revoked_token_is_refused(user):
    token, text = ApiToken.issue(user, "old")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/profile/tokens/{token.pk}/revoke/").status_code == 302
    answer = Client().get("/api/v1/papers", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 401


def test_nobody_revokes_the_tokens_of_others(user):
    token, _ = ApiToken.issue(user, "mine")
    other = User.objects.create_user("other@example.org")
    client = Client()
    client.force_login(other, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(f"/profile/tokens/{token.pk}/revoke/")
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_unsafe_api_calls_by_session_need_the_csrf_token(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/api/v1/demos/x/runs", {"inputs": {}}, content_type="application/json")
    assert answer.status_code == 403
