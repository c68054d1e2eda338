"""Commands beside the engine: what they print, and which exit code says what."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.changes import mark_people
from scim_bridge.directory.tables import Person, User
from scim_bridge.engine.lock import EngineLock
from scim_bridge.engine.tables import Task
from scim_bridge.hubs import bindings
from scim_bridge.hubs.bound import NewBinding
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping import revisions
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.model import Place
from scim_bridge.schema import head


def add_hub(db: Database, **values: Any) -> None:
    with db.write() as tx:
        hub = {"id": "acme", "app": "github", "tenant": "acme", "mode": "plan", "created_at": db.clock.now()}
        tx.execute(sa.insert(Hub).values(**{**hub, **values}))


def add_user(db: Database, source: str, user_name: str) -> int:
    """A new person with one user; their id."""
    now = db.clock.now()
    with db.write() as tx:
        known = tx.scalar(sa.text("SELECT id FROM sources WHERE name = :name"), {"name": source})
        source_id = known or sources.add_source(tx, name=source, kind="generic", joins=False, now=now)
        person_id = tx.execute(sa.insert(Person).values(created_at=now).returning(Person.id)).scalar_one()
        tx.execute(
            sa.insert(User).values(
                source_id=source_id,
                person_id=person_id,
                user_name_key=user_name,
                document={"userName": user_name},
                created_at=now,
                changed_at=now,
            )
        )
    return int(person_id)


def add_task(db: Database, person_id: int, state: str) -> None:
    now = db.clock.now()
    task = {"hub_id": "acme", "person_id": person_id, "action": "remove", "thing": "seat", "because": []}
    with db.write() as tx:
        tx.execute(sa.insert(Task).values(**task, state=state, created_at=now, updated_at=now))


MAPPING = """
app: github
connect: {org: acme, token: "env:GITHUB_TOKEN"}
roles: [admin, member]
grants:
  - {name: everybody, group: Engineering, role: member}
