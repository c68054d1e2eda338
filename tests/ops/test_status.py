"""What /status says of each state, and who may read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.tables import Person, PersonChange, Source, User
from scim_bridge.engine.brake_tables import ApprovalRow, SourceLoss
from scim_bridge.engine.lock import EngineLock
from scim_bridge.engine.tables import AppliedRow, Pair, Task
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping import revisions
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.tables import MappingTrouble
from scim_bridge.ops.status import details, read_status
from scim_bridge.settings import load_settings

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def add_hub(db: Database, **values: Any) -> None:
    hub = {"id": "acme", "app": "forge", "tenant": "acme", "mode": "live", "created_at": NOW}
    with db.write() as tx:
        tx.execute(sa.insert(Hub).values(**{**hub, **values}))


def add_pair(db: Database, person_id: int, **values: Any) -> None:
    pair = {"hub_id": "acme", "person_id": person_id, "want": 1, "done": 0}
    with db.write() as tx:
        tx.execute(sa.insert(Person).values(id=person_id, created_at=NOW))
        tx.execute(sa.insert(Pair).values(**{**pair, **values}))


def read(db: Database, *, engine_runs: bool = True) -> dict[str, Any]:
    with db.read() as tx:
        return read_status(tx, mappings=MappingSet({}), now=NOW, engine_runs=engine_runs).to_json()


def test_a_bridge_at_rest_is_ok(db: Database):
    add_hub(db, last_success_at=NOW - timedelta(minutes=1))
    assert read(db) == {
        "state": "ok",
        "components": {
            "database": {"state": "ok"},
            "engine": {"state": "ok", "runs": True, "changes_waiting": 0, "oldest_waiting_s": 0},
            "mappings": {"state": "ok", "revision": None, "findings": 0},
            "people": {"state": "ok", "needing_attention": 0, "returns_proposed": 0},
            "sources": {"state": "ok", "braked": 0},
            "approvals": {"state": "ok", "waiting": 0, "unanswered": 0, "oldest_waiting_s": None},
            "hubs": {"state": "ok", "count": 1, "unwell": 0},
        },
        "hubs": {
            "acme": {
                "state": "live",
                "backlog": 0,
                "oldest_waiting_s": None,
                "held": 0,
                "failed": 0,
                "drift": 0,
                "leaving": 0,
                "next_leave_at": None,
                "last_success_at": "2026-11-23T07:59:00+00:00",
                "last_error": None,
                "next_try_at": None,
                "untrusted": None,
                "accounts": {},
                "unmanaged": 0,
                "leavers_unmanaged": 0,
                "to_confirm": 0,
            }
        },
    }


def test_people_who_need_attention_are_counted(db: Database):
    with db.write() as tx:
        tx.execute(sa.insert(Person), [{"created_at": NOW, "attention": each} for each in ("x", "y", None)])
    status = read(db)
    assert status["components"]["people"] == {"state": "degraded", "needing_attention": 2, "returns_proposed": 0}
    assert status["state"] == "degraded"


@pytest.mark.parametrize(
    ("values", "state", "whole"),
    [
        pytest.param({"mode": "plan"}, "plan", "ok", id="plan-is-a-decision"),
        pytest.param({"paused_at": NOW, "paused_by": "cli:x"}, "paused", "ok", id="paused-is-a-decision"),
        pytest.param({"removals_paused_at": NOW}, "removals_paused", "ok", id="so-is-a-pause-of-removals"),
        pytest.param({"removals_paused_at": NOW, "paused_at": NOW}, "paused", "ok", id="a-whole-pause-stands-over-it"),
        pytest.param({"removals_paused_at": NOW, "mode": "plan"}, "plan", "ok", id="plan-mode-writes-nothing-anyway"),
        pytest.param({"attention": "401", "attention_at": NOW}, "needs_attention", "degraded", id="attention"),
        pytest.param(
            {"attention": "401", "paused_at": NOW}, "needs_attention", "degraded", id="attention-shows-through-pause"
        ),
        pytest.param({"detached_at": NOW, "attention": "401"}, "detached", "degraded", id="detached-stands-over-all"),
    ],
)
def test_the_state_of_a_hub(db: Database, values: dict[str, Any], state: str, whole: str):
    add_hub(db, **values)
    status = read(db)
    assert (status["hubs"]["acme"]["state"], status["state"]) == (state, whole)


def ask(db: Database, **values: Any) -> None:
    row = {
        "hub_id": "acme",
        "action": "remove",
        "thing": "seat",
        "label": "seat",
        "takes": True,
        "kind": "limit",
        "why": "the limit",
        "state": "pending",
        "asked_at": NOW - timedelta(hours=30),
        "last_asked_at": NOW,
    }
    with db.write() as tx:
        tx.execute(sa.insert(ApprovalRow).values(row | values))


@pytest.mark.parametrize(
    ("values", "state", "waiting", "unanswered"),
    [
        pytest.param({}, "ok", 1, 0, id="asked-once"),
        pytest.param({"asked": 2}, "degraded", 1, 1, id="a-removal-that-nobody-answered"),
        pytest.param({"asked": 2, "takes": False}, "ok", 1, 0, id="nobody-loses-by-a-role-that-waits"),
        pytest.param({"asked": 2, "state": "rejected"}, "ok", 0, 0, id="a-no-is-an-answer"),
        pytest.param({"asked": 2, "state": "withdrawn", "ended_at": NOW}, "ok", 0, 0, id="over"),
    ],
)
def test_questions_that_nobody_answers_degrade(
    db: Database, values: dict[str, Any], state: str, waiting: int, unanswered: int
):
    add_hub(db)
    ask(db, **values)
    status = read(db)
    found = status["components"]["approvals"]
    assert (status["state"], found["state"], found["waiting"], found["unanswered"]) == (
        state,
        state,
        waiting,
        unanswered,
    )
    assert found.get("way_out") == ("scim-bridge approvals list" if waiting else None)


def test_a_source_that_lost_many_degrades_until_somebody_answers(db: Database):
    with db.write() as tx:
        okta = sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOW)
        loss = {"source_id": okta, "since": NOW, "until": NOW, "lost": 30, "of": 100}
        tx.execute(sa.insert(SourceLoss).values(loss))
    status = read(db)
    assert status["state"] == "degraded"
    assert status["components"]["sources"] == {
        "state": "degraded",
        "braked": 1,
        "which": "okta",
        "way_out": "scim-bridge approvals approve --source okta --reason WHY, or mend it at the identity provider",
    }
    with db.write() as tx:
        tx.execute(sa.update(SourceLoss).values(lifted_at=NOW))
    assert read(db)["state"] == "ok"


def test_an_error_later_than_the_last_success_degrades(db: Database):
    add_hub(db, last_success_at=NOW - timedelta(minutes=5), last_error="the app is down", last_error_at=NOW)
    status = read(db)
    assert status["state"] == "degraded"
    assert status["hubs"]["acme"]["last_error"] == "the app is down"


def test_an_error_that_was_overcome_does_not(db: Database):
    add_hub(db, last_success_at=NOW, last_error="the app is down", last_error_at=NOW - timedelta(minutes=5))
    status = read(db)
    assert status["state"] == "ok"
    assert status["hubs"]["acme"]["last_error"] is None


def test_an_untrusted_reading_degrades_and_says_what_to_do(db: Database):
    add_hub(db, doubt_kind="shrunken", doubt="3 accounts where 9 were expected", doubt_at=NOW, last_success_at=NOW)
    status = read(db)
    assert (status["state"], status["components"]["hubs"]["unwell"]) == ("degraded", 1)
    assert status["hubs"]["acme"]["untrusted"] == (
        "3 accounts where 9 were expected; nothing was taken away, and it is read again by itself; "
        "if the app is right, say `scim-bridge hub check acme --trust`"
    )


def add_account(db: Database, ref: str, **values: Any) -> None:
    row = {"hub_id": "acme", "ref": ref, "status": "active", "role": "member", "first_seen_at": NOW, "seen_at": NOW}
    with db.write() as tx:
        tx.execute(sa.insert(AccountRow).values(**{**row, **values}))


def test_accounts_are_counted_by_state_and_those_that_are_not_ours(db: Database):
    add_hub(db)
    add_pair(db, 1)
    add_pair(db, 2)
    with db.write() as tx:
        source = tx.execute(sa.insert(Source).values(name="o", kind="okta", created_at=NOW).returning(Source.id))
        user = {"source_id": source.scalar_one(), "person_id": 1, "user_name_key": "a", "document": {"userName": "a"}}
        tx.execute(sa.insert(User).values(**user, created_at=NOW, changed_at=NOW))
        applied = {"hub_id": "acme", "person_id": 1, "thing": "seat", "role": "member", "at": NOW}
        tx.execute(sa.insert(AppliedRow).values(**applied))
    add_account(db, "ours", person_id=1)
    add_account(db, "a leaver's", person_id=2)
    add_account(db, "nobody's")
    add_account(db, "proposed", proposed_to=2)
    add_account(db, "a guest", is_outside=True, role=None)
    add_account(db, "a machine", exempt_kind="service", exempt_reason="backups")
    add_account(db, "on purpose", exempt_kind="exempt", exempt_reason="break glass")
    add_account(db, "gone", gone_at=NOW)
    add_account(db, "lapsed", status="expired")
    hub = read(db)["hubs"]["acme"]
    assert hub["accounts"] == {"exempt": 1, "guest": 1, "linked": 2, "proposed": 1, "service": 1, "unmatched": 1}
    assert (hub["unmanaged"], hub["leavers_unmanaged"]) == (3, 1)


def test_backlog_and_age_of_what_is_due(db: Database):
    add_hub(db)
    add_pair(db, 1, unsettled_since=NOW - timedelta(seconds=90), due_at=NOW - timedelta(seconds=30))
    add_pair(db, 2, unsettled_since=NOW - timedelta(seconds=20), due_at=NOW - timedelta(seconds=20))
    add_pair(db, 3, want=4, done=4)
    hub = read(db)["hubs"]["acme"]
    assert (hub["backlog"], hub["oldest_waiting_s"], hub["next_try_at"]) == (2, 90, None)


def test_a_leave_timer_is_backlog_but_does_not_wait(db: Database):
    add_hub(db)
    add_pair(db, 1, unsettled_since=NOW - timedelta(days=3), due_at=NOW + timedelta(days=4))
    hub = read(db)["hubs"]["acme"]
    assert (hub["backlog"], hub["oldest_waiting_s"]) == (1, None)


def test_a_retry_waits_and_tells_when_it_is_next(db: Database):
    add_hub(db)
    add_pair(db, 1, attempts=3, unsettled_since=NOW - timedelta(hours=1), due_at=NOW + timedelta(seconds=8))
    hub = read(db)["hubs"]["acme"]
    assert (hub["oldest_waiting_s"], hub["next_try_at"]) == (3600, "2026-11-23T08:00:08+00:00")


def add_tasks(db: Database, *states: str) -> None:
    add_pair(db, 1, done=1)
    task = {"hub_id": "acme", "person_id": 1, "action": "remove", "thing": "seat", "because": []}
    with db.write() as tx:
        for state in states:
            tx.execute(sa.insert(Task).values(**task, state=state, created_at=NOW, updated_at=NOW))


def test_failed_changes_are_counted_and_degrade(db: Database):
    add_hub(db)
    add_hub(db, id="other", tenant="other")
    add_tasks(db, "failed", "failed", "held", "cancelled", "done")
    status = read(db)
    assert [(hub["failed"], hub["held"]) for hub in status["hubs"].values()] == [(2, 1), (0, 0)]
    assert (status["state"], status["components"]["hubs"]["unwell"]) == ("degraded", 1)


def test_failed_changes_show_on_the_page(db: Database):
    add_hub(db)
    add_tasks(db, "failed", "failed", "failed")
    page = client(db).get("/status", headers={"Accept": "text/html"}).text
    assert '<th scope="col" class="number">Failed</th>' in page
    assert '<td class="number">3</td>' in page


def test_held_changes_are_counted(db: Database):
    add_hub(db)
    add_tasks(db, "held", "held", "done")
    status = read(db)
    assert (status["hubs"]["acme"]["held"], status["state"]) == (2, "ok")


def test_rules_that_were_rolled_back_are_ok_and_say_so(db: Database):
    with db.write() as tx:
        for files, restores in (({}, None), ({"mappings/a.yaml": "a"}, None), ({}, 1)):
            revisions.publish(tx, files, actor="cli:eve", now=NOW, restores=restores)
    assert read(db)["components"]["mappings"] == {"state": "ok", "revision": 3, "findings": 0, "rolled_back_to": 1}


def test_files_that_are_not_in_force_degrade(db: Database):
    with db.write() as tx:
        tx.execute(sa.insert(MappingTrouble).values(id=1, findings=["a.yaml:1:1: x"], since=NOW))
    assert read(db)["components"]["mappings"] == {
        "state": "degraded",
        "revision": None,
        "findings": 1,
        "since": "2026-11-23T08:00:00+00:00",
        "finding": "a.yaml:1:1: x",
        "way_out": "`scim-bridge mapping lint` shows all; mend the files",
    }


def test_addresses_and_secrets_in_a_finding_do_not_leave(db: Database):
    with db.write() as tx:
        findings = ["a.yaml:1:1: ghp_0123456789abcdef of ana@acme.example"]
        tx.execute(sa.insert(MappingTrouble).values(id=1, findings=findings, since=NOW))
    assert read(db)["components"]["mappings"]["finding"] == "a.yaml:1:1: [secret] of [address]"


def test_without_an_engine_it_is_degraded(db: Database):
    status = read(db, engine_runs=False)
    assert (status["state"], status["components"]["engine"]["state"]) == ("degraded", "degraded")


def test_a_push_that_waits_over_a_minute_degrades(db: Database):
    with db.write() as tx:
        tx.execute(sa.insert(Person).values(id=1, created_at=NOW))
        tx.execute(sa.insert(PersonChange).values(person_id=1, generation=1, changed_at=NOW - timedelta(seconds=61)))
    assert read(db)["components"]["engine"] == {
        "state": "degraded",
        "runs": True,
        "changes_waiting": 1,
        "oldest_waiting_s": 61,
    }


def test_addresses_in_an_apps_words_do_not_leave(db: Database):
    add_hub(db, attention="no access for ana@acme.example", attention_at=NOW)
    assert read(db)["hubs"]["acme"]["last_error"] == "no access for [address]"


def client(db: Database, **settings: str) -> FlaskClient:
    environ = {f"SCIM_BRIDGE_{name}": value for name, value in settings.items()}
    return create_app(load_settings(environ), db, wake=lambda: None).test_client()


ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


def test_this_machine_may_read_it(db: Database):
    lock = EngineLock(db)
    lock.acquire()
    answer = client(db).get("/status")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json is not None
    assert answer.json["state"] == "ok"
    lock.release()


def test_elsewhere_it_is_closed_without_a_token_setting(db: Database):
    answer = client(db).get("/status", environ_base=ELSEWHERE)
    assert answer.status_code == 403
    assert "STATUS_TOKEN" in answer.text


@pytest.mark.parametrize(
    ("header", "status"), [("Bearer s3cret", 200), ("bearer s3cret", 200), ("Bearer wrong", 401), ("s3cret", 401)]
)
def test_elsewhere_the_token_opens_it(db: Database, header: str, status: int):
    answer = client(db, STATUS_TOKEN="s3cret").get("/status", environ_base=ELSEWHERE, headers={"Authorization": header})
    assert answer.status_code == status
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_a_proxy_on_this_machine_does_not_make_the_world_local(db: Database, header: str):
    assert client(db).get("/status", headers={header: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        pytest.param("1", "192.0.2.7", 403, id="the-proxy-tells-who"),
        pytest.param("1", "127.0.0.1, 192.0.2.7", 403, id="a-forged-first-hop"),
        pytest.param("2", "192.0.2.7", 403, id="fewer-hops-than-proxies"),
        pytest.param("1", "127.0.0.1", 200, id="this-machine-through-its-proxy"),
    ],
)
def test_behind_trusted_proxies_the_real_address_counts(db: Database, proxies: str, forwarded: str, status: int):
    answer = client(db, TRUSTED_PROXIES=proxies).get("/status", headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == status


def test_a_browser_gets_a_page_without_foreign_parts(db: Database):
    add_hub(db, mode="plan", last_error="<b>bold</b>", last_error_at=NOW)
    answer = client(db).get("/status", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.content_type == "text/html; charset=utf-8"
    assert '<th scope="row">acme</th>' in answer.text
    assert "&lt;b&gt;bold&lt;/b&gt;" in answer.text
    assert "http" not in answer.text.replace("http-equiv", "")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_details_for_people_are_words():
    component = {"state": "ok", "runs": True, "revision": None, "oldest_waiting_s": 250}
    assert details(component) == ["runs: yes", "oldest waiting: 4m 10s"]


def test_rules_that_this_process_cannot_read_leave_the_rest_to_tell(db: Database):
    add_hub(db)
    with db.write() as tx:
        revisions.publish(tx, {"mappings/acme.yaml": "app: of-another-version\n"}, actor="cli:ops", now=NOW)
    answer = client(db).get("/status")
    assert (answer.status_code, list(answer.get_json()["hubs"])) == (200, ["acme"])
