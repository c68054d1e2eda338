"""Which request leaves which entry, when it is there, and what is lost."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON
from journal_kit import Okta

from scim_bridge.db import Database
from scim_bridge.directory import users
from scim_bridge.journal import journal as journal_module
from scim_bridge.journal.clear import clear_slice
from scim_bridge.journal.entry import Asked, new_request_id, time_of, to_us
from scim_bridge.journal.journal import Journal
from scim_bridge.journal.read import begins_at, bringer, find_requests, first_since, last_write
from scim_bridge.journal.tables import RequestRow
from scim_bridge.kept import Kept

PASSWORD = {"op": "replace", "value": {"password": "correct horse"}}


def until(check: Callable[[], Any]) -> None:
    deadline_s = monotonic() + 5
    while not check():
        assert monotonic() < deadline_s
        sleep(0.01)


def enter(db: Database, journal: Journal, **more: Any) -> None:
    """One entry of a write, hours after noon."""
    asked = Asked(more.get("request_id", "0" * 32), more.get("method", "PATCH"), more.get("target", "/Users"))
    at = NOON + timedelta(hours=more.get("hours", 0))
    raw = json.dumps(more["body"]).encode() if "body" in more else b""
    with db.write() as tx:
        journal.enter(
            tx,
            asked,
            at=at,
            source_id=more.get("source_id", 1),
            status=200,
            location=None,
            size=len(raw),
            body=journal.body(raw),
        )


# Entries


def test_the_entry_of_a_write_is_there_with_the_write(okta: Okta) -> None:
    body = {"userName": "ada@example.com", "password": "correct horse"}
    scim_id = okta.user("ada@example.com", password="correct horse")
    (entry,) = okta.committed()
    view = entry.view
    assert (view.method, view.target, view.status, view.subject) == ("POST", "/Users", 201, f"user:{scim_id}")
    assert (view.at, view.size, view.lost) == (NOON, len(json.dumps(body)), None)
    assert view.took_us > 0
    assert json.loads(entry.body or b"") == {"userName": "ada@example.com", "password": "[secret]"}
    assert entry.answer is None


def test_every_write_names_what_it_was_about(okta: Okta) -> None:
    ada, staff = okta.user("ada@example.com"), okta.group("Staff")
    okta.patch(f"/Groups/{staff}", {"op": "add", "path": "members", "value": [{"value": ada}]})
    okta.patch(f"/Users/{ada}", PASSWORD)
    okta.send("DELETE", f"/Users/{ada}?x=1")
    entries = okta.committed()
    assert [(one.view.method, one.view.status, one.view.subject) for one in entries[2:]] == [
        ("PATCH", 204, f"group:{staff}"),
        ("PATCH", 200, f"user:{ada}"),
        ("DELETE", 204, f"user:{ada}"),
    ]
    assert entries[-1].view.target == f"/Users/{ada}?x=1"
    assert (entries[-1].view.size, entries[-1].body) == (None, None)
    assert b"correct horse" not in (entries[3].body or b"")


def test_the_entry_of_a_read_comes_with_the_next_flush(okta: Okta) -> None:
    okta.send("GET", "/Users?filter=userName%20eq%20%22ada%40example.com%22&count=1")
    assert okta.committed() == []
    (entry,) = okta.flushed()
    assert (entry.view.method, entry.view.status, entry.view.subject) == ("GET", 200, None)
    assert entry.view.target == '/Users?filter=userName eq "ada@example.com"&count=1'
    assert (entry.body, entry.answer) == (None, None)


def test_the_journal_flushes_by_itself(okta: Okta) -> None:
    okta.send("GET", "/Users")
    until(okta.committed)


def test_what_was_refused_is_kept_with_the_answer(okta: Okta) -> None:
    okta.user("ada@example.com")
    okta.send("POST", "/Users", {"userName": "ADA@example.com", "password": "correct horse"})
    okta.send("GET", "/Users/no-such-user")
    okta.send("PUT", "/Users")
    taken, missing, wrong_verb = okta.flushed()[1:]
    assert (taken.view.status, missing.view.status, wrong_verb.view.status) == (409, 404, 405)
    assert json.loads(taken.answer or b"")["scimType"] == "uniqueness"
    assert json.loads(taken.body or b"")["password"] == "[secret]"
    assert taken.view.subject is None


def test_each_operation_of_bulk_has_an_entry_with_the_request_id_of_the_whole(okta: Okta) -> None:
    data = {"userName": "ada@example.com", "password": "correct horse"}
    okta.send(
        "POST",
        "/Bulk",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": data},
                {"method": "DELETE", "path": "/Users/no-such-user"},
            ],
        },
    )
    made, refused, whole = okta.flushed()
    assert len({one.view.request_id for one in (made, refused, whole)}) == 1
    assert [(one.view.method, one.view.target, one.view.status) for one in (made, refused, whole)] == [
        ("POST", "/Users", 201),
        ("DELETE", "/Users/no-such-user", 404),
        ("POST", "/Bulk", 200),
    ]
    assert (made.view.subject or "").startswith("user:")
    assert json.loads(made.body or b"") == {"userName": "ada@example.com", "password": "[secret]"}
    assert b"correct horse" not in (whole.body or b"")


def test_a_request_without_a_valid_token_has_no_entry(okta: Okta) -> None:
    okta.token = "scb-none"
    assert okta.send("GET", "/Users").status_code == 401
    assert okta.flushed() == []


def test_a_write_that_is_rolled_back_takes_its_entry_along(okta: Okta, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError

    ada = okta.user("ada@example.com")
    monkeypatch.setattr(users, "delete_user", broken)
    assert okta.send("DELETE", f"/Users/{ada}").status_code == 500
    assert [one.view.method for one in okta.committed()] == ["POST"]
    (_, failed) = okta.flushed()
    assert (failed.view.status, failed.view.subject) == (500, f"user:{ada}")


def test_of_a_large_body_the_beginning_is_kept_and_its_size(okta: Okta) -> None:
    body = {"displayName": "Staff", "members": [{"value": f"{number:036}"} for number in range(2_000)]}
    okta.send("POST", "/Groups", body)
    (entry,) = okta.committed()
    sent = json.dumps(body).encode()
    assert (entry.body, entry.is_cut, entry.view.size) == (sent[: 64 * 1024], True, len(sent))


def test_any_word_for_a_method_and_any_path_can_be_kept(db: Database, journal: Journal) -> None:
    asked = Asked("f" * 32, "M" * 90, "/Users/\0")
    journal.note(asked, at=NOON, source_id=1, status=405, raw=b"\0", answer=None)
    journal.flush()
    with db.read() as tx:
        row = tx.execute(sa.select(RequestRow.method, RequestRow.target)).one()
    assert tuple(row) == ("M" * 20, "/Users/\ufffd")


# The database is away


def test_while_the_database_is_away_entries_wait_in_their_order(
    okta: Okta, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        okta.send("GET", f"/Users?count={number}")
    nowhere = "sqlite:////nowhere/at.db" if db.is_sqlite else "postgresql+psycopg://nobody@127.0.0.1:1/none"
    with monkeypatch.context() as away:
        away.setattr(db, "_writers", Kept(sa.create_engine(nowhere), None))
        okta.journal.flush()
        assert len(okta.journal._waiting) == 3
    assert [one.view.target for one in okta.flushed()] == ["/Users?count=0", "/Users?count=1", "/Users?count=2"]


def test_what_finds_no_room_is_counted_and_told_after_the_gap(
    okta: Okta, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_module, "_MOST_ENTRIES", 2)
    for number in range(5):
        okta.send("GET", f"/Users?count={number}")
    entries = okta.flushed()
    assert [(one.view.target, one.view.lost) for one in entries] == [("/Users?count=3", 3), ("/Users?count=4", None)]
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        "journal.loses",
        "journal.lost",
    ]


def test_bodies_that_wait_are_bounded_in_bytes(okta: Okta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_MOST_BYTES", 30_000)
    for _ in range(3):
        okta.send("POST", "/Users", {"userName": "", "title": os.urandom(9_000).hex()})
    assert [one.view.lost for one in okta.flushed()] == [1, None]


def test_an_entry_that_no_database_takes_is_counted_and_holds_up_no_other(okta: Okta, db: Database) -> None:
    okta.journal.note(Asked("0" * 32, "GET", "/Users"), at=NOON, source_id=1, status=2**70, raw=None, answer=None)
    okta.journal.flush()
    okta.send("GET", "/Users")
    assert [one.view.lost for one in okta.flushed()] == [1]


def test_closing_flushes_and_the_journal_can_go_on(okta: Okta) -> None:
    okta.send("GET", "/Users")
    okta.journal.close()
    assert len(okta.committed()) == 1
    okta.send("GET", "/Users")
    okta.journal.close()
    assert len(okta.committed()) == 2


def test_after_a_fork_the_child_writes_down_its_own_entries_only(okta: Okta, db: Database) -> None:
    okta.send("GET", "/Users?count=1")
    db.close()
    child = os.fork()
    if child == 0:
        okta.send("GET", "/Users?count=2")
        okta.journal.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert [one.view.target for one in okta.committed()] == ["/Users?count=2"]
    assert [one.view.target for one in okta.flushed()] == ["/Users?count=2", "/Users?count=1"]


# Reading


def test_a_request_is_found_by_its_number_and_by_its_request_id(db: Database, journal: Journal) -> None:
    request_id = f"{to_us(NOON) // 1000:012x}" + "0" * 20
    for hours in range(-40, 40):
        enter(db, journal, hours=hours, request_id="f" * 32)
    enter(db, journal, request_id=request_id, target="/Users/late")  # flushed late: far from its time
    with db.read() as tx:
        (found,) = find_requests(tx, request_id.upper())
        assert find_requests(tx, str(found.view.id)) == [found]
        assert found.view.target == "/Users/late"
        assert [find_requests(tx, text) for text in ("0", "nothing", "8" * 32, "9" * 30)] == [[], [], [], []]


def test_operations_of_one_bulk_request_are_found_together(db: Database, journal: Journal) -> None:
    request_id = f"{to_us(NOON) // 1000:012x}" + "b" * 20
    for target in ("/Users", "/Groups"):
        enter(db, journal, request_id=request_id, target=target)
    with db.read() as tx:
        assert [one.view.target for one in find_requests(tx, request_id)] == ["/Users", "/Groups"]


def test_a_request_id_tells_its_time() -> None:
    assert time_of(f"{to_us(NOON) // 1000:012x}" + "a" * 20) == NOON
    assert time_of("no id") is None
    assert len({new_request_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(("hours", "expected"), [(-9, 1), (0, 1), (1.5, 3), (3, 4), (4, 5)])
def test_a_moment_is_found_among_the_ids(db: Database, journal: Journal, hours: float, expected: int) -> None:
    with db.write() as tx:
        tx.execute(sa.text("DELETE FROM requests"))
        if not db.is_sqlite:
            tx.execute(sa.text("ALTER SEQUENCE requests_id_seq RESTART"))
    for hour in range(4):
        enter(db, journal, hours=hour)
    with db.read() as tx:
        assert first_since(tx, NOON + timedelta(hours=hours)) == expected


def test_an_empty_journal_begins_nowhere(db: Database) -> None:
    with db.read() as tx:
        assert (begins_at(tx), first_since(tx, NOON)) == (None, 1)


# Who brought whom


def test_the_request_that_brought_a_member_is_the_first_after_an_absence(okta: Okta, db: Database) -> None:
    ada, bob = okta.user("ada@example.com"), okta.user("bob@example.com")
    staff = okta.group("Staff", ada)
    add = {"op": "add", "path": "members", "value": [{"value": ada}]}
    okta.patch(f"/Groups/{staff}", {"op": "remove", "path": f'members[value eq "{ada}"]'})
    okta.patch(f"/Groups/{staff}?it=was", add)
    okta.patch(f"/Groups/{staff}?it=again", add, {"op": "add", "path": "members", "value": [{"value": bob}]})
    with db.read() as tx:
        by = [bringer(tx, staff, [each]) for each in (ada, bob, "nobody")]
    assert [one and one.target for one in by] == [f"/Groups/{staff}?it=was", f"/Groups/{staff}?it=again", None]


def test_only_so_many_writes_of_a_group_are_looked_at(
    db: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = "11111111-1111-4111-8111-111111111111"
    monkeypatch.setattr("scim_bridge.journal.read._LOOKED_AT", 6)
    monkeypatch.setattr("scim_bridge.journal.read._AT_ONCE", 2)
    for name in "gfedcba":
        body = {"Operations": [{"op": "add", "path": "members", "value": [{"value": name}]}]}
        enter(db, journal, target=f"/Groups/{group}?{name}", body=body)
    with db.read() as tx:
        found = [bringer(tx, group, [name]) for name in "afg"]
    assert [one and one.target[-1] for one in found] == ["a", "f", None]


def test_a_member_who_was_there_when_the_group_was_made_came_with_it(okta: Okta, db: Database) -> None:
    ada = okta.user("ada@example.com")
    staff = okta.group("Staff", ada)
    with db.read() as tx:
        found = bringer(tx, staff, [ada])
    assert found is not None
    assert found.method == "POST"


def test_the_last_write_of_a_user_is_no_read_and_no_refusal(okta: Okta, db: Database) -> None:
    ada = okta.user("ada@example.com")
    okta.patch(f"/Users/{ada}", {"op": "replace", "value": {"title": "Countess"}})
    okta.send("PATCH", f"/Users/{ada}", {"Operations": [{"op": "remove"}]})
    okta.send("GET", f"/Users/{ada}")
    okta.journal.flush()
    with db.read() as tx:
        found = last_write(tx, ada)
    assert found is not None
    assert (found.method, found.status) == ("PATCH", 200)


# Clearing away


def test_old_entries_go_slice_by_slice(db: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scim_bridge.journal.clear._SLICE", 3)
    for hours in range(5):
        enter(db, journal, hours=hours)
    before = NOON + timedelta(hours=4)
    with db.write() as tx:
        assert clear_slice(tx, before) is True
    with db.write() as tx:
        assert clear_slice(tx, before) is False
        assert tx.scalar(sa.select(sa.func.count()).select_from(RequestRow)) == 1
        tx.execute(sa.delete(RequestRow))
        assert clear_slice(tx, before) is False
