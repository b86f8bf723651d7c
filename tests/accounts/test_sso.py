"""Signing in with an account elsewhere, against a real issuer over HTTP: what opens an account, and what must not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client

from miniconf.accounts.models import User
from miniconf.accounts.sso.adapter import SignInAdapter
from miniconf.accounts.sso.configured import SignInProvider, providers_from
from miniconf.environment import Environment
from miniconf.outgoing import guarded_session
from miniconf.people.models import AdmissionRule, Invitation
from miniconf.personal_data import data_of, forget
from papers.models import Conference
from tests.accounts.oidc_issuer import CLIENT, SECRET, Issuer, rsa_key, signed
from tests.accounts.test_sign_in import code_for, signed_in

pytestmark = pytest.mark.django_db

JANE = {"sub": "248289", "name": "Jane Doe", "email": "jane@example.org", "email_verified": True}


@pytest.fixture
def issuer(settings) -> Iterator[Issuer]:
    with Issuer(person=dict(JANE)) as running:
        settings.SIGN_IN_PROVIDERS = [SignInProvider("uni", "University", CLIENT, SECRET, running.url)]
        yield running


def leave(client: Client, provider: str = "uni", **data: str) -> str:
    """Press the button; returns the address that the browser is sent to."""
    answer = client.post(f"/accounts/with/{provider}/", data)
    assert answer.status_code == 200, answer.content
    seconds, _, address = answer["Refresh"].partition("; url=")
    assert seconds == "0"
    return address


def consent(address: str) -> str:
    """What the issuer makes of it: the path and query with which the browser comes back."""
    back = urlsplit(httpx.get(address).headers["Location"])
    return f"{back.path}?{back.query}"


def go(client: Client, **data: str) -> HttpResponse:
    return client.get(consent(leave(client, **data)))


def type_in_code(client: Client, email: str) -> None:
    client.post("/accounts/login/code/confirm/", {"code": code_for(client, email)})


def signed_in_client(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


# --- Whose account it opens --------------------------------------------------------------------------------------------


def test_a_verified_address_makes_an_account_and_signs_in_again(issuer):
    client = Client()
    answer = go(client, next="/schedule/")
    assert (answer.status_code, answer["Location"]) == (302, "/schedule/")
    user = User.objects.get()
    assert (user.email, user.name, signed_in(client)) == ("jane@example.org", "Jane Doe", True)
    assert EmailAddress.objects.get().verified
    assert SocialAccount.objects.get().extra_data == {"name": "Jane Doe"}
    assert not SocialToken.objects.exists()

    again = Client()
    issuer.person = {"sub": JANE["sub"]}  # known by what they are there, whatever else is told
    go(again)
    assert again.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1


def test_a_verified_address_signs_in_to_the_account_that_has_it_and_its_owner_is_told(issuer):
    user = User.objects.create_user("jane@example.org", name="J. Doe")
    client = Client()
    go(client)
    assert client.session["_auth_user_id"] == str(user.pk)
    user.refresh_from_db()
    assert user.name == "J. Doe"
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["jane@example.org"], "University now signs in to your account")
    ]


@pytest.mark.parametrize("verified", [False, None, "false", 0, 1, "yes", ["true"]])
def test_an_unverified_address_never_opens_the_account_that_has_it(issuer, verified):
    User.objects.create_user("jane@example.org", name="Jane")
    issuer.person["email_verified"] = verified
    client = Client()
    answer = go(client)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()
    assert not EmailAddress.objects.filter(verified=True).exists()


def test_an_operator_may_trust_no_address_of_an_issuer(issuer, settings):
    settings.SIGN_IN_PROVIDERS = [SignInProvider("uni", "University", CLIENT, SECRET, issuer.url, trusts_email=False)]
    User.objects.create_user("jane@example.org", name="Jane")
    client = Client()
    go(client)
    assert not signed_in(client)


def test_an_identity_without_an_address_is_connected_by_a_code_typed_in_once(issuer):
    issuer.person = {"sub": "0000-0002-1825-0097", "name": "Josiah Carberry"}
    client = Client()
    page = client.get(go(client, next="/schedule/")["Location"]).content.decode()
    assert "University knows you as <strong>Josiah Carberry</strong>" in page
    assert 'name="next" value="/schedule/"' in page
    type_in_code(client, "josiah@example.org")
    user = User.objects.get(email="josiah@example.org")
    assert (user.name, SocialAccount.objects.get().user) == ("Josiah Carberry", user)
    again = Client()
    go(again)
    assert again.session["_auth_user_id"] == str(user.pk)


def test_an_identity_that_waits_is_forgotten_on_request_and_after_a_quarter_of_an_hour(issuer, time_machine):
    del issuer.person["email"]
    client = Client()
    go(client)
    client.post("/accounts/forget-identity/")
    type_in_code(client, "other@example.org")
    assert signed_in(client)
    late = Client()
    go(late)
    time_machine.move_to(time.time() + 16 * 60)
    type_in_code(late, "late@example.org")
    assert signed_in(late)
    assert not SocialAccount.objects.exists()


def test_an_account_that_was_switched_off_stays_so(issuer):
    User.objects.create_user("jane@example.org", is_active=False)
    client = Client()
    assert go(client)["Location"] == "/accounts/inactive/"
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


def test_an_identity_of_an_account_that_is_switched_off_later_signs_nobody_in(issuer):
    go(Client())
    User.objects.update(is_active=False)
    client = Client()
    assert go(client)["Location"] == "/accounts/inactive/"
    assert not signed_in(client)


# --- Who is admitted ---------------------------------------------------------------------------------------------------


@pytest.fixture
def closed():
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"open_registration": False})


def test_a_closed_site_admits_nobody_new_by_a_provider(issuer, closed):
    client = Client()
    assert go(client)["Location"] == "/accounts/login/"
    assert not signed_in(client)
    assert not User.objects.exists()
    assert code_for(client, "jane@example.org") is None


@pytest.mark.parametrize("how", ["address", "domain", "invitation"])
def test_whom_the_lists_admit_comes_in_by_a_provider_too(issuer, closed, how):
    match how:
        case "invitation":
            Invitation.objects.create(email="jane@example.org", affiliation="Example University")
        case _:
            AdmissionRule.objects.create(pattern={"address": "jane@example.org", "domain": "@example.org"}[how])
    client = Client()
    go(client)
    assert signed_in(client)
    if how == "invitation":
        assert Invitation.objects.get().state == Invitation.State.ACCEPTED
        assert User.objects.get().affiliation == "Example University"


def test_an_unverified_address_on_the_list_admits_nobody(issuer, closed):
    AdmissionRule.objects.create(pattern="@example.org")
    issuer.person["email_verified"] = False
    client = Client()
    go(client)
    assert not signed_in(client)
    assert not User.objects.exists()


def test_somebody_invited_under_another_address_connects_by_a_code_to_that_one(issuer, closed):
    Invitation.objects.create(email="j.doe@work.example")
    client = Client()
    go(client)
    type_in_code(client, "j.doe@work.example")
    assert SocialAccount.objects.get().user.email == "j.doe@work.example"


# --- Tokens that are not what they should be ---------------------------------------------------------------------------


def refused(client: Client) -> bool:
    answer = go(client)
    return (
        answer.status_code == 401
        and "University did not sign you in" in answer.content.decode()
        and not signed_in(client)
        and not User.objects.exists()
        and not SocialAccount.objects.exists()
    )


FORGERIES = {
    "another key": lambda claims: signed(claims, "second"),
    "another key under another name": lambda claims: signed(claims, "second", kid="second"),
    "no signature": lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "first"}),
    "the client's secret": lambda claims: jwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": "first"}),
    "changed afterwards": lambda claims: _with_other_claims(signed(claims, "first"), {**claims, "sub": "admin"}),
    "no token": lambda claims: "",
    "rubbish": lambda claims: "a.b.c",
}


def _with_other_claims(token: str, claims: dict) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{jwt.encode(claims, rsa_key('first'), algorithm='RS256').split('.')[1]}.{signature}"


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_with_a_bad_signature_is_refused(issuer, forgery):
    issuer.sign = FORGERIES[forgery]
    assert refused(Client())


CLAIMS = {
    "another nonce": {"nonce": "guess"},
    "no nonce": {"nonce": None},
    "for another site": {"aud": "somebody else"},
    "for several sites, another one first": {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
    "of another issuer": {"iss": "https://accounts.google.com"},
    "too old": {"exp": int(time.time()) - 3600},
    "of the future": {"iat": int(time.time()) + 3600},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "a subject without end": {"sub": "7" * 1000},
}


@pytest.mark.parametrize("wrong", CLAIMS)
def test_a_token_with_wrong_claims_is_refused(issuer, wrong):
    def change(claims):
        claims.update(CLAIMS[wrong])
        for name in [name for name, value in claims.items() if value is None]:
            del claims[name]

    issuer.change_claims = change
    assert refused(Client())


def test_a_token_of_another_sign_in_is_refused(issuer):
    """Somebody got hold of a token that was meant for this site, and has it played back."""
    stolen: list[str] = []
    issuer.sign = lambda claims: stolen.append(signed(claims, "first")) or stolen[0]
    go(Client())
    User.objects.all().delete()
    assert refused(Client())


@pytest.mark.parametrize("what", ["issuer", "token_endpoint", "jwks_uri"])
def test_an_issuer_that_describes_another_or_nothing_is_refused(issuer, what):
    def change(config):
        if what == "issuer":
            config["issuer"] = "https://accounts.google.com"
        else:
            del config[what]

    issuer.change_config = change
    client = Client()
    assert client.post("/accounts/with/uni/").status_code == 401
    assert not signed_in(client)


def test_an_issuer_that_is_away_is_said(issuer):
    issuer.__exit__()
    answer = Client().post("/accounts/with/uni/")
    assert answer.status_code == 401
    assert "University did not sign you in" in answer.content.decode()


def test_what_is_told_about_somebody_else_is_left_out(issuer):
    """Userinfo counts only for the token's own subject."""
    issuer.change_claims = lambda claims: claims.pop("email")
    issuer.userinfo = {"sub": "somebody else", "email": "jane@example.org", "email_verified": True}
    client = Client()
    go(client)
    assert not signed_in(client)
    issuer.userinfo["sub"] = JANE["sub"]
    go(client)
    assert signed_in(client)


