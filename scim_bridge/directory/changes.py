"""Note down that somebody or some group changed, in the transaction that changed them.

One row however large the group is: fan-out turns it into people later, off the request's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx, insert_for
from scim_bridge.directory.keys import bound_numbers
from scim_bridge.directory.tables import GroupChange, Person, PersonChange
from scim_bridge.prepared import Prepared, insert_of

NEW_CHANGE = insert_of(PersonChange, "person_id", "generation", "changed_at")
_GROUP_CHANGED = insert_of(GroupChange, "group_id", "person_ids", "changed_at")


@Prepared
def _raise(dialect: str) -> Any:
    return _raised(dialect)


@Prepared
def _note(dialect: str) -> Any:
    at = sa.bindparam("now", type_=PersonChange.changed_at.type)
    chosen = Person.id.in_(bound_numbers(dialect, "people"))
    return _noted(dialect, sa.select(Person.id, Person.generation, at).where(chosen))


def _raised(dialect: str) -> sa.Update:
    chosen = Person.id.in_(bound_numbers(dialect, "people"))
    return sa.update(Person).where(chosen).values(generation=Person.generation + 1)


def _noted(dialect: str, raised: sa.Select[Any]) -> Any:
    insert = insert_for(dialect, PersonChange).from_select(["person_id", "generation", "changed_at"], raised)
    newer = {name: insert.excluded[name] for name in ("generation", "changed_at")}
    return insert.on_conflict_do_update(index_elements=["person_id"], set_=newer)


def _both(dialect: str) -> Any:
    raised = _raised(dialect).returning(Person.id, Person.generation).cte("raised")
    at = sa.bindparam("now", type_=PersonChange.changed_at.type)
    return _noted(dialect, sa.select(raised.c.id, raised.c.generation, at))


_raise_and_note = Prepared(_both, is_once=True)


def mark_people(tx: Tx, person_ids: Sequence[int], *, now: datetime) -> None:
    """Raise each person's generation and leave one change row each, at that generation."""
    if not person_ids:
        return
    people = {"people": list(person_ids), "now": now}
    if tx.dialect.name == "sqlite":
        _raise.run(tx, people)
        _note.run(tx, people)
    else:
        _raise_and_note.later(tx, people)


def mark_group(tx: Tx, group_id: int, *, person_ids: Sequence[int] | None, now: datetime) -> None:
    """Leave one change row for a group: these people came or went; None: whoever is in it, nested groups too."""
    people = None if person_ids is None else list(person_ids)
    _GROUP_CHANGED.later(tx, {"group_id": group_id, "person_ids": people, "changed_at": now})
