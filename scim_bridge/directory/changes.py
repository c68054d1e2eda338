"""Note down that somebody or some group changed, in the transaction that changed them.

One row however large the group is: fan-out turns it into people later, off the request's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx, upsert
from scim_bridge.directory.tables import Group, GroupChange, Person, PersonChange

_AT_ONCE = 500  # ids in one statement: well below SQLite's limit on variables

_RAISE_PEOPLE = (
    sa.update(Person)
    .where(Person.id.in_(sa.bindparam("people", expanding=True)))
    .values(generation=Person.generation + 1)
    .returning(Person.id, Person.generation)
)
_RAISE_GROUP = (
    sa.update(Group)
    .where(Group.id == sa.bindparam("group"))
    .values(generation=Group.generation + 1)
    .returning(Group.generation)
)
_GROUP_CHANGED = sa.insert(GroupChange)


def mark_people(tx: Tx, person_ids: Sequence[int], *, now: datetime) -> None:
    """Raise each person's generation and leave one change row each, at that generation."""
    for start in range(0, len(person_ids), _AT_ONCE):
        some = person_ids[start : start + _AT_ONCE]
        raised = tx.execute(_RAISE_PEOPLE, {"people": some}).all()
        upsert(
            tx,
            PersonChange,
            [{"person_id": row.id, "generation": row.generation, "changed_at": now} for row in raised],
            keys=["person_id"],
            update=["generation", "changed_at"],
        )


def mark_group(tx: Tx, group_id: int, *, person_ids: Sequence[int] | None, now: datetime) -> None:
    """Leave one change row for a group: these people came or went; None: whoever is in it, nested groups too."""
    generation = tx.execute(_RAISE_GROUP, {"group": group_id}).scalar_one()
    row = {
        "group_id": group_id,
        "generation": generation,
        "person_ids": None if person_ids is None else list(person_ids),
        "changed_at": now,
    }
    tx.execute(_GROUP_CHANGED, row)
