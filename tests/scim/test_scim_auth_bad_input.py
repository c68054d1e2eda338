"""Authorization headers that nobody should send: 401 with an Error body, never a 5xx, nothing kept."""

from __future__ import annotations

import base64

import pytest
from auth_kit import refused_rows
from flask import Flask

from scim_bridge.db import Database
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.blueprint import create_blueprint

RS256 = '{"alg":"RS256","kid":"k"}'
CLAIMS = '{"iss":"https://sts.windows.net/3f1c2a9e-0000-4000-8000-00000000000a/","exp":99999999999}'


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(header: str, claims: str, signature: str = "AAAA") -> str:
    return f"Bearer {part(header)}.{part(claims)}.{signature}"


HEADERS = [
    pytest.param("", id="empty"),
    pytest.param(" ", id="blank"),
    pytest.param("Bearer", id="scheme-alone"),
    pytest.param("Bearer ", id="scheme-and-blank"),
    pytest.param("Basic", id="basic-alone"),
    pytest.param("Basic ====", id="basic-padding"),
    pytest.param("Basic gICA", id="basic-no-utf-8"),
    pytest.param("Negotiate abc", id="another-scheme"),
    pytest.param("x" * 8_192, id="8-KiB-of-garbage"),
    pytest.param("Bearer " + "x" * 8_192, id="over-8-KiB"),
    pytest.param("Bearer " + "é" * 4_000, id="not-ascii"),
    pytest.param("Bearer tokén.tokén.tokén", id="jwt-not-ascii"),
    pytest.param("Bearer a, Bearer b", id="two-in-one"),
    pytest.param("Bearer a.b.c", id="jwt-no-json"),
    pytest.param("Bearer ....", id="dots"),
    pytest.param("Bearer a.b", id="two-parts"),
    pytest.param("Bearer a.b.c.d.e", id="encrypted"),
    pytest.param("Bearer AAAAA.AAAAA.AAAAA", id="base64-garbage"),
    pytest.param(jwt(RS256, CLAIMS, ""), id="no-signature"),
    pytest.param(jwt(RS256, CLAIMS), id="nobodys-tenant"),
    pytest.param(jwt(RS256, "[]"), id="claims-are-a-list"),
    pytest.param(jwt("7", CLAIMS), id="header-is-a-number"),
    pytest.param(jwt("{}", CLAIMS), id="header-without-algorithm"),
    pytest.param(jwt('{"alg":["RS256"]}', CLAIMS), id="algorithm-is-a-list"),
    pytest.param(jwt('{"alg":"RS256"', CLAIMS), id="header-is-cut"),
    pytest.param(jwt('{"alg":"RS256","kid":{}}', CLAIMS), id="kid-is-an-object"),
    pytest.param(jwt(RS256, '{"exp":NaN}'), id="nan"),
    pytest.param(jwt(RS256, '{"exp":1e999}'), id="infinite"),
    pytest.param(jwt(RS256, '{"exp":' + "9" * 5_000 + "}"), id="digits"),
    pytest.param(jwt(RS256, "[" * 5_900), id="deep"),
    pytest.param(jwt('{"alg":"RS256","x":' + "[" * 5_000, CLAIMS), id="deep-header"),
    pytest.param(jwt('{"alg":"RS256","jku":"' + "x" * 5_800 + '"}', CLAIMS), id="huge-header"),
    pytest.param(jwt(RS256, '{"iss":"scim-bridge"}'), id="ours-with-another-algorithm"),
    pytest.param(jwt('{"alg":"HS256"}', '{"iss":"scim-bridge"}'), id="ours-without-anything"),
    pytest.param(jwt('{"alg":"HS256"}', CLAIMS), id="theirs-with-our-algorithm"),
]


@pytest.mark.parametrize("header", HEADERS)
def test_bad_headers_are_401(db: Database, header: str) -> None:
    app = Flask("test")
    gate = Gate(db, wrong_per_minute=100)
    app.register_blueprint(create_blueprint(db, wake=lambda: None, is_linked=lambda *_: False, gate=gate))
    answer = app.test_client().get("/scim/v2/Users", headers={"Authorization": header})
    body = answer.get_json()
    assert (answer.status_code, body["status"]) == (401, "401"), body
    assert answer.mimetype == "application/scim+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert len(gate._proven._known) == 0
    assert all(len(str(row)) < 300 for row in refused_rows(db))


def test_two_headers_are_401(db: Database) -> None:
    app = Flask("test")
    app.register_blueprint(create_blueprint(db, wake=lambda: None, is_linked=lambda *_: False))
    twice = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
    assert app.test_client().get("/scim/v2/Users", headers=twice).status_code == 401
