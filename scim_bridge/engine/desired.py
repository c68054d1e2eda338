"""What people should hold, as rows, and the pairs that this gives work to.

Rows are written only over an earlier generation, and the change row goes only if it is still the one that was
read. So a change that comes in between is never lost, and an older answer never wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import JsonText, Tx, to_json
from scim_bridge.directory.keys import bound_numbers, bound_texts
from scim_bridge.directory.tables import Person, PersonChange
from scim_bridge.engine.judging import NEVER, Before, Verdicts, compare, priority_of
from scim_bridge.engine.leave import Since
from scim_bridge.engine.pairs import Wish, want
from scim_bridge.engine.rules import InForce
from scim_bridge.engine.schedule import REPAIRS
from scim_bridge.engine.tables import AccessRow, Task
from scim_bridge.prepared import Prepared, PreparedRows, insert_rows


@Prepared
def _lock_people(dialect: str) -> Any:
    chosen = Person.id.in_(bound_numbers(dialect, "people"))
    return sa.select(Person.id).where(chosen).order_by(Person.id).with_for_update()


_STORED = tuple(column for column in AccessRow.__table__.columns if column.name not in ("revision", "changed_at"))
_DOCUMENTS = ("assets", "because", "lower")  # the same texts again and again: each is read once


@Prepared
def _stored(dialect: str) -> Any:
    columns = (sa.type_coerce(column, sa.Text()) if column.name in _DOCUMENTS else column for column in _STORED)
    return sa.select(*columns).where(AccessRow.person_id.in_(bound_numbers(dialect, "people")))


@Prepared
def _failed(dialect: str) -> Any:
    chosen = Task.person_id.in_(bound_numbers(dialect, "people")), Task.hub_id.in_(bound_texts(dialect, "hubs"))
    return sa.select(Task.hub_id, Task.person_id).where(*chosen, Task.state == "failed").distinct()


def _desiring(dialect: str, given: Mapping[str, Any]) -> Any:
    statement = insert_rows(dialect, AccessRow, given)
    newer = {name: statement.excluded[name] for name in given if name not in ("hub_id", "person_id")}
    return statement.on_conflict_do_update(index_elements=["hub_id", "person_id"], set_=newer)


_desire = PreparedRows({column.name: column.type for column in AccessRow.__table__.columns}, _desiring)


def _telling(_: str, given: Mapping[str, Any]) -> Any:
    same = PersonChange.person_id == given["who"], PersonChange.generation == given["read"]
    return sa.delete(PersonChange).where(*same)


_told = PreparedRows({"who": sa.Integer(), "read": sa.BigInteger()}, _telling)


def write_desired(
    tx: Tx,
    in_force: InForce,
    generations: Mapping[int, int],
    runs: Mapping[int, int | None],
    verdicts: Verdicts,
    *,
    now: datetime,
) -> int:
    """Returns how many pairs are wanted now."""
    people = sorted(generations)
    _lock_people.all(tx, {"people": people})
    before = _before(tx, people)
    rows: list[dict[str, Any]] = []
    wishes: list[Wish] = []
    hubs = in_force.mappings.hubs
    failed = set(_failed.all(tx, {"hubs": list(hubs), "people": people}))
    texts = _Texts()
    for (hub_id, person_id), verdict in verdicts.items():
        old = before.get((hub_id, person_id), NEVER)
        if old.generation > generations[person_id]:
            continue
        row, moved = compare(old, verdict, now=now)
        if row is not None:
            rows.append(
                {
                    "hub_id": hub_id,
                    "person_id": person_id,
                    "generation": generations[person_id],
                    "revision": in_force.revision,
                    "changed_at": now,
                    **row,
                    "assets": texts.of(verdict.assets, row["assets"]),
                    "because": texts.of(verdict.because, row["because"]),
                    "lower": texts.of(verdict.lower, row["lower"]),
                }
            )
        if moved or (hub_id, person_id) in failed:
            priority = priority_of(hubs[hub_id], old, verdict) if moved else REPAIRS
            wishes.append(Wish(hub_id, person_id, priority, hubs[hub_id].safety.settle_s, runs[person_id]))
    _desire.run(tx, rows)
    want(tx, wishes, now=now)
    looked_at(tx, generations)
    return len(wishes)


def looked_at(tx: Tx, generations: Mapping[int, int]) -> None:
    """Done with these people, unless they changed again meanwhile."""
    _told.run(tx, [{"who": person_id, "read": generation} for person_id, generation in generations.items()])


class _Texts:
    """JSON of what many verdicts of a batch share, written once."""

    def __init__(self) -> None:
        self._known: dict[int, JsonText] = {}

    def of(self, shared: object, value: Any) -> JsonText:
        """The text of ``value``, which was made of ``shared``: an object that outlives the batch."""
        text = self._known.get(id(shared))
        if text is None:
            text = self._known[id(shared)] = JsonText(to_json(value))
        return text


_read_json = lru_cache(maxsize=4096)(json.loads)


def _before(tx: Tx, people: Sequence[int]) -> dict[tuple[str, int], Before]:
    found = {}
    for values in _stored.all(tx, {"people": people}):
        row = dict(zip(_NAMES, values, strict=True))
        hub_id, person_id = row.pop("hub_id"), row.pop("person_id")
        for name in _DOCUMENTS:
            row[name] = _read_json(row[name])
        row["since"] = Since.kept(row.pop("lost_at"), row.pop("disabled_at"), disabled=row["disabled"])
        found[hub_id, person_id] = Before(**row)
    return found


_NAMES = tuple(column.name for column in _STORED)
