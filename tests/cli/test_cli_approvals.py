"""``scim-bridge approvals`` and ``pause --removals``: what they print, write and refuse."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from test_cli_commands import add_hub, add_user

from scim_bridge.db import Database
from scim_bridge.directory.tables import Source
from scim_bridge.engine.brake_tables import ApprovalRow, SourceLoss
from scim_bridge.engine.lock import EngineLock
from scim_bridge.engine.tables import Pair
from scim_bridge.hubs.tables import AccountRow, Hub


def ask(db: Database, **values: Any) -> int:
    now = db.clock.now()
    row = {
        "hub_id": "acme",
        "action": "remove",
        "thing": "seat",
        "label": "seat",
        "before": "member",
        "takes": True,
        "kind": "limit",
        "why": "the limit",
        "state": "pending",
        "asked_at": now - timedelta(hours=3),
        "last_asked_at": now,
    }
    with db.write() as tx:
        return tx.execute(sa.insert(ApprovalRow).values(row | values).returning(ApprovalRow.id)).scalar_one()


@pytest.fixture
def asked(db: Database) -> int:
    """Ana's removal waits in hub ``acme``."""
    add_hub(db, mode="live")
    ana = add_user(db, "okta", "ana@acme.example")
    with db.write() as tx:
        tx.execute(sa.insert(Pair).values(hub_id="acme", person_id=ana, want=1, done=1))
    return ask(db, person_id=ana)


def state(db: Database, asked: int) -> Any:
    with db.read() as tx:
        return tx.execute(sa.select(ApprovalRow).where(ApprovalRow.id == asked)).one()


def test_the_list_names_who_what_and_why(run, asked: int):
    shown = run("approvals", "list").stdout
    assert "ana@acme.example (p1)" in shown
    assert "the limit" in shown
    (found,) = json.loads(run("approvals", "list", "--json").stdout)
    assert {key: found[key] for key in ("id", "hub_id", "person_id", "action", "before", "kind", "state")} == {
        "id": asked,
        "hub_id": "acme",
        "person_id": "p1",
        "action": "remove",
        "before": "member",
        "kind": "limit",
        "state": "pending",
    }


def test_an_empty_list_says_so(run, db: Database):
    assert run("approvals", "list").stdout == "nothing waits for a person's word\n"


def test_approve_writes_who_and_why_and_wakes_the_person(run, db: Database, asked: int):
    result = run("approvals", "approve", str(asked), "--reason", "she left")
    assert result.stdout == f"approved: {asked}, remove of ana@acme.example (p1) in acme\n"
    row = state(db, asked)
    assert (row.state, row.reason, row.answered_by.startswith("cli:")) == ("approved", "she left", True)
    with db.read() as tx:
        pair = tx.execute(sa.select(Pair)).one()
    assert pair.want == 2
    assert pair.due_at is not None


def test_reject_keeps_it_held(run, db: Database, asked: int):
    assert run("approvals", "reject", str(asked), "--reason", "she stays").exit_code == 0
    assert state(db, asked).state == "rejected"
    assert run("approvals", "reject", str(asked), "--reason", "she stays").stdout == "already rejected\n"


