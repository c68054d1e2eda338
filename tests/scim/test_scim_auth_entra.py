"""Entra's own JWT, sent where the secret token of an app is left empty: RS256, iss, aud, exp, nbf, published keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from auth_kit import ENTRA_APP, NOON_S, TENANT, KeyServer, SigningKeyPair, Ticks, ask, refused_rows, statements
from auth_kit import status_of as plain_status_of
from databases import NOON
from flask import Flask
from jose import jws

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.source_settings import SourceChange, change_source
from scim_bridge.directory.tables import Source
from scim_bridge.errors import Transient
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.blueprint import create_blueprint

OTHER_TENANT = "3f1c2a9e-0000-4000-8000-00000000000b"


@pytest.fixture(scope="module")
def pair() -> SigningKeyPair:
    return SigningKeyPair("key-1")


@pytest.fixture(scope="module")
def rolled() -> SigningKeyPair:
    return SigningKeyPair("key-2")


@pytest.fixture
def server(pair: SigningKeyPair) -> Iterator[KeyServer]:
    with KeyServer().running() as server:
        server.keys = [pair.published]
        yield server


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def gate(db: Database, server: KeyServer, ticks: Ticks) -> Gate:
    with db.write() as tx:
        sources.add_source(tx, name="entra", kind="entra", joins=True, now=NOON)
        change_source(tx, "entra", SourceChange(tenant_id=TENANT), now=NOON)
    return Gate(db, keys_url=server.url, monotonic=ticks, wrong_per_minute=1_000)


def status_of(gate: Gate, jwt: str) -> int:
    return plain_status_of(gate, f"Bearer {jwt}")


def test_it_names_the_source_of_its_tenant(gate: Gate, pair: SigningKeyPair, server: KeyServer) -> None:
    assert ask(gate, f"Bearer {pair.sign()}").name == "entra"
    assert server.asked == [f"/{TENANT}/keys"]


def test_it_may_be_for_several_audiences(gate: Gate, pair: SigningKeyPair) -> None:
    assert status_of(gate, pair.sign(aud=["https://other.example", ENTRA_APP])) == 200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"iss": f"https://sts.windows.net/{OTHER_TENANT}/"}, "tenant (iss)", id="another-tenant"),
        pytest.param({"iss": f"https://sts.windows.net/{TENANT}"}, "(iss)", id="issuer-without-slash"),
        pytest.param({"iss": f"https://evil.example/{TENANT}/"}, "(iss)", id="another-issuer"),
        pytest.param({"iss": None}, "(iss)", id="no-issuer"),
        pytest.param({"iss": ["https://sts.windows.net"]}, "(iss)", id="issuer-is-a-list"),
        pytest.param({"aud": "3f1c2a9e-0000-4000-8000-0000000000ff"}, "(aud)", id="another-app"),
        pytest.param({"aud": None}, "(aud)", id="no-audience"),
        pytest.param({"aud": []}, "(aud)", id="empty-audience"),
        pytest.param({"exp": NOON_S}, "(exp)", id="ends-just-now"),
        pytest.param({"exp": NOON_S - 3_600}, "(exp)", id="ended"),
        pytest.param({"exp": None}, "exp is no time", id="no-end"),
        pytest.param({"exp": True}, "exp is no time", id="end-is-true"),
        pytest.param({"exp": "later"}, "exp is no time", id="end-is-text"),
        pytest.param({"exp": 10**30}, "exp is no time", id="end-beyond-time"),
        pytest.param({"nbf": NOON_S + 300}, "(nbf)", id="not-yet"),
        pytest.param({"nbf": {}}, "nbf is no time", id="start-is-an-object"),
    ],
)
def test_wrong_claims_are_refused(
    gate: Gate, pair: SigningKeyPair, server: KeyServer, db: Database, claims: dict[str, Any], reason: str
) -> None:
    assert status_of(gate, pair.sign(**claims)) == 401
    assert reason in refused_rows(db)[0]["reason"]
    assert server.asked == []


def test_a_clock_that_is_seconds_ahead_is_forgiven(gate: Gate, pair: SigningKeyPair) -> None:
    assert status_of(gate, pair.sign(nbf=NOON_S + 20)) == 200


def test_no_signature_is_refused(gate: Gate, pair: SigningKeyPair) -> None:
    _head, claims, _signature = pair.sign().split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    assert status_of(gate, f"{none}.{claims}.") == 401
    assert status_of(gate, f"{none}.{claims}.AAAA") == 401


def test_the_public_key_as_a_shared_secret_is_refused(gate: Gate, pair: SigningKeyPair) -> None:
    claims = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": ENTRA_APP, "exp": NOON_S + 60}
    secret = pair.public_pem.replace("-----BEGIN PUBLIC KEY-----\n", "").replace("-----END PUBLIC KEY-----\n", "")
    assert status_of(gate, jws.sign(claims, secret, {"kid": "key-1"}, "HS256")) == 401


def test_another_algorithm_of_the_same_key_is_refused(gate: Gate, pair: SigningKeyPair) -> None:
    claims = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": ENTRA_APP, "exp": NOON_S + 60}
    assert status_of(gate, jws.sign(claims, pair.private_pem, {"kid": "key-1"}, "RS512")) == 401


def test_a_key_that_calls_itself_by_a_published_name_is_refused(gate: Gate) -> None:
    assert status_of(gate, SigningKeyPair("key-1").sign()) == 401


def test_changed_claims_are_refused(gate: Gate, pair: SigningKeyPair) -> None:
    head, _, signature = pair.sign().split(".")
    _, claims, _ = pair.sign(exp=NOON_S + 99_999).split(".")
    assert status_of(gate, f"{head}.{claims}.{signature}") == 401


def test_an_unknown_demand_is_refused(gate: Gate, pair: SigningKeyPair) -> None:
    claims = {"iss": f"https://sts.windows.net/{TENANT}/", "aud": ENTRA_APP, "exp": NOON_S + 60}
    headers = {"kid": "key-1", "crit": ["b64"], "b64": True}
    assert status_of(gate, jws.sign(claims, pair.private_pem, headers, "RS256")) == 401


def test_it_ends_while_it_is_known(gate: Gate, pair: SigningKeyPair, db: Database) -> None:
    jwt = pair.sign(exp=NOON_S + 60)
    assert status_of(gate, jwt) == 200
    assert isinstance(db.clock, FrozenClock)
    db.clock.advance(seconds=60)
    assert status_of(gate, jwt) == 401


def test_a_source_that_loses_its_tenant_refuses_within_a_second(
    gate: Gate, pair: SigningKeyPair, db: Database, ticks: Ticks
) -> None:
    jwt = pair.sign()
    assert status_of(gate, jwt) == 200
    with db.write() as tx:
        change_source(tx, "entra", SourceChange(tenant_id=None), now=NOON)
    ticks.now_s += 1
    assert status_of(gate, jwt) == 401


def test_the_signature_is_checked_once_and_a_known_jwt_costs_no_statement(
    gate: Gate, pair: SigningKeyPair, db: Database, server: KeyServer, ticks: Ticks
) -> None:
    jwt = pair.sign()
    ask(gate, f"Bearer {jwt}")
    server.keys = []
    with statements(db) as sent:
        assert status_of(gate, jwt) == 200
    assert sent == []
    ticks.now_s += 100_000  # its key is long unusable, its proof is not
    assert status_of(gate, jwt) == 200


def test_two_apps_of_a_tenant_are_told_apart_by_audience(gate: Gate, pair: SigningKeyPair, db: Database) -> None:
    with db.write() as tx:
        sources.add_source(tx, name="second", kind="entra", joins=True, now=NOON)
        change_source(tx, "second", SourceChange(tenant_id=TENANT, audience="app-2"), now=NOON)
    assert ask(gate, f"Bearer {pair.sign(aud='app-2')}").name == "second"
    assert ask(gate, f"Bearer {pair.sign()}").name == "entra"


def test_its_last_use_is_noted_at_the_source(gate: Gate, pair: SigningKeyPair, db: Database) -> None:
    gate.note_use(ask(gate, f"Bearer {pair.sign()}"), NOON)
    with db.read() as tx:
        assert tx.execute(sa.select(Source.tenant_used_at)).scalar_one() == NOON


def test_a_new_key_is_fetched_when_a_jwt_names_it(
    gate: Gate, pair: SigningKeyPair, rolled: SigningKeyPair, server: KeyServer, ticks: Ticks
) -> None:
    assert status_of(gate, pair.sign()) == 200
    server.keys.append(rolled.published)
    ticks.now_s += 60
    assert status_of(gate, rolled.sign()) == 200
    assert len(server.asked) == 2


def test_garbage_key_names_ask_once_a_minute(gate: Gate, pair: SigningKeyPair, server: KeyServer, ticks: Ticks) -> None:
    garbage = SigningKeyPair("garbage")
    for number in range(5):
        assert status_of(gate, garbage.sign(jti=str(number))) == 401
    assert len(server.asked) == 1
    ticks.now_s += 60
    assert status_of(gate, garbage.sign(jti="later")) == 401
    assert len(server.asked) == 2


def test_without_any_key_it_is_later_not_never(
    gate: Gate, pair: SigningKeyPair, server: KeyServer, ticks: Ticks
) -> None:
    server.status = 500
    for _ in range(2):
        with pytest.raises(Transient) as later:
            ask(gate, f"Bearer {pair.sign()}")
        assert later.value.retry_after_s == 60
    assert len(server.asked) == 1
    server.status = 200
    ticks.now_s += 60
    assert status_of(gate, pair.sign()) == 200


def test_old_keys_go_on_for_a_day_while_the_key_server_is_away(
    gate: Gate, pair: SigningKeyPair, rolled: SigningKeyPair, server: KeyServer, ticks: Ticks, db: Database
) -> None:
    assert status_of(gate, pair.sign()) == 200
    server.status = 500
    ticks.now_s += 86_399
    assert status_of(gate, pair.sign(jti="1")) == 200
    with pytest.raises(Transient):
        ask(gate, f"Bearer {rolled.sign()}")
    ticks.now_s += 1
    with pytest.raises(Transient):
        ask(gate, f"Bearer {pair.sign(jti='2')}")
    assert refused_rows(db) == []


def test_keys_are_looked_at_again_each_hour(gate: Gate, pair: SigningKeyPair, server: KeyServer, ticks: Ticks) -> None:
    assert status_of(gate, pair.sign()) == 200
    ticks.now_s += 3_600
    assert status_of(gate, pair.sign(jti="1")) == 200
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "published",
    [
        pytest.param([], id="none"),
        pytest.param([{"kty": "EC", "kid": "key-1", "use": "sig"}], id="elliptic"),
        pytest.param([{"kty": "RSA", "kid": "key-1", "use": "enc", "n": "AQAB", "e": "AQAB"}], id="for-encryption"),
        pytest.param([{"kty": "RSA", "kid": "key-1", "n": "?"}], id="broken"),
        pytest.param([{"kty": "RSA", "kid": 7, "n": "AQAB", "e": "AQAB"}], id="without-a-name"),
        pytest.param(["key-1"], id="text"),
    ],
)
def test_a_list_without_a_usable_key_is_no_answer(
    gate: Gate, pair: SigningKeyPair, server: KeyServer, published: list[Any]
) -> None:
    server.keys = published
    with pytest.raises(Transient):
        ask(gate, f"Bearer {pair.sign()}")


def test_many_at_once_ask_the_key_server_once(gate: Gate, pair: SigningKeyPair, server: KeyServer) -> None:
    server.may_answer.clear()
    start = threading.Barrier(5)

    def one(number: int) -> int:
        start.wait(10)
        return status_of(gate, pair.sign(jti=str(number)))

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(one, number) for number in range(4)]
        start.wait(10)
        server.may_answer.set()
        assert [answer.result(20) for answer in answers] == [200, 200, 200, 200]
    assert len(server.asked) == 1


def test_no_connection_is_held_while_the_key_server_is_asked(
    gate: Gate, pair: SigningKeyPair, server: KeyServer, db: Database
) -> None:
    with db.read():  # there is one now, and whoever reads takes it
        pass
    free, idle = db.idle_readers, list[int]()
    server.on_ask = lambda: idle.append(db.idle_readers)
    assert status_of(gate, pair.sign()) == 200
    assert idle == [free]


def test_keys_that_are_away_are_503_with_retry_after(gate: Gate, pair: SigningKeyPair, server: KeyServer) -> None:
    server.status = 500
    app = Flask("test")
    app.register_blueprint(create_blueprint(gate.db, wake=lambda: None, is_linked=lambda *_: False, gate=gate))
    answer = app.test_client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {pair.sign()}"})
    assert (answer.status_code, answer.headers["Retry-After"], answer.get_json()["status"]) == (503, "60", "503")


def test_a_tenant_ends_with_its_source(gate: Gate, pair: SigningKeyPair, db: Database) -> None:
    with db.write() as tx:
        sources.disable(tx, "entra", now=NOON + timedelta(seconds=1))
    assert status_of(gate, pair.sign()) == 403


def test_behind_a_guesser_a_new_one_passes_at_once(
    db: Database, server: KeyServer, ticks: Ticks, gate: Gate, pair: SigningKeyPair, rolled: SigningKeyPair
) -> None:
    strict = Gate(db, keys_url=server.url, monotonic=ticks, wrong_per_minute=2)
    forged = SigningKeyPair(pair.kid)
    assert [status_of(strict, forged.sign(nbf=NOON_S - number)) for number in range(4)] == [401, 401, 429, 429]
    assert status_of(strict, pair.sign()) == 200
    ticks.now_s += 60
    assert [status_of(strict, forged.sign(nbf=NOON_S - number)) for number in range(4)] == [401, 401, 429, 429]
    server.keys = [rolled.published]
    assert status_of(strict, rolled.sign()) == 200