# --- The way there and back --------------------------------------------------------------------------------------------


def test_coming_back_in_another_browser_or_twice_signs_nobody_in(issuer):
    first, second = Client(), Client()
    back = consent(leave(first))
    assert second.get(back).status_code == 401
    assert not signed_in(second)
    assert first.get(back).status_code == 302
    first.post("/accounts/logout/")
    assert first.get(back).status_code == 401
    assert not signed_in(first)


def test_a_code_of_another_sign_in_is_refused(issuer):
    """Somebody puts the code of their own sign-in into another's address: their PKCE verifiers differ."""
    mine, theirs = Client(), Client()
    back = parse_qs(urlsplit(consent(leave(theirs))).query)
    state = parse_qs(urlsplit(leave(mine)).query)["state"][0]
    assert mine.get("/accounts/with/uni/callback/", {"code": back["code"][0], "state": state}).status_code == 401
    assert not signed_in(mine)


def test_whoever_says_no_there_is_back_at_the_door(issuer):
    client = Client()
    state = parse_qs(urlsplit(leave(client)).query)["state"][0]
    answer = client.get("/accounts/with/uni/callback/", {"error": "access_denied", "state": state}, follow=True)
    assert "You did not sign in with University" in answer.content.decode()


def test_the_way_out_needs_the_token_and_a_post(issuer):
    assert Client(enforce_csrf_checks=True).post("/accounts/with/uni/").status_code == 403
    assert Client().get("/accounts/with/uni/").status_code == 405
    assert Client().post("/accounts/with/github/").status_code == 404


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_way_back_leads_to_this_site_only(issuer, address):
    answer = go(Client(), next=address)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_where_people_are_sent_back_to_is_not_taken_from_the_request(issuer, settings):
    settings.ALLOWED_HOSTS = ["*"]
    answer = Client().post("/accounts/with/uni/", headers={"host": "evil.example"})
    back = parse_qs(urlsplit(answer["Refresh"].partition("url=")[2]).query)["redirect_uri"]
    assert back == [f"{settings.SITE_URL}/accounts/with/uni/callback/"]