"""
COMMANDS = (
    *("serve", "source", "group", "mapping", "plan", "apply", "why", "hub", "binding", "account"),
    *("approvals", "pause", "resume", "status", "tasks", "requests", "audit", "backup", "db", "simulate", "demo"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_command(run, command: str):
    assert f"\n  {command} " in run("--help").stdout


def test_without_a_database_the_mending_command_is_named_and_none_is_made(run, folder: Path):
    result = run("source", "list")
    assert result.exit_code == 2
    assert "there is no database at" in result.stderr
    assert "scim-bridge db upgrade" in result.stderr
    assert not (folder / "scim_bridge.db").exists()


def test_db_upgrade_makes_one(run):
    assert run("db", "upgrade").stdout == f"the schema is at revision {head()} (was: none)\n"
    assert run("source", "list").stdout == "no identity source yet: `scim-bridge source add okta --kind okta`\n"


def test_a_wrong_setting_is_one_line_and_exit_code_2(run):
    result = run("status", PORT="many")
    assert result.exit_code == 2
    assert result.stderr == (
        'scim-bridge: SCIM_BRIDGE_PORT (environment): "many" is not a whole number; use 0 to 65535\n'
    )


def test_a_database_that_does_not_answer_is_one_line(run):
    result = run("source", "list", DATABASE_URL="postgresql://bridge:pa55@127.0.0.1:1/bridge")
    assert result.exit_code == 1
    assert result.stderr.startswith("scim-bridge: the database does not answer")
    assert result.stderr.count("\n") == 1
    assert "pa55" not in result.stderr


def test_what_was_done_is_in_the_audit_with_who_did_it(run, db: Database):
    run("source", "add", "okta", "--kind", "okta")
    entries = json.loads(run("audit", "list", "--json").stdout)
    assert [entry["action"] for entry in entries] == ["source.added", "token.created"]
    assert entries[0]["actor"].startswith("cli:")


def test_an_unknown_person_is_exit_code_2(run, db: Database):
    result = run("why", "nobody@acme.example")
    assert result.exit_code == 2
    assert result.stderr.startswith('scim-bridge: no person "nobody@acme.example"')


def test_a_person_who_may_be_two_is_exit_code_2_with_the_list(run, db: Database):
    first, second = add_user(db, "okta", "ana@acme.example"), add_user(db, "entra", "ana@acme.example")
    result = run("why", "ana@acme.example")
    assert result.exit_code == 2
    assert f"p{first} (ana@acme.example, okta)" in result.stderr
    assert f"p{second} (ana@acme.example, entra)" in result.stderr


def test_why_by_id(run, db: Database):
    person_id = add_user(db, "okta", "ana@acme.example")
    found = json.loads(run("why", f"p{person_id}", "--json").stdout)
    assert found["person"]["id"] == f"p{person_id}"
    assert found["hubs"] == []


def test_why_for_people_says_who_it_is_and_what_needs_attention(run, db: Database):
    person_id = add_user(db, "okta", "ana@acme.example")
    with db.write() as tx:
        tx.execute(sa.update(User).values(document={"userName": "ana@acme.example", "active": False}, active=False))
        tx.execute(sa.update(Person).values(attention="same_address"))
    first, second = run("why", f"p{person_id}").stdout.splitlines()
    assert first == f"ana@acme.example (p{person_id}), disabled"
    assert second == "needs attention: same address"


@pytest.mark.parametrize(
    "arguments", [["hub", "probe", "acme"], ["hub", "check", "acme"], ["plan", "acme", "--refresh"]]
)
def test_what_needs_the_app_says_that_no_engine_runs(run, db: Database, arguments: list[str]):
    add_hub(db)
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr == "scim-bridge: no engine runs on this database; start `scim-bridge serve`\n"


def test_hub_list_counts_accounts_and_held_changes(run, db: Database):
    add_hub(db)
    person_id, now = add_user(db, "okta", "ana"), db.clock.now()
    account = {"hub_id": "acme", "status": "active", "first_seen_at": now, "seen_at": now}
    with db.write() as tx:
        tx.execute(sa.insert(AccountRow), [account | {"ref": "1", "person_id": person_id}])
        tx.execute(sa.insert(AccountRow), [account | {"ref": "2"}])
    add_task(db, person_id, "held")
    (hub,) = json.loads(run("hub", "list", "--json").stdout)
    shown = {key: hub[key] for key in ("id", "state", "accounts", "linked", "held", "backlog")}
    assert shown == {"id": "acme", "state": "plan", "accounts": 2, "linked": 1, "held": 1, "backlog": 0}


def test_pause_and_resume_one_hub_or_all(run, db: Database):
    add_hub(db)
    assert run("pause", "acme").exit_code == 0
    assert json.loads(run("hub", "list", "--json").stdout)[0]["state"] == "paused"
    assert run("resume", "--all").exit_code == 0
    assert json.loads(run("hub", "list", "--json").stdout)[0]["state"] == "plan"


@pytest.mark.parametrize("arguments", [["pause"], ["pause", "acme", "--all"], ["resume", "acme", "--all"]])
def test_pause_needs_one_hub_or_the_word_all(run, db: Database, arguments: list[str]):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "name one HUB, or say --all" in result.stderr


def test_a_bare_resume_means_every_paused_hub_and_names_them(run, db: Database):
    add_hub(db)
    add_hub(db, id="beta", tenant="beta")
    add_hub(db, id="core", tenant="core")
    run("pause", "acme")
    run("pause", "core")
    assert run("resume").stdout == "acme goes on\ncore goes on\n"
    assert run("resume").stdout == "no hub was paused\n"
    assert run("resume", "acme").stdout == "acme was not paused\n"


def test_a_bare_retry_means_what_is_open_in_every_hub_and_says_how_many(run, db: Database):
    add_hub(db)
    assert run("tasks", "retry").stdout == "there is nothing to try again\n"
    for state in ("failed", "held", "retrying", "done", "cancelled"):
        add_task(db, add_user(db, "okta", f"{state}@acme.example"), state)
    result = run("tasks", "retry")
    assert (result.exit_code, result.stdout) == (0, "trying again: 3 changes\n")
    assert run("tasks", "retry", "1", "--hub", "acme").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["pause", "acne"],
        ["tasks", "list", "--hub", "acne"],
        ["tasks", "retry", "--hub", "acne"],
        ["binding", "list", "acne"],
        ["audit", "list", "--hub", "acne"],
    ],
)
def test_an_unknown_hub_is_exit_code_2_with_the_known_ones(run, db: Database, arguments: list[str]):
    add_hub(db)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr == "scim-bridge: no hub acne; known hubs: acme\n"


def test_the_audit_of_a_forgotten_hub_is_still_listed(run, db: Database):
    with db.write() as tx:
        record(tx, at=db.clock.now(), actor="cli:eve", action="hub.forgotten", hub_id="gone")
    (entry,) = json.loads(run("audit", "list", "--hub", "gone", "--json").stdout)
    assert entry["action"] == "hub.forgotten"


def test_a_binding_names_the_source_of_its_group(run, db: Database):
    add_hub(db)
    with db.write() as tx:
        now = db.clock.now()
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=now)
        group = NewBinding("acme", "group", str(source_id), "Engineering", "g1")
        bindings.bind(tx, [group, NewBinding("acme", "asset", "team", "core", "7")], now=now)
    listed = json.loads(run("binding", "list", "--json").stdout)
    assert {(each["name"], each["source"], each["type"]) for each in listed} == {
        ("Engineering", "okta", None),
        ("core", None, "team"),
    }
    shown = run("binding", "list", "acme").stdout
    assert "okta    Engineering" in shown
    assert "team/core" in shown


def test_an_account_names_its_person_as_other_commands_do(run, db: Database):
    add_hub(db)
    person_id, now = add_user(db, "okta", "ana"), db.clock.now()
    account = {"hub_id": "acme", "status": "active", "first_seen_at": now, "seen_at": now}
    with db.write() as tx:
        tx.execute(sa.insert(AccountRow), [account | {"ref": "1", "person_id": person_id}])
        tx.execute(sa.insert(AccountRow), [account | {"ref": "2"}])
    listed = json.loads(run("account", "list", "acme", "--json").stdout)
    assert {each["ref"]: each["person_id"] for each in listed} == {"1": f"p{person_id}", "2": None}


@pytest.fixture
def octo(db: Database) -> int:
    """Hub ``acme`` shows the account ``octo`` (id 1), proposed to a person whose id this is."""
    add_hub(db)
    person_id, now = add_user(db, "okta", "ana"), db.clock.now()
    row = {"hub_id": "acme", "ref": "1", "login": "Octo", "login_key": "octo", "status": "active", "role": "member"}
    proposal = {"proposed_to": person_id, "proposed_by": "login = nickName"}
    with db.write() as tx:
        tx.execute(sa.insert(AccountRow).values(**row, **proposal, first_seen_at=now, seen_at=now))
    return person_id


def test_a_proposed_account_is_listed_with_its_rule_and_accepted(run, octo: int):
    (listed,) = json.loads(run("account", "list", "acme", "--state", "proposed", "--json").stdout)
    assert (listed["state"], listed["proposed_to"], listed["person_id"]) == ("proposed", f"p{octo}", None)
    shown = run("account", "list", "acme").stdout
    assert "login = nickName" in shown
    assert "unmanaged" in shown
    assert run("account", "accept", "acme", "octo").stdout == f"octo in acme is p{octo}'s\n"
    assert run("account", "unlink", "acme", "1").stdout == f"1 in acme is not p{octo}'s any more\n"
    assert run("account", "link", "acme", "octo", f"p{octo}").exit_code == 0
    actions = [each["action"] for each in json.loads(run("audit", "list", "--hub", "acme", "--json").stdout)]
    assert sorted(actions) == ["account.linked", "account.proposal_accepted", "account.unlinked"]


def test_a_refused_proposal_is_no_more(run, octo: int):
    assert run("account", "refuse", "acme", "octo").stdout == f"octo in acme is not p{octo}'s\n"
    again = run("account", "refuse", "acme", "octo")
    assert (again.exit_code, "is proposed to nobody" in again.stderr) == (1, True)
    assert run("account", "list", "acme", "--state", "proposed").stdout == "acme has shown no proposed account\n"


def test_an_exemption_has_a_reason_and_an_end(run, octo: int):
    assert run("account", "exempt", "acme", "octo").exit_code == 2
    assert run("account", "exempt", "acme", "octo", "--service", "--reason", "deploys").exit_code == 0
    (listed,) = json.loads(run("account", "list", "acme", "--json").stdout)
    assert (listed["state"], listed["reason"], listed["is_unmanaged"]) == ("service", "deploys", False)
    assert run("account", "exempt", "acme", "octo", "--end", "--reason", "x").exit_code == 2
    assert run("account", "exempt", "acme", "octo", "--end").stdout == "octo in acme is no longer exempt\n"
    (listed,) = json.loads(run("account", "list", "acme", "--json").stdout)
    assert listed["state"] == "unmatched"


def test_hub_show_counts_accounts(run, octo: int):
    shown = json.loads(run("hub", "show", "acme", "--json").stdout)
    assert (shown["accounts"], shown["unmanaged"], shown["untrusted"]) == ({"proposed": 1}, 1, None)
    assert "1 proposed" in run("hub", "show", "acme").stdout
    assert run("hub", "show", "nowhere").exit_code == 2


def test_hub_list_forgets_an_error_that_a_success_followed(run, db: Database):
    now = db.clock.now()
    add_hub(db, last_error="cut off", last_error_at=now - timedelta(minutes=1), last_success_at=now)
    assert json.loads(run("hub", "list", "--json").stdout)[0]["last_error"] is None
    assert "cut off" not in run("hub", "list").stdout


def test_plan_warns_that_the_files_on_disk_are_not_in_force(run, db: Database):
    finding = Finding(Place("mappings/acme.yaml", 3, 1), "`role` is missing", "name one")
    with db.write() as tx:
        revisions.note_trouble(tx, [finding], db.clock.now())
    result = run("plan")
    assert result.exit_code == 0
    assert result.stderr == f"warning: the mapping files on disk are not in force: {finding}\n"


def test_plan_says_that_pushes_the_engine_has_not_seen_are_in_it(run, db: Database):
    add_hub(db)
    person_id, now = add_user(db, "okta", "ana"), db.clock.now()
    with db.write() as tx:
        revisions.publish(tx, {"mappings/acme.yaml": MAPPING}, actor="cli:eve", now=now)
        mark_people(tx, [person_id], now=now)
    shown = run("plan", "acme").stdout
    assert "1 pushed change not worked out by the engine yet: included in this plan\n" in shown


def test_status_for_people_has_no_words_of_python(run, db: Database):
    shown = run("status").stdout
    assert "runs: no, changes waiting: 0, oldest waiting: 0s" in shown


def test_a_hub_with_a_mapping_file_is_not_forgotten(run, db: Database):
    add_hub(db)
    result = run("hub", "forget", "acme")
    assert result.exit_code == 1
    assert "acme" in result.stderr


def test_status_is_1_without_an_engine_0_with_one_and_3_when_only_a_word_is_missing(run, db: Database):
    assert run("status").exit_code == 1
    lock = EngineLock(db)
    lock.acquire()
    assert run("status", "--json").exit_code == 0
    add_hub(db, last_success_at=db.clock.now())
    add_task(db, add_user(db, "okta", "ana"), "held")
    result = run("status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["hubs"]["acme"]["held"]) == (3, 1)
    lock.release()


def test_tasks_are_listed_by_state(run, db: Database):
    add_hub(db)
    person_id = add_user(db, "okta", "ana")
    for state in ("done", "failed"):
        add_task(db, person_id, state)
    (task,) = json.loads(run("tasks", "list", "--state", "failed", "--json").stdout)
    assert (task["state"], task["person_id"]) == ("failed", f"p{person_id}")


def test_names_are_data_and_no_markup_in_them_is_obeyed(run, db: Database):
    add_hub(db, last_error="[red]down[/red]", last_error_at=db.clock.now())
    assert "[red]down[/red]" in run("hub", "list").stdout


def test_what_nobody_foresaw_is_one_line_and_no_traceback(run, db: Database, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise RuntimeError("token scb-00-11")

    monkeypatch.setattr("scim_bridge.cli.source.sources.list_sources", broken)
    result = run("source", "list")
    assert result.exit_code == 1
    assert result.stderr == (
        "scim-bridge: unexpected RuntimeError; run it again with SCIM_BRIDGE_LOG_LEVEL=debug for the details\n"
    )
