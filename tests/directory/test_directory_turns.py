"""On PostgreSQL those who change the members of one group take turns: none waits for another that waits for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON

from scim_bridge.db import Database, Tx
from scim_bridge.directory import groups, users
from scim_bridge.directory.delta import MemberDelta
from scim_bridge.directory.memberships import bump, change_members, members_of
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Group

WAITS = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
pytestmark = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


def crossed(
    db: Database, first: Callable[[Tx], None], other: Callable[[Tx], None], second: Callable[[Tx], None]
) -> None:
    """``first`` and ``second`` are one transaction, in the middle of which ``other`` begins and has to wait.

    Where the two wait for each other the database ends one of them, and this raises.
    """

    def work() -> None:
        with db.write() as tx:
            other(tx)

    with ThreadPoolExecutor(1) as pool:
        with db.write() as tx:
            first(tx)
            waiting = pool.submit(work)
            until_it_waits(db, waiting)
            second(tx)
        waiting.result(timeout=20)


def until_it_waits(db: Database, running: Future[None]) -> None:
    with db.read() as tx:
        while not running.done() and not tx.execute(WAITS).scalar_one():
            tx.execute(sa.text("SELECT pg_sleep(0.01)"))


@pytest.fixture
def ada(db: Database, okta: SourceRef) -> users.StoredUser:
    with db.write() as tx:
        return users.create_user(tx, okta, {"userName": "ada", "active": True}, now=NOON)


@pytest.fixture
def staff(db: Database, okta: SourceRef) -> groups.StoredGroup:
    with db.write() as tx:
        return groups.create_group(tx, okta, {"displayName": "Staff"}, (), now=NOON)


def members(db: Database, group: groups.StoredGroup) -> list[Any]:
    with db.read() as tx:
        return [member.value for member in members_of(tx, [group.id])[group.id]]


def test_an_add_and_a_replace(db: Database, okta: SourceRef, ada: users.StoredUser, staff: groups.StoredGroup) -> None:
    add = MemberDelta(add=(ada.scim_id,))

    def begin_to_add(tx: Tx) -> None:
        groups.get_group(tx, okta.id, staff.scim_id, keep=True)
        change_members(tx, okta.id, staff.id, add, now=NOON)

    def replace(tx: Tx) -> None:
        group = groups.get_group(tx, okta.id, staff.scim_id, lock=True)
        groups.change_group(tx, okta, group, group.document, MemberDelta(True, (ada.scim_id, "later")), now=NOON)

    crossed(db, begin_to_add, replace, lambda tx: bump(tx, [staff.id]))
    assert members(db, staff) == [ada.scim_id, "later"]


def test_an_add_and_a_deletion_of_the_group(
    db: Database, okta: SourceRef, ada: users.StoredUser, staff: groups.StoredGroup
) -> None:
    def begin_to_add(tx: Tx) -> None:
        groups.get_group(tx, okta.id, staff.scim_id, keep=True)
        change_members(tx, okta.id, staff.id, MemberDelta(add=(ada.scim_id,)), now=NOON)

    crossed(
        db,
        begin_to_add,
        lambda tx: groups.delete_group(tx, okta, staff.scim_id, now=NOON),
        lambda tx: bump(tx, [staff.id]),
    )
    assert members(db, staff) == []


def test_a_replace_and_a_deletion_of_a_member(
    db: Database, okta: SourceRef, ada: users.StoredUser, staff: groups.StoredGroup
) -> None:
    with db.write() as tx:
        groups.change_group(tx, okta, staff, staff.document, MemberDelta(add=(ada.scim_id, "later")), now=NOON)

    def begin_to_replace(tx: Tx) -> None:
        groups.get_group(tx, okta.id, staff.scim_id, lock=True)

    def replace(tx: Tx) -> None:
        group = groups.get_group(tx, okta.id, staff.scim_id, lock=True)
        groups.change_group(tx, okta, group, group.document, MemberDelta(remove=(ada.scim_id,)), now=NOON)

    crossed(db, begin_to_replace, lambda tx: users.delete_user(tx, okta, ada.scim_id, now=NOON), replace)
    assert members(db, staff) == ["later"]


def test_two_who_raise_the_versions_of_the_same_groups(
    db: Database, okta: SourceRef, staff: groups.StoredGroup
) -> None:
    with db.write() as tx:
        later = groups.create_group(tx, okta, {"displayName": "Later"}, (), now=NOON)
        tx.execute(sa.update(Group).where(Group.id == staff.id).values(changed_at=NOON))  # now it lies behind the other

    crossed(
        db,
        lambda tx: bump(tx, [staff.id]),
        lambda tx: bump(tx, [staff.id, later.id]),
        lambda tx: bump(tx, [later.id]),
    )
    with db.read() as tx:
        versions = tx.execute(sa.select(Group.version).order_by(Group.id)).scalars().all()
    assert list(versions) == [3, 3]