def test_the_buttons_are_on_the_page_only_where_there_is_something_behind_them(issuer, settings):
    assert "Sign in with University" in Client().get("/accounts/login/").content.decode()
    settings.SIGN_IN_PROVIDERS = []
    assert "account that you have elsewhere" not in Client().get("/accounts/login/").content.decode()


# --- Connecting and disconnecting --------------------------------------------------------------------------------------


def test_connecting_on_the_profile_page_needs_no_address_and_is_told(issuer):
    del issuer.person["email"]
    user = User.objects.create_user("me@example.org", name="Me")
    client = signed_in_client(user)
    assert go(client)["Location"] == "/profile/#identities"
    assert SocialAccount.objects.get().user == user
    assert mail.outbox[0].to == ["me@example.org"]
    page = client.get("/profile/").content.decode()
    assert "<strong>University</strong> Jane Doe" in page
    client.post(f"/profile/identities/{SocialAccount.objects.get().pk}/disconnect/")
    assert not SocialAccount.objects.exists()


def test_an_identity_opens_one_account_only(issuer):
    go(Client())
    other = User.objects.create_user("other@example.org", name="Other")
    client = signed_in_client(other)
    answer = client.get(go(client)["Location"])
    assert "signs in to another account here" in answer.content.decode()
    assert SocialAccount.objects.get().user.email == "jane@example.org"


def test_nobody_disconnects_the_identities_of_others(issuer):
    go(Client())
    client = signed_in_client(User.objects.create_user("other@example.org"))
    assert client.post(f"/profile/identities/{SocialAccount.objects.get().pk}/disconnect/").status_code == 404
    assert SocialAccount.objects.exists()


