"""Many rows by one statement, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from scim_bridge.db import Database, JsonText, Tx
from scim_bridge.directory.tables import Person
from scim_bridge.engine.tables import AccessRow
from scim_bridge.prepared import PreparedRows, insert_rows

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _writing(dialect: str, given: Mapping[str, Any]) -> Any:
    statement = insert_rows(dialect, AccessRow, given)
    newer = {name: statement.excluded[name] for name in ("role", "lost_at")}
    return statement.on_conflict_do_update(index_elements=["hub_id", "person_id"], set_=newer)


def _taking(_: str, given: Mapping[str, Any]) -> Any:
    return sa.delete(AccessRow).where(AccessRow.hub_id == given["hub"], AccessRow.person_id == given["who"])


WRITE = PreparedRows({column.name: column.type for column in AccessRow.__table__.columns}, _writing)
TAKE = PreparedRows({"hub": sa.String(), "who": sa.Integer()}, _taking)


def row(person_id: int, role: str | None, **more: Any) -> dict[str, Any]:
    empty = {column.name: None for column in AccessRow.__table__.columns if column.nullable}
    return {
        **empty,
        "hub_id": "acme",
        "person_id": person_id,
        "generation": 2**40,
        "revision": 1,
        "role": role,
        "assets": {'team/"core"': ["member"]},
        "because": JsonText("{}"),
        "lower": JsonText("{}"),
        "disabled": False,
        "changed_at": NOON,
        **more,
    }


@pytest.fixture
def people(db: Database) -> list[int]:
    with db.write() as tx:
        return [
            tx.execute(sa.insert(Person).values(generation=0, created_at=NOON).returning(Person.id)).scalar_one()
            for _ in range(3)
        ]


def stored(tx: Tx) -> list[Any]:
    return list(tx.execute(sa.select(AccessRow).order_by(AccessRow.person_id)).all())


def test_values_arrive_as_they_are(db: Database, people: list[int]) -> None:
    with db.write() as tx:
        WRITE.run(tx, [row(people[0], "Größe 'x' \\ \"y\"", lost_at=NOON), row(people[1], None)])
        one, other = stored(tx)
    assert (one.role, one.lost_at, one.generation, one.disabled) == ("Größe 'x' \\ \"y\"", NOON, 2**40, False)
    assert (one.assets, one.because, one.changed_at) == ({'team/"core"': ["member"]}, {}, NOON)
    assert (other.role, other.lost_at) == (None, None)


def test_a_row_that_is_there_is_changed(db: Database, people: list[int]) -> None:
    with db.write() as tx:
        WRITE.run(tx, [row(people[0], "member"), row(people[1], "member")])
        WRITE.run(tx, [row(people[1], "owner"), row(people[2], "guest")])
        assert [one.role for one in stored(tx)] == ["member", "owner", "guest"]


def test_rows_are_taken_away(db: Database, people: list[int]) -> None:
    with db.write() as tx:
        WRITE.run(tx, [row(person_id, "member") for person_id in people])
        TAKE.run(tx, [{"hub": "acme", "who": people[0]}, {"hub": "other", "who": people[1]}])
        assert [one.person_id for one in stored(tx)] == people[1:]


def test_no_rows_are_nothing_to_do(db: Database) -> None:
    with db.write() as tx:
        WRITE.run(tx, [])
        assert stored(tx) == []


def test_a_refusal_is_sqlalchemys(db: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), db.write() as tx:
        WRITE.run(tx, [row(4711, "member")])
