"""Bearer tokens at the gate: known ones cost nothing, and whatever an operator changes holds within a second."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from auth_kit import HERE, Ticks, ask, request_of, statements, status_of
from databases import NOON

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.source_settings import SourceChange, change_source
from scim_bridge.directory.tables import Source, Token
from scim_bridge.directory.tokens import CLIENT, new_token
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.problems import Problem


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def gate(db: Database, ticks: Ticks) -> Gate:
    return Gate(db, monotonic=ticks)


@pytest.fixture
def source_id(db: Database) -> int:
    with db.write() as tx:
        return sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON)


@pytest.fixture
def bearer(db: Database, source_id: int) -> str:
    with db.write() as tx:
        return f"Bearer {new_token(tx, source_id, now=NOON)}"


def test_a_known_token_costs_no_statement_for_a_second(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    ask(gate, bearer)
    with statements(db) as sent:
        ticks.now_s += 0.99
        assert ask(gate, bearer).name == "okta"
        assert sent == []
        ticks.now_s += 0.01
        ask(gate, bearer)
    assert len([one for one in sent if "tokens" in one]) == 1


def test_a_revoked_token_is_refused_within_a_second(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    ask(gate, bearer)
    with db.write() as tx:
        sources.revoke(tx, "okta", None, now=NOON)
    ticks.now_s += 1
    assert status_of(gate, bearer) == 401


def test_a_disabled_source_is_refused_within_a_second(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    ask(gate, bearer)
    with db.write() as tx:
        sources.disable(tx, "okta", now=NOON)
    ticks.now_s += 1
    assert status_of(gate, bearer) == 403
    with db.write() as tx:
        sources.enable(tx, "okta", now=NOON)
    ticks.now_s += 1
    assert status_of(gate, bearer) == 200


def test_changed_networks_hold_within_a_second(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    ask(gate, bearer)
    with db.write() as tx:
        change_source(tx, "okta", SourceChange(networks=["10.0.0.0/8"]), now=NOON)
    ticks.now_s += 1
    assert status_of(gate, bearer) == 403


def test_a_gate_that_keeps_nothing_sees_a_revocation_at_once(db: Database, ticks: Ticks, bearer: str) -> None:
    gate = Gate(db, fresh_s=0, monotonic=ticks)
    ask(gate, bearer)
    with db.write() as tx:
        sources.revoke(tx, "okta", None, now=NOON)
    assert status_of(gate, bearer) == 401


def test_a_token_ends_at_its_moment_even_while_it_is_known(gate: Gate, db: Database, source_id: int) -> None:
    with db.write() as tx:
        token = new_token(tx, source_id, now=NOON, expires_after=timedelta(minutes=10))
    assert isinstance(db.clock, FrozenClock)
    db.clock.advance(minutes=10, seconds=-1)
    assert status_of(gate, f"Bearer {token}") == 200
    db.clock.advance(seconds=1)
    assert status_of(gate, f"Bearer {token}") == 401


def test_nothing_of_a_token_stays_in_memory(gate: Gate, bearer: str) -> None:
    ask(gate, bearer)
    secret = bearer.rpartition("-")[2]
    assert secret not in repr(gate._proven.__dict__)
    assert secret.encode() not in b"".join(gate._proven._known)


def test_what_is_known_is_bounded(db: Database, ticks: Ticks, bearer: str) -> None:
    gate = Gate(db, monotonic=ticks)
    gate._proven._at_most = 2
    for blanks in range(5):
        ask(gate, bearer.replace(" ", " " * (blanks + 1)))
    assert len(gate._proven._known) == 2


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_is_read_in_any_case(gate: Gate, bearer: str, scheme: str) -> None:
    assert status_of(gate, f"{scheme} {bearer.removeprefix('Bearer ')}") == 200


def test_a_clients_secret_is_no_bearer_token(gate: Gate, db: Database, source_id: int) -> None:
    with db.write() as tx:
        secret = new_token(tx, source_id, now=NOON, kind=CLIENT)
    assert status_of(gate, f"Bearer {secret}") == 401


def test_a_refusal_names_the_scheme_and_not_the_cause(gate: Gate, bearer: str) -> None:
    with pytest.raises(Problem) as missing:
        ask(gate, None)
    assert missing.value.headers == {"WWW-Authenticate": 'Bearer realm="scim"'}
    with pytest.raises(Problem) as wrong:
        ask(gate, "Bearer nonsense")
    assert wrong.value.headers == {"WWW-Authenticate": 'Bearer realm="scim", error="invalid_token"'}
    assert wrong.value.detail == "this token is not known, has ended, or was revoked"


def test_basic_is_named_where_a_source_takes_it(gate: Gate, db: Database, source_id: int) -> None:
    with db.write() as tx:
        change_source(tx, "okta", SourceChange(takes_basic=True), now=NOON)
    with pytest.raises(Problem) as missing:
        ask(gate, None)
    assert missing.value.headers["WWW-Authenticate"] == 'Bearer realm="scim", Basic realm="scim", charset="UTF-8"'


def test_last_use_is_written_once_a_minute(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    assert isinstance(db.clock, FrozenClock)
    used = []
    for seconds in (0, 59, 1):
        db.clock.advance(seconds=seconds)
        gate.note_use(ask(gate, bearer), db.clock.now())
        with db.read() as tx:
            used.append(tx.execute(sa.select(Token.last_used_at)).scalar_one())
    assert used == [NOON, NOON, NOON + timedelta(minutes=1)]


def test_use_that_cannot_be_written_hurts_no_request(gate: Gate, db: Database, bearer: str) -> None:
    source = ask(gate, bearer)
    with db.write() as tx:
        tx.execute(sa.text("ALTER TABLE tokens RENAME TO gone"))
    try:
        gate.note_use(source, NOON)
    finally:
        with db.write() as tx:
            tx.execute(sa.text("ALTER TABLE gone RENAME TO tokens"))


def test_a_token_from_before_the_upgrade_is_a_bearer_token(gate: Gate, db: Database, bearer: str) -> None:
    with db.read() as tx:
        assert tx.execute(sa.select(Token.kind)).scalar_one() == "bearer"
        assert tx.execute(sa.select(Source.takes_basic)).scalar_one() is False
    assert gate.source_of(request_of(bearer, HERE), NOON).ends_at is None