def test_identities_are_in_what_is_kept_about_somebody_and_are_forgotten_with_them(issuer):
    go(Client())
    user = User.objects.get()
    (told,) = data_of(user)["account"]["identities"]
    assert (told["provider"], told["id"], told["name"]) == ("uni", "248289", "Jane Doe")
    forget(user)
    assert not SocialAccount.objects.exists()


# --- Google and GitHub -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "hosted", "vouched"),
    [("a@gmail.com", None, True), ("a@work.example", "work.example", True), ("a@work.example", None, False)],
)
def test_google_answers_for_its_own_addresses_only(email, hosted, vouched, settings):
    settings.SIGN_IN_PROVIDERS = [SignInProvider("google", "Google", "id", "x", "https://accounts.google.com")]
    google = SignInAdapter().get_provider(None, "google")
    claims = {"sub": "1", "email": email, "email_verified": True, **({"hd": hosted} if hosted else {})}
    assert [row.verified for row in google.extract_email_addresses(claims)] == [vouched]


@pytest.mark.parametrize("verified", [True, False])
def test_github_signs_in_by_its_primary_address_where_that_is_verified(settings, github, verified):
    rows = [
        {"email": "octocat@example.org", "primary": True, "verified": verified},
        {"email": "boss@example.org", "primary": False, "verified": True},
    ]
    github.update({"/user": {"id": 7, "login": "octocat", "name": "Octo Cat", "email": "public@example.org"}})
    github["/user/emails"] = rows
    client = Client()
    back = parse_qs(urlsplit(leave(client, "github")).query)
    assert "code_challenge" in back
    client.get("/accounts/with/github/callback/", {"code": "x", "state": back["state"][0]})
    assert signed_in(client) == verified
    assert [user.email for user in User.objects.all()] == (["octocat@example.org"] if verified else [])
    if verified:
        assert SocialAccount.objects.get().extra_data == {"name": "octocat"}


@pytest.fixture
def github(settings, monkeypatch) -> Iterator[dict]:
    """GitHub's API as far as it is asked, over HTTP."""
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    from miniconf.accounts.sso.github import GitHubAdapter

    answers: dict = {"/token": {"access_token": "opaque", "token_type": "bearer"}}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(answers[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, path in {"access_token_url": "/token", "profile_url": "/user", "emails_url": "/user/emails"}.items():
        monkeypatch.setattr(GitHubAdapter, name, url + path)
    monkeypatch.setattr(
        SignInAdapter, "get_requests_session", lambda self: guarded_session(trusted_hosts=["127.0.0.1"])
    )
    settings.SIGN_IN_PROVIDERS = [SignInProvider("github", "GitHub", "id", "secret")]
    yield answers
    server.shutdown()
    server.server_close()


# --- What the operator sets --------------------------------------------------------------------------------------------


def configured(monkeypatch, **variables: str) -> list[SignInProvider]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return providers_from(Environment())


def test_providers_come_from_the_environment(monkeypatch):
    found = configured(
        monkeypatch,
        ORCID_CLIENT_ID="APP-1", ORCID_CLIENT_SECRET="a", GITHUB_CLIENT_ID="gh", GITHUB_CLIENT_SECRET="b",
        OIDC_ISSUERS="uni-bonn=https://id.uni.example/realms/all", OIDC_UNI_BONN_CLIENT_ID="conf",
        OIDC_UNI_BONN_CLIENT_SECRET="c", OIDC_UNI_BONN_LABEL="University of Bonn", OIDC_UNI_BONN_TRUST_EMAIL="0",
    )  # fmt: skip
    assert found == [
        SignInProvider("orcid", "ORCID", "APP-1", "a", "https://orcid.org"),
        SignInProvider("github", "GitHub", "gh", "b", ""),
        SignInProvider(
            "uni-bonn", "University of Bonn", "conf", "c", "https://id.uni.example/realms/all", trusts_email=False
        ),
    ]
    assert "'c'" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"GOOGLE_CLIENT_ID": "x"}, "GOOGLE_CLIENT_SECRET"),
        ({"OIDC_ISSUERS": "uni=https://id.uni.example"}, "OIDC_UNI_CLIENT_ID is not set"),
        ({"OIDC_ISSUERS": "uni=http://id.uni.example", "OIDC_UNI_CLIENT_ID": "x"}, "begins with https://"),
        ({"OIDC_ISSUERS": "google=https://evil.example"}, "is no name"),
        ({"OIDC_ISSUERS": "a/b=https://id.uni.example"}, "is no name"),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(monkeypatch, variables, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        configured(monkeypatch, **variables)
