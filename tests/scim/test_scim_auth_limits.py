"""Who asks from where, how fast, and how often wrongly: 403, 429, and what the audit trail says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auth_kit import HERE, Ticks, ask, basic, refused_rows, request_of, statements, status_of
from databases import NOON

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.source_settings import SourceChange, change_source
from scim_bridge.directory.tokens import CLIENT, new_token, public_id_of
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.auth.refusal import Refusal
from scim_bridge.scim.auth.throttle import Guesses, Rates, Refusals
from scim_bridge.scim.problems import Problem

ELSEWHERE = "203.0.113.9"
WRONG = f"Bearer scb-{'0' * 16}-{'0' * 64}"


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def gate(db: Database, ticks: Ticks) -> Gate:
    return Gate(db, monotonic=ticks, wrong_per_minute=3)


@pytest.fixture
def source_id(db: Database) -> int:
    with db.write() as tx:
        return sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON)


@pytest.fixture
def bearer(db: Database, source_id: int) -> str:
    with db.write() as tx:
        return f"Bearer {new_token(tx, source_id, now=NOON)}"


def change(db: Database, change: SourceChange) -> None:
    with db.write() as tx:
        change_source(tx, "okta", change, now=NOON)


@pytest.mark.parametrize("address", ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8::1"])
def test_a_source_may_come_from_its_networks(gate: Gate, db: Database, bearer: str, address: str) -> None:
    change(db, SourceChange(networks=["198.51.100.0/24", "2001:db8::/32"]))
    assert status_of(gate, bearer, address) == 200


@pytest.mark.parametrize("address", ["203.0.113.9", "::ffff:203.0.113.9", "2001:db9::1", "", "unix:"])
def test_a_source_may_come_from_nowhere_else(gate: Gate, db: Database, bearer: str, address: str) -> None:
    change(db, SourceChange(networks=["198.51.100.0/24", "2001:db8::/32"]))
    with pytest.raises(Problem) as refused:
        ask(gate, bearer, address)
    assert refused.value.status == 403
    assert refused.value.detail == (
        "the source okta may not be used from this address; "
        "the operator can allow it: `scim-bridge source set okta --network CIDR`"
    )


def test_a_good_token_from_elsewhere_is_audited_with_its_source(gate: Gate, db: Database, bearer: str) -> None:
    change(db, SourceChange(networks=["198.51.100.0/24"]))
    assert status_of(gate, bearer, ELSEWHERE) == 403
    assert refused_rows(db) == [
        {
            "actor": "source:okta",
            "subject": f"token:{bearer.split('-')[1]}",
            "reason": "it is good, but comes from a network that its source may not use",
            "address": ELSEWHERE,
            "count": 1,
        }
    ]


def test_over_its_rate_a_source_is_told_to_wait(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    change(db, SourceChange(requests_per_second=3))
    assert [status_of(gate, bearer) for _ in range(5)] == [200, 200, 200, 429, 429]
    ticks.now_s += 0.34
    assert [status_of(gate, bearer) for _ in range(2)] == [200, 429]
    with pytest.raises(Problem) as slow:
        ask(gate, bearer)
    assert slow.value.headers == {"Retry-After": "1"}


def test_the_setting_holds_for_a_source_without_a_rate_of_its_own(db: Database, ticks: Ticks, bearer: str) -> None:
    gate = Gate(db, monotonic=ticks, requests_per_second=2)
    assert [status_of(gate, bearer) for _ in range(3)] == [200, 200, 429]


def test_a_changed_rate_holds_at_once() -> None:
    rates = Rates()
    assert [rates.has_turn(1, 1, 0.0) for _ in range(2)] == [True, False]
    assert rates.has_turn(1, 2, 0.0)


def test_one_source_does_not_slow_another() -> None:
    rates = Rates()
    assert [rates.has_turn(1, 1, 0.0), rates.has_turn(1, 1, 0.0), rates.has_turn(2, 1, 0.0)] == [True, False, True]


def test_after_some_wrong_tokens_an_address_has_to_wait(gate: Gate, ticks: Ticks, db: Database, bearer: str) -> None:
    assert [status_of(gate, WRONG) for _ in range(4)] == [401, 401, 401, 429]
    with statements(db) as sent, pytest.raises(Problem) as throttled:
        ask(gate, WRONG)
    assert (throttled.value.status, throttled.value.headers) == (429, {"Retry-After": "20"})
    assert sent == []
    ticks.now_s += 20
    assert [status_of(gate, WRONG) for _ in range(2)] == [401, 429]
    assert status_of(gate, WRONG, ELSEWHERE) == 401


def test_whoever_was_known_before_is_not_locked_out_by_a_neighbour(gate: Gate, ticks: Ticks, bearer: str) -> None:
    assert status_of(gate, bearer) == 200
    for _ in range(4):
        status_of(gate, WRONG)
    ticks.now_s += 5
    assert status_of(gate, WRONG) == 429
    assert status_of(gate, bearer) == 200


def test_a_new_token_behind_a_guesser_passes_at_once(gate: Gate, bearer: str) -> None:
    for _ in range(4):
        status_of(gate, WRONG)
    assert status_of(gate, bearer) == 200


def test_a_new_client_behind_a_guesser_gets_its_token_at_once(gate: Gate, db: Database, source_id: int) -> None:
    with db.write() as tx:
        client = new_token(tx, source_id, now=NOON, kind=CLIENT)
    for _ in range(4):
        status_of(gate, WRONG)
    assert gate.client_of(public_id_of(client), client, request_of(None), NOON).name == "okta"
    assert status_of(gate, f"Bearer {gate.issued.issue(public_id_of(client), NOON)}") == 200


def test_whoever_shows_other_wrong_ones_is_told_to_wait_all_the_same(gate: Gate) -> None:
    guesses = [f"Bearer scb-{'0' * 16}-{number:064}" for number in range(6)]
    assert [status_of(gate, guess) for guess in guesses] == [401, 401, 401, 429, 429, 429]


def test_however_many_were_wrong_a_turn_comes_back_after_one_interval(gate: Gate, ticks: Ticks) -> None:
    for _ in range(100):
        status_of(gate, WRONG)
    ticks.now_s += 20
    assert [status_of(gate, WRONG) for _ in range(2)] == [401, 429]


def test_behind_a_guesser_too_a_credential_that_becomes_good_is_taken_a_second_later(
    gate: Gate, ticks: Ticks, db: Database, source_id: int
) -> None:
    with db.write() as tx:
        client = new_token(tx, source_id, now=NOON, kind=CLIENT)
    shown = basic(public_id_of(client), client)
    assert [status_of(gate, shown) for _ in range(4)] == [401, 401, 401, 429]
    change(db, SourceChange(takes_basic=True))
    assert status_of(gate, shown) == 429
    ticks.now_s += 1
    assert status_of(gate, shown) == 200


def test_those_who_were_told_to_wait_are_counted_in_the_audit_trail(gate: Gate, ticks: Ticks, db: Database) -> None:
    for _ in range(10):
        status_of(gate, WRONG)
    ticks.now_s += 60
    status_of(gate, WRONG)
    assert [row["count"] for row in refused_rows(db)] == [1, 10]


def test_a_request_without_any_token_is_no_guess(gate: Gate, db: Database) -> None:
    assert [status_of(gate, None) for _ in range(6)] == [401] * 6
    assert refused_rows(db) == []


def test_a_site_of_ipv6_is_one_guesser(gate: Gate) -> None:
    answers = [status_of(gate, WRONG, f"2001:db8:1:2::{number}") for number in range(4)]
    assert answers == [401, 401, 401, 429]
    assert status_of(gate, WRONG, "2001:db8:1:3::1") == 401


def test_guessers_are_remembered_within_bounds() -> None:
    guesses = Guesses(1, origins=2)
    for number in range(3):
        guesses.add(f"198.51.100.{number}", 0.0)
    assert guesses.wait_s("198.51.100.0", 0.0) == 0
    assert guesses.wait_s("198.51.100.2", 0.0) == 60


def test_refusals_are_remembered_within_bounds() -> None:
    refusals = Refusals(1.0, at_most=2)
    for digest in (b"a", b"b", b"c"):
        refusals.put(digest, Refusal("it is wrong"), 0.0)
    assert [refusals.find(digest, 0.5) is not None for digest in (b"a", b"b", b"c")] == [False, True, True]
    assert refusals.find(b"c", 1.0) is None


def test_a_remembered_refusal_holds_on_to_no_credential() -> None:
    refusals = Refusals(1.0)
    with pytest.raises(Refusal) as raised:
        raise Refusal("it is wrong", "0a") from ValueError("secret")
    refusals.put(b"a", raised.value, 0.0)
    found = refusals.find(b"a", 0.5)
    assert found is not None
    assert (found.reason, found.public_id) == ("it is wrong", "0a")
    assert (found.__traceback__, found.__cause__, found.__context__) == (None, None, None)


def test_refusals_are_audited_once_a_minute_with_their_number(db: Database, ticks: Ticks, bearer: str) -> None:
    gate = Gate(db, monotonic=ticks)
    assert isinstance(db.clock, FrozenClock)
    for _ in range(5):
        status_of(gate, WRONG)
    unknown = {"actor": "unknown", "reason": "no token or client has this id", "address": HERE}
    first = {**unknown, "subject": f"token:{'0' * 16}", "count": 1}
    assert refused_rows(db) == [first]
    ticks.now_s += 60
    status_of(gate, WRONG)
    assert refused_rows(db) == [first, {**first, "count": 5}]


def test_what_a_minute_leaves_is_written_by_the_next_good_request(db: Database, ticks: Ticks, bearer: str) -> None:
    gate = Gate(db, monotonic=ticks)
    for _ in range(3):
        status_of(gate, "Bearer nonsense")
    ticks.now_s += 60
    gate.note_use(ask(gate, bearer), NOON)
    assert [(row["reason"], row["count"]) for row in refused_rows(db)] == [
        ("it has no shape of a token", 1),
        ("it has no shape of a token", 2),
    ]


def test_reasons_and_addresses_have_rows_of_their_own(gate: Gate, db: Database) -> None:
    status_of(gate, WRONG)
    status_of(gate, "Bearer nonsense")
    status_of(gate, "Bearer nonsense", ELSEWHERE)
    assert [(row["address"], row["subject"] is None) for row in refused_rows(db)] == [
        (HERE, False),
        (HERE, True),
        (ELSEWHERE, True),
    ]


def test_a_flood_from_everywhere_shares_a_row(db: Database, ticks: Ticks) -> None:
    gate = Gate(db, monotonic=ticks)
    for number in range(203):
        status_of(gate, "Bearer x", f"10.0.0.{number}")
    rows = refused_rows(db)
    assert len(rows) == 201
    assert rows[-1]["address"] == "others"


def test_no_token_is_audited(gate: Gate, db: Database, bearer: str) -> None:
    secret = bearer.rpartition("-")[2]
    status_of(gate, f"Bearer scb-{'0' * 16}-{secret}")
    status_of(gate, f"Bearer {secret}")
    assert secret not in str(refused_rows(db))


def test_the_operator_reads_why_a_token_let_nobody_in(db: Database, ticks: Ticks, source_id: int) -> None:
    gate = Gate(db, fresh_s=0, monotonic=ticks)
    with db.write() as tx:
        token = new_token(tx, source_id, now=NOON, expires_after=timedelta(hours=1))
        client = new_token(tx, source_id, now=NOON, kind=CLIENT)
    assert status_of(gate, f"Bearer {token[:-64]}{'0' * 64}") == 401
    assert status_of(gate, basic(public_id_of(client), client)) == 401
    assert status_of(gate, f"Bearer {client}") == 401
    assert status_of(gate, basic(public_id_of(token), token)) == 401
    assert status_of(gate, f"Bearer {token}") == 200
    with db.write() as tx:
        sources.revoke(tx, "okta", public_id_of(client), now=NOON)
    assert status_of(gate, f"Bearer {client}") == 401
    assert isinstance(db.clock, FrozenClock)
    db.clock.advance(hours=1)
    assert status_of(gate, f"Bearer {token}") == 401
    assert [row["reason"] for row in refused_rows(db)] == [
        "its secret is wrong",
        "its secret is wrong, or its source does not take HTTP basic",
        "it is a client's secret, used as a token",
        "it is a token, used as a client's",
        "it was revoked",
        "it has ended",
    ]