def test_all_of_a_hub(run, db: Database, asked: int):
    add_hub(db, id="other", tenant="other")
    elsewhere = ask(db, hub_id="other", person_id=1)
    result = run("approvals", "approve", "--all", "--hub", "acme", "--reason", "as planned")
    assert result.exit_code == 0
    assert (state(db, asked).state, state(db, elsewhere).state) == ("approved", "pending")
    assert run("approvals", "approve", "--all", "--hub", "acme", "--reason", "x").stdout == (
        "nothing waits for a word in acme\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["approve", "1"], "Missing option '--reason'", id="no-reason"),
        pytest.param(["approve", "1", "--reason", " "], "--reason is empty", id="an-empty-reason"),
        pytest.param(["approve", "--reason", "x"], "name ids", id="nothing-named"),
        pytest.param(["reject", "1", "--all", "--reason", "x"], "name ids", id="ids-and-all"),
        pytest.param(["reject", "1", "--hub", "acme", "--reason", "x"], "not both", id="ids-and-a-hub"),
        pytest.param(["approve", "1", "--source", "okta", "--reason", "x"], "--source alone", id="ids-and-a-source"),
        pytest.param(["approve", "99", "--reason", "x"], "no approval 99", id="unknown-id"),
        pytest.param(["approve", "--all", "--hub", "x", "--reason", "x"], "no hub x", id="unknown-hub"),
        pytest.param(["approve", "--source", "x", "--reason", "x"], "no source x", id="unknown-source"),
        pytest.param(["list", "--hub", "x"], "no hub x", id="a-list-of-an-unknown-hub"),
    ],
)
def test_wrong_usage_is_exit_code_2(run, asked: int, arguments: list[str], words: str):
    result = run("approvals", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_one_that_is_over_is_refused(run, db: Database, asked: int):
    over = ask(db, state="withdrawn", ended_at=db.clock.now(), person_id=1)
    result = run("approvals", "approve", str(asked), str(over), "--reason", "x")
    assert result.exit_code == 1
    assert f"approval {over} is over (withdrawn)" in result.stderr
    assert state(db, asked).state == "pending"


def test_the_list_shows_what_is_over_when_asked(run, db: Database, asked: int):
    over = ask(db, state="used", ended_at=db.clock.now(), person_id=1)
    assert [each["id"] for each in json.loads(run("approvals", "list", "--json").stdout)] == [asked]
    assert [each["id"] for each in json.loads(run("approvals", "list", "--all", "--json").stdout)] == [asked, over]
    assert [each["id"] for each in json.loads(run("approvals", "list", "--state", "used", "--json").stdout)] == [over]


def test_an_account_of_nobodys_goes_by_its_login(run, db: Database, asked: int):
    now = db.clock.now()
    with db.write() as tx:
        account = tx.execute(
            sa.insert(AccountRow)
            .values(hub_id="acme", ref="9", login="mallory", status="active", first_seen_at=now, seen_at=now)
            .returning(AccountRow.id)
        ).scalar_one()
    ask(db, account_id=account, kind="unmanaged")
    assert "account mallory" in run("approvals", "list").stdout


def test_a_source_that_lost_many_is_shown_and_let_go(run, db: Database, asked: int):
    with db.write() as tx:
        okta = tx.scalar(sa.select(Source.id))
        now = db.clock.now()
        tx.execute(sa.insert(SourceLoss).values(source_id=okta, since=now, until=now, lost=30, of=100))
    held = ask(db, person_id=1, kind="source", source_id=okta)
    shown = run("approvals", "list").stdout
    assert "source okta lost 30 of 100 active people within an hour: `scim-bridge approvals approve --source" in shown
    result = run("approvals", "approve", "--source", "okta", "--reason", "the site closes")
    assert result.stdout == "the people of source okta may go: 1 held change approved\n"
    assert (state(db, held).state, state(db, asked).state) == ("approved", "pending")
    again = run("approvals", "approve", "--source", "okta", "--reason", "x")
    assert again.exit_code == 1
    assert "source okta has no sudden loss" in again.stderr


def test_removals_pause_alone_and_resume(run, db: Database, asked: int):
    assert run("pause", "acme", "--removals").stdout == (
        "removals wait in acme until `scim-bridge resume`; additions go on\n"
    )
    assert json.loads(run("hub", "list", "--json").stdout)[0]["state"] == "removals_paused"
    assert run("resume").stdout == "acme goes on\n"
    with db.read() as tx:
        assert tx.scalar(sa.select(Hub.removals_paused_at)) is None
    actions = [each["action"] for each in json.loads(run("audit", "list", "--json").stdout)]
    assert actions[-2:] == ["hub.removals_paused", "hub.resumed"]


def test_a_question_makes_status_exit_with_3(run, db: Database, asked: int):
    with db.write() as tx:
        tx.execute(sa.update(Hub).values(last_success_at=db.clock.now()))
    lock = EngineLock(db)
    lock.acquire()
    result = run("status", "--json")
    lock.release()
    assert json.loads(result.stdout)["components"]["approvals"]["waiting"] == 1
    assert result.exit_code == 3


def test_a_removal_of_nobodys_account_is_listed_among_tasks(run, db: Database):
    add_hub(db, mode="live")
    now = db.clock.now()
    with db.write() as tx:
        row = {"id": 4, "hub_id": "acme", "ref": "7", "login": "mallory", "status": "active", "role": "member"}
        tx.execute(sa.insert(AccountRow).values(**row, first_seen_at=now, seen_at=now))
    asked = ask(db, account_id=4, kind="unmanaged", why="made by hand")
    shown = run("tasks", "list").stdout
    assert "account mallory" in shown
    (task,) = json.loads(run("tasks", "list", "--json").stdout)
    assert {name: task[name] for name in ("id", "run", "person_id", "account", "thing", "before", "state")} == {
        "id": f"a{asked}",
        "run": None,
        "person_id": None,
        "account": "mallory",
        "thing": "seat",
        "before": "member",
        "state": "held",
    }
    refused = run("undo", f"a{asked}")
    assert f"task a{asked} is held, not done" in refused.stderr
