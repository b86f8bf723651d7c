"""An OpenID Connect issuer on this machine, over HTTP and with signed tokens, that can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "conference", "the secret that this conference shares with its issuer"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Keys take a while to make: one for each name in a test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issuer:
    """`with Issuer() as issuer`: `issuer.url`; `person` is who is signed in there."""

    person: dict[str, Any] = field(default_factory=lambda: {"sub": "248289", "name": "Jane Doe"})
    userinfo: dict[str, Any] | None = None  # None: what is in the id_token
    change_claims: Callable[[dict[str, Any]], Any] = lambda claims: None
    sign: Callable[[dict[str, Any]], str] | None = None
    change_config: Callable[[dict[str, Any]], Any] = lambda config: None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Issuer:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"issuer": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def config(self) -> dict[str, Any]:
        config = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        self.change_config(config)
        return config

    def id_token(self, nonce: str) -> str:
        moment = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": moment, "exp": moment + 300, "nonce": nonce, **self.person,
        }  # fmt: skip
        self.change_claims(claims)
        return self.sign(claims) if self.sign else signed(claims, "first")


def signed(claims: dict[str, Any], key: str, *, kid: str = "first", algorithm: str = "RS256") -> str:
    return jwt.encode(claims, rsa_key(key), algorithm=algorithm, headers={"kid": kid})


class Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def log_message(self, *arguments: object) -> None:
        pass

    def answer(self, body: Any, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.issuer.asked.append(address.path)
        match address.path:
            case "/.well-known/openid-configuration":
                self.answer(self.issuer.config())
            case "/keys":
                key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key("first").public_key()))
                self.answer({"keys": [{**key, "kid": "first", "use": "sig", "alg": "RS256"}]})
            case "/authorize":
                assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
                assert query["code_challenge_method"] == "S256"
                assert "openid" in query["scope"].split()
                code = secrets.token_urlsafe(16)
                self.issuer.codes[code] = query
                self.send_response(302)
                back = urlencode({"code": code, "state": query["state"], "iss": self.issuer.url})
                self.send_header("Location", f"{query['redirect_uri']}?{back}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "/userinfo":
                info = self.issuer.person if self.issuer.userinfo is None else self.issuer.userinfo
                known = self.headers.get("Authorization") == "Bearer opaque"
                self.answer(info if known else {}, 200 if known else 401)
            case _:
                self.answer({}, 404)

    def do_POST(self) -> None:
        self.issuer.asked.append(self.path)
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        sent = {name: values[0] for name, values in form.items()}
        begun = self.issuer.codes.pop(sent.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        fits = (
            begun is not None
            and (sent.get("client_id"), sent.get("client_secret")) == (CLIENT, SECRET)
            and sent.get("redirect_uri") == begun["redirect_uri"]
            and challenge.decode().rstrip("=") == begun["code_challenge"]
        )
        if not fits or begun is None:
            self.answer({"error": "invalid_grant"}, 400)
            return
        token = self.issuer.id_token(begun.get("nonce", ""))
        self.answer({"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": token})
