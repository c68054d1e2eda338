"""Marks: exact totals and pages of a large source without counting it (PostgreSQL only)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from databases import NOON

from scim_bridge.db import Database, Tx
from scim_bridge.directory import sources, users
from scim_bridge.directory.marks import Ladder, Marks
from scim_bridge.directory.pages import USER_SHELF, Scope
from scim_bridge.directory.sources import SourceRef

pytestmark = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


@pytest.fixture
def source(db: Database) -> SourceRef:
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="generic", joins=True, now=NOON)
    return SourceRef(source_id, "okta", "generic", joins=True)


def _add(tx: Tx, source: SourceRef, *names: str) -> list[str]:
    return [users.create_user(tx, source, {"userName": name, "active": True}, now=NOON).scim_id for name in names]


@pytest.fixture
def ids(db: Database, source: SourceRef) -> list[str]:
    """Seven users, u1 to u7."""
    with db.write() as tx:
        return _add(tx, source, *(f"u{number}" for number in range(1, 8)))


@pytest.fixture
def marks(db: Database, source: SourceRef, ids: list[str]) -> Marks:
    """A mark at every second user, wanted at once."""
    marks = Marks(db, step=2, least=1, pause_s=0)
    marks.note(source.id, None, 7)
    return marks


@pytest.fixture
def ladder(marks: Marks, source: SourceRef) -> Ladder:
    found = marks.find(source.id)
    assert found is not None
    return found


def _total(db: Database, ladder: Ladder, source: SourceRef) -> int | None:
    with db.read() as tx:
        return ladder.total(tx, source.id)


def test_a_small_source_gets_no_ladder(db: Database, source: SourceRef, ids: list[str]) -> None:
    marks = Marks(db)
    marks.note(source.id, None, 7)
    assert marks.find(source.id) is None


def test_new_users_are_counted_on(db: Database, source: SourceRef, ladder: Ladder) -> None:
    assert (len(ladder.ids), _total(db, ladder, source)) == (3, 7)
    with db.write() as tx:
        _add(tx, source, "u8", "u9")
    assert _total(db, ladder, source) == 9


def test_users_of_other_sources_do_not_count(db: Database, source: SourceRef, ladder: Ladder) -> None:
    with db.write() as tx:
        other = sources.add_source(tx, name="entra", kind="generic", joins=True, now=NOON)
        _add(tx, SourceRef(other, "entra", "generic", joins=True), "u1")
    assert _total(db, ladder, source) == 7


@pytest.mark.parametrize("offset", range(9))
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_from_marks_are_the_same(
    db: Database, source: SourceRef, ladder: Ladder, offset: int, limit: int
) -> None:
    with db.read() as tx:
        marked = USER_SHELF.at(tx, Scope(source.id, None, ladder), offset=offset, limit=limit, total=7)
        plain = USER_SHELF.at(tx, Scope(source.id), offset=offset, limit=limit, total=7)
    assert marked == plain
    assert [row.document["userName"] for row in plain] == [f"u{n}" for n in range(1, 8)][offset : offset + limit]


def test_a_deletion_ends_a_ladder_and_a_new_one_is_made(
    db: Database, source: SourceRef, ids: list[str], marks: Marks, ladder: Ladder
) -> None:
    with db.write() as tx:
        users.delete_user(tx, source, ids[0], now=NOON)
    assert _total(db, ladder, source) is None
    marks.note(source.id, None, 6)
    again = marks.find(source.id)
    assert again is not None
    assert again != ladder
    assert _total(db, again, source) == 6


@pytest.fixture
def slow(db: Database) -> Iterator[Tx]:
    """A writer that takes its time and then commits; the rest of the test runs meanwhile."""
    with ExitStack() as stack:
        yield stack.enter_context(db.write())


def test_no_ladder_is_made_while_a_smaller_id_may_still_come(
    db: Database, source: SourceRef, marks: Marks, slow: Tx
) -> None:
    _add(slow, source, "slow")
    with db.write() as tx:
        _add(tx, source, "fast")  # a larger id, committed first
    assert marks.find(source.id) is None


def test_no_ladder_is_made_while_a_deletion_is_under_way(
    db: Database, source: SourceRef, ids: list[str], marks: Marks, slow: Tx
) -> None:
    users.delete_user(slow, source, ids[0], now=NOON)
    assert marks.find(source.id) is None


def test_a_deletion_under_way_ends_a_ladder_before_it_commits(
    db: Database, source: SourceRef, ids: list[str], ladder: Ladder, slow: Tx
) -> None:
    users.delete_user(slow, source, ids[0], now=NOON)
    assert _total(db, ladder, source) is None
