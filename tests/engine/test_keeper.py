"""What happens by the clock: mapping files, readings, probes, and clearing away."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.audit.record import record
from scim_bridge.audit.tables import AuditRow
from scim_bridge.directory import groups
from scim_bridge.directory.tables import PendingMember
from scim_bridge.engine.keeper import Keeper
from scim_bridge.engine.tables import Reservation, Task
from scim_bridge.hubs.tables import Hub
from scim_bridge.journal.entry import Asked, to_us
from scim_bridge.journal.journal import Journal
from scim_bridge.journal.tables import RequestRow
from scim_bridge.mapping import revisions
from scim_bridge.settings import Retention

DATABASES = ("sqlite",)


@pytest.fixture
def folder(world: World) -> World:
    world.settings.mappings.mkdir()
    return world


def write(world: World, text: str) -> None:
    (world.settings.mappings / "acme.yaml").write_text(text, encoding="utf-8")


def until(check: Callable[[], Any]) -> None:
    deadline_s = monotonic() + 5
    while not check():
        assert monotonic() < deadline_s
        sleep(0.01)


def test_changed_files_are_put_in_force(folder: World) -> None:
    write(folder, mapping())
    assert folder.keeper.watch_mappings(folder.now) is True
    assert folder.keeper.watch_mappings(folder.now) is False
    assert folder.hub().mode == "live"


def test_an_invalid_set_never_replaces_the_one_in_force(folder: World) -> None:
    write(folder, mapping())
    folder.keeper.watch_mappings(folder.now)
    write(folder, "app: nowhere\n")
    assert folder.keeper.watch_mappings(folder.now) is False
    with folder.db.read() as tx:
        trouble = revisions.trouble(tx)
        assert list(folder.rules.in_force(tx).mappings.hubs) == ["acme"]
    assert trouble is not None
    assert "mappings/acme.yaml:1" in trouble.findings[0]
    write(folder, mapping())
    folder.keeper.watch_mappings(folder.now)
    with folder.db.read() as tx:
        assert revisions.trouble(tx) is None


def test_a_file_whose_name_is_no_text_is_told_like_any_other(folder: World) -> None:
    write(folder, mapping())
    folder.keeper.watch_mappings(folder.now)
    Path(os.fsdecode(os.fsencode(folder.settings.mappings) + b"/z\xff.yaml")).write_text(mapping())
    assert folder.keeper.watch_mappings(folder.now) is False
    with folder.db.read() as tx:
        trouble = revisions.trouble(tx)
        assert list(folder.rules.in_force(tx).mappings.hubs) == ["acme"]
    assert trouble is not None
    assert trouble.findings[0].startswith(r"mappings/z\udcff.yaml:1:1: the file's name is the hub's id")


def test_a_sweep_reads_the_hub_that_is_due(folder: World) -> None:
    write(folder, mapping())
    assert folder.keeper.step() is True
    until(lambda: folder.hub().observed_at is not None)
    assert folder.app.readings == 1
    folder.keeper.step()
    assert folder.app.readings == 1


def test_a_sweep_probes_the_hub_that_is_due(live: World) -> None:
    live.settings.mappings.mkdir()
    write(live, mapping())
    with live.db.write() as tx:
        tx.execute(sa.update(Hub).values(attention="401", probe_at=live.now))
    live.keeper.step()
    until(lambda: live.hub().attention is None)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"attention": "401"}, id="needs-attention"),
        pytest.param({"resting_until": datetime.fromisoformat("2026-11-23T00:00:00+00:00")}, id="rests"),
        pytest.param(
            {"check_owner": "x", "check_lease_until": datetime.fromisoformat("2026-11-23T00:00:00+00:00")}, id="is-read"
        ),
    ],
)
def test_a_hub_that_cannot_answer_is_not_read(live: World, values: dict[str, Any]) -> None:
    live.settings.mappings.mkdir()
    write(live, mapping())
    with live.db.write() as tx:
        tx.execute(sa.update(Hub).values(check_at=live.now, **values))
    readings = live.app.readings
    live.keeper.step()
    live.keeper._pool.shutdown(wait=True)
    assert live.app.readings == readings


def kept(world: World, **days: int) -> Keeper:
    settings = replace(world.settings, retention_days=Retention(**{"tasks": 30, "journal": 30, "audit": 30, **days}))
    return Keeper(world.db, world.rules, world.connections, settings)


def test_old_tasks_audit_and_reservations_are_cleared_away_once_an_hour(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.push("ana")
    live.run()
    keeper = kept(live)
    keeper._clear(live.now)
    assert len(live.rows(sa.select(Task))) == 2
    live.clock.advance(days=31)
    with live.db.write() as tx:
        record(tx, at=live.now, actor="engine", action="kept")
    keeper._clear(live.now)
    assert [live.rows(sa.select(table)) for table in (Task, Reservation)] == [[], []]
    assert [row.action for row in live.rows(sa.select(AuditRow.action))] == ["kept"]
    keeper._clear(live.now + timedelta(minutes=59))
    keeper.stop()


def test_zero_days_keep_for_ever(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.clock.advance(days=3650)
    keeper = kept(live, tasks=0, audit=0)
    keeper._clear(live.now)
    assert len(live.rows(sa.select(Task))) == 1
    assert live.rows(sa.select(AuditRow))
    keeper.stop()


def journalled(world: World, *days_ago: int) -> None:
    journal = Journal(world.db)
    for days in days_ago:
        at = world.now - timedelta(days=days)
        journal.note(Asked("0" * 32, "GET", "/Users"), at=at, source_id=1, status=200, raw=None, answer=None)
    journal.close()


def test_old_entries_of_the_journal_are_cleared_away_a_slice_each_sweep(
    folder: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_bridge.journal.clear._SLICE", 2)
    journalled(folder, 20, 19, 18, 15, 13)
    keeper = kept(folder, journal=14)
    left = []
    for _ in range(3):
        keeper.step()
        left.append(len(folder.rows(sa.select(RequestRow.id))))
    assert left == [3, 1, 1]
    assert folder.rows(sa.select(RequestRow.at_us)) == [(to_us(folder.now - timedelta(days=13)),)]
    keeper.stop()


def test_a_journal_of_zero_days_is_kept_for_ever(folder: World) -> None:
    journalled(folder, 3650)
    keeper = kept(folder, journal=0)
    keeper.step()
    assert len(folder.rows(sa.select(RequestRow.id))) == 1
    keeper.stop()


def test_member_ids_that_nobody_came_for_are_forgotten_after_pending_member_days(live: World) -> None:
    with live.db.write() as tx:
        groups.create_group(tx, live.source, {"displayName": "Staff"}, ("00u-unknown",), now=live.now)
    keeper = Keeper(live.db, live.rules, live.connections, replace(live.settings, pending_member_days=7))
    keeper._clear(live.now + timedelta(days=7))
    assert [row.value for row in live.rows(sa.select(PendingMember.value))] == ["00u-unknown"]
    keeper._clear(live.now + timedelta(days=7, hours=1))
    assert live.rows(sa.select(PendingMember)) == []
    keeper.stop()


def test_an_open_reservation_is_never_cleared_away(live: World) -> None:
    with live.db.write() as tx:
        tx.execute(
            sa.insert(Reservation).values(
                hub_id="acme", person_id=1, thing="seat", ends_seat=True, is_open=True, at=live.now
            )
        )
    live.clock.advance(days=365)
    keeper = kept(live)
    keeper._clear(live.now)
    assert live.reservations() == [("seat", True)]
    keeper.stop()
