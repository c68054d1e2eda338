"""``POST /oauth/token`` (RFC 6749 section 4.4), the tokens it gives, and HTTP basic with the same client."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from auth_kit import NOON_S, Ticks, ask, basic, refused_rows, statements, status_of
from databases import NOON
from flask import Flask
from flask.testing import FlaskClient
from jose import jwt as jose_jwt
from werkzeug.test import TestResponse

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.source_settings import SourceChange, change_source
from scim_bridge.directory.tables import SigningKey, Token
from scim_bridge.directory.tokens import CLIENT, new_token, public_id_of
from scim_bridge.scim.auth import Gate, token_blueprint
from scim_bridge.scim.blueprint import create_blueprint

FORM = {"grant_type": "client_credentials"}


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def gate(db: Database, ticks: Ticks) -> Gate:
    return Gate(db, monotonic=ticks, wrong_per_minute=3)


@pytest.fixture
def http(gate: Gate) -> FlaskClient:
    app = Flask("test")
    app.register_blueprint(create_blueprint(gate.db, wake=lambda: None, is_linked=lambda *_: False, gate=gate))
    app.register_blueprint(token_blueprint(gate))
    return app.test_client()


@pytest.fixture
def secret(db: Database) -> str:
    with db.write() as tx:
        source_id = sources.add_source(tx, name="entra", kind="entra", joins=True, now=NOON)
        return new_token(tx, source_id, now=NOON, kind=CLIENT)


def ask_token(http: FlaskClient, secret: str, **form: str) -> TestResponse:
    return http.post("/oauth/token", data={**FORM, "client_id": public_id_of(secret), "client_secret": secret, **form})


def is_error(answer: TestResponse, status: int, code: str) -> None:
    body: Any = answer.get_json()
    assert (answer.status_code, body["error"]) == (status, code)
    assert body["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_client_gets_a_token_of_an_hour_that_works(http: FlaskClient, gate: Gate, secret: str) -> None:
    answer = ask_token(http, secret)
    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    body: Any = answer.get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3_600)
    claims = jose_jwt.get_unverified_claims(body["access_token"])
    assert (claims["exp"], claims["sub"]) == (NOON_S + 3_600, public_id_of(secret))
    users = http.get("/scim/v2/Users", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert users.status_code == 200
    assert ask(gate, f"Bearer {body['access_token']}").name == "entra"


def test_a_client_may_prove_itself_in_the_header(http: FlaskClient, secret: str) -> None:
    header = {"Authorization": basic(public_id_of(secret), secret)}
    assert http.post("/oauth/token", data=FORM, headers=header).status_code == 200
    named = {**FORM, "client_id": public_id_of(secret)}
    assert http.post("/oauth/token", data=named, headers=header).status_code == 200


def test_a_scope_is_taken_and_the_one_that_holds_is_said(http: FlaskClient, secret: str) -> None:
    assert ask_token(http, secret, scope="anything").get_json()["scope"] == "scim"


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, 400, "invalid_request"),
        (FORM, 401, "invalid_client"),
        ({**FORM, "client_id": "0" * 16}, 401, "invalid_client"),
        ({**FORM, "client_id": "0" * 16, "client_secret": "x"}, 401, "invalid_client"),
        ({**FORM, "client_id": "0" * 16, "client_secret": f"scb-{'0' * 16}-{'0' * 64}"}, 401, "invalid_client"),
        ({**FORM, "client_id": "\ud7ff\x00", "client_secret": "\x00"}, 401, "invalid_client"),
    ],
)
def test_wrong_requests(http: FlaskClient, form: dict[str, Any], status: int, code: str) -> None:
    answer = http.post("/oauth/token", data=form, content_type="application/x-www-form-urlencoded")
    is_error(answer, status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic ?", "Basic YWJj", "Basic /w==", "Basic YTo=", "x", "Basic " + "A" * 8_000]
)
def test_a_header_that_names_no_client_is_refused(http: FlaskClient, header: str) -> None:
    is_error(http.post("/oauth/token", data=FORM, headers={"Authorization": header}), 401, "invalid_client")


def test_a_client_that_proves_itself_twice_is_refused(http: FlaskClient, secret: str) -> None:
    header = {"Authorization": basic(public_id_of(secret), secret)}
    twice = {**FORM, "client_secret": secret}
    is_error(http.post("/oauth/token", data=twice, headers=header), 400, "invalid_request")
    other = {**FORM, "client_id": "0" * 16}
    is_error(http.post("/oauth/token", data=other, headers=header), 400, "invalid_request")


def test_only_forms_of_a_sensible_size_are_read(http: FlaskClient) -> None:
    is_error(http.post("/oauth/token", json=FORM), 400, "invalid_request")
    is_error(http.post("/oauth/token", data={**FORM, "x": "a" * 20_000}), 413, "invalid_request")
    assert http.get("/oauth/token").status_code == 405


def test_a_bearer_token_is_no_clients_secret(http: FlaskClient, db: Database, secret: str) -> None:
    with db.write() as tx:
        token = new_token(tx, sources.source_id_of(tx, "entra"), now=NOON)
    is_error(ask_token(http, token), 401, "invalid_client")


def test_guesses_are_throttled_and_audited(http: FlaskClient, db: Database, secret: str) -> None:
    wrong = f"scb-{public_id_of(secret)}-{'0' * 64}"
    assert [ask_token(http, wrong).status_code for _ in range(4)] == [401, 401, 401, 429]
    answer = ask_token(http, wrong)
    is_error(answer, 429, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "20"
    assert refused_rows(db)[0]["subject"] == f"token:{public_id_of(secret)}"


def test_a_source_that_may_not_ask_gets_no_token(http: FlaskClient, db: Database, secret: str, ticks: Ticks) -> None:
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(networks=["10.0.0.0/8"]), now=NOON)
    is_error(ask_token(http, secret), 403, "unauthorized_client")
    with db.write() as tx:
        sources.disable(tx, "entra", now=NOON)
    ticks.now_s += 1
    is_error(ask_token(http, secret), 403, "unauthorized_client")


def test_revoking_the_client_ends_its_tokens_within_a_second(
    http: FlaskClient, gate: Gate, db: Database, secret: str, ticks: Ticks
) -> None:
    bearer = f"Bearer {ask_token(http, secret).get_json()['access_token']}"
    assert status_of(gate, bearer) == 200
    with db.write() as tx:
        sources.revoke(tx, "entra", public_id_of(secret), now=NOON)
    ticks.now_s += 1
    assert status_of(gate, bearer) == 401
    is_error(ask_token(http, secret), 401, "invalid_client")


def test_a_rotated_clients_tokens_end_with_it(http: FlaskClient, gate: Gate, db: Database, secret: str) -> None:
    bearer = f"Bearer {ask_token(http, secret).get_json()['access_token']}"
    with db.write() as tx:
        made = sources.rotate(tx, "entra", now=NOON, old_ends_after=timedelta(minutes=10), kind=CLIENT)
    assert status_of(gate, bearer) == 200
    assert ask_token(http, made.token).status_code == 200
    assert isinstance(db.clock, FrozenClock)
    db.clock.advance(minutes=10)
    assert status_of(gate, bearer) == 401


def test_a_token_ends_after_an_hour(http: FlaskClient, gate: Gate, db: Database, secret: str) -> None:
    bearer = f"Bearer {ask_token(http, secret).get_json()['access_token']}"
    assert isinstance(db.clock, FrozenClock)
    db.clock.advance(seconds=3_599)
    assert status_of(gate, bearer) == 200
    db.clock.advance(seconds=1)
    assert status_of(gate, bearer) == 401


def test_a_client_that_was_proven_here_is_no_header_there(http: FlaskClient, gate: Gate, secret: str) -> None:
    assert ask_token(http, secret).status_code == 200
    assert status_of(gate, f"{public_id_of(secret)}:{secret}") == 401


def test_a_known_token_costs_no_statement(http: FlaskClient, gate: Gate, db: Database, secret: str) -> None:
    bearer = f"Bearer {ask_token(http, secret).get_json()['access_token']}"
    ask(gate, bearer)
    with statements(db) as sent:
        ask(gate, bearer)
    assert sent == []


def test_every_process_of_a_database_takes_the_tokens(http: FlaskClient, db: Database, secret: str) -> None:
    bearer = f"Bearer {ask_token(http, secret).get_json()['access_token']}"
    other = Gate(db)
    assert status_of(other, bearer) == 200
    assert other.issued.issue(public_id_of(secret), NOON) != ""
    with db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(SigningKey)).scalar_one() == 1


def test_a_key_of_the_settings_is_used_and_none_is_stored(db: Database, secret: str) -> None:
    key = "-----BEGIN PUBLIC KEY-----" + "k" * 32
    bearer = f"Bearer {Gate(db, token_key=key).issued.issue(public_id_of(secret), NOON)}"
    assert status_of(Gate(db, token_key=key), bearer) == 200
    assert status_of(Gate(db, token_key="another" * 8), bearer) == 401
    assert status_of(Gate(db), bearer) == 401
    with db.read() as tx:
        assert tx.execute(sa.select(SigningKey)).all() == []


@pytest.mark.parametrize(
    ("claims", "algorithm"),
    [
        pytest.param({"aud": "other"}, "HS256", id="audience"),
        pytest.param({"sub": "0" * 16}, "HS256", id="nobody"),
        pytest.param({"sub": "\x00\ud800"}, "HS256", id="no-text-of-a-database"),
        pytest.param({"sub": 7}, "HS256", id="number"),
        pytest.param({"exp": NOON_S - 1}, "HS256", id="ended"),
        pytest.param({}, "HS512", id="algorithm"),
    ],
)
def test_wrong_claims_are_refused(db: Database, secret: str, claims: dict[str, Any], algorithm: str) -> None:
    key = "k" * 32
    usual = {"iss": "scim-bridge", "aud": "scim", "sub": public_id_of(secret), "exp": NOON_S + 60}
    gate = Gate(db, token_key=key)
    signed_by = hashlib.sha256(key.encode()).hexdigest()
    assert status_of(gate, f"Bearer {jose_jwt.encode({**usual}, signed_by, 'HS256')}") == 200
    assert status_of(gate, f"Bearer {jose_jwt.encode({**usual, **claims}, signed_by, algorithm)}") == 401


def test_the_clients_last_use_is_noted(http: FlaskClient, db: Database, secret: str) -> None:
    ask_token(http, secret)
    with db.read() as tx:
        assert tx.execute(sa.select(Token.last_used_at)).scalar_one() == NOON


def test_the_database_away_is_503(http: FlaskClient, db: Database, secret: str) -> None:
    with db.write() as tx:
        tx.execute(sa.text("ALTER TABLE tokens RENAME TO gone"))
    try:
        answer = ask_token(http, secret)
    finally:
        with db.write() as tx:
            tx.execute(sa.text("ALTER TABLE gone RENAME TO tokens"))
    if db.is_sqlite:  # which calls a missing table operational
        is_error(answer, 503, "temporarily_unavailable")
        assert answer.headers["Retry-After"] == "5"
    else:
        assert answer.status_code == 500


def test_basic_is_off_until_a_source_asks_for_it(gate: Gate, db: Database, secret: str, ticks: Ticks) -> None:
    header = basic(public_id_of(secret), secret)
    assert status_of(gate, header) == 401
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(takes_basic=True), now=NOON)
    assert ask(gate, header).name == "entra"
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(takes_basic=False), now=NOON)
    ticks.now_s += 1
    assert status_of(gate, header) == 401


@pytest.mark.parametrize(
    "change", [lambda i, s: (s, i), lambda i, s: ("", s), lambda i, s: (i, ""), lambda i, s: (i, s + "0")]
)
def test_nearly_a_client_is_refused(gate: Gate, db: Database, secret: str, change: Any) -> None:
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(takes_basic=True), now=NOON)
    assert status_of(gate, basic(*change(public_id_of(secret), secret))) == 401


def test_a_bearer_token_is_no_password(gate: Gate, db: Database, secret: str) -> None:
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(takes_basic=True), now=NOON)
        token = new_token(tx, sources.source_id_of(tx, "entra"), now=NOON)
    assert status_of(gate, basic(public_id_of(token), token)) == 401


def test_discovery_says_what_would_let_this_source_in(http: FlaskClient, db: Database, secret: str) -> None:
    def types() -> list[str]:
        header = {"Authorization": f"Bearer {ask_token(http, secret).get_json()['access_token']}"}
        body: Any = http.get("/scim/v2/ServiceProviderConfig", headers=header).get_json()
        assert [each["primary"] for each in body["authenticationSchemes"]].count(True) == 1
        return [each["type"] for each in body["authenticationSchemes"]]

    assert types() == ["oauthbearertoken", "oauth2"]
    tenant = "3f1c2a9e-0000-4000-8000-00000000000a"
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(takes_basic=True, tenant_id=tenant), now=NOON)
    assert types() == ["oauthbearertoken", "oauth2", "oauthbearertoken", "httpbasic"]
