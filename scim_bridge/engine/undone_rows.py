"""The rows of what was undone: read with a scene, written by an undo, dropped when they are over or released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx, upsert
from scim_bridge.engine.runs import run_name
from scim_bridge.engine.tables import UndoneRow
from scim_bridge.engine.undone import Undone

_OF_PEOPLE = (
    sa.select(UndoneRow)
    .where(UndoneRow.hub_id == sa.bindparam("hub"), UndoneRow.person_id.in_(sa.bindparam("people", expanding=True)))
    .order_by(UndoneRow.person_id, UndoneRow.thing)
)


def load_undone(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, list[Undone]]:
    """What was undone for these people in this hub."""
    found: dict[int, list[Undone]] = {}
    for row in tx.execute(_OF_PEOPLE, {"hub": hub_id, "people": person_ids}):
        against = {thing: frozenset(roles) for thing, roles in row.against.items()}
        undone = Undone(row.thing, frozenset(row.roles), against, run_name(row.run_id), row.actor, row.at)
        found.setdefault(row.person_id, []).append(undone)
    return found


def keep_undone(tx: Tx, hub_id: str, kept: Mapping[int, Sequence[Undone]], *, run_id: int) -> None:
    """Keep these from now on, by person, in place of what was kept on the same things."""
    rows = [
        {
            "hub_id": hub_id,
            "person_id": person_id,
            "thing": each.thing,
            "roles": sorted(each.roles),
            "against": {thing: sorted(roles) for thing, roles in each.against.items()},
            "run_id": run_id,
            "actor": each.actor,
            "at": each.at,
        }
        for person_id, undone in kept.items()
        for each in undone
    ]
    upsert(
        tx,
        UndoneRow,
        rows,
        keys=["hub_id", "person_id", "thing"],
        update=["roles", "against", "run_id", "actor", "at"],
    )


def end_undone(
    tx: Tx, hub_id: str, person_id: int, things: Iterable[str], *, why: str, actor: str, now: datetime
) -> bool:
    """The rules have their way about these things again. False: nothing was kept on them.

    What was kept on assets with a seat goes with the seat's.
    """
    chosen = set(things)
    mine = sa.and_(UndoneRow.hub_id == hub_id, UndoneRow.person_id == person_id)
    which = mine if SEAT in chosen else sa.and_(mine, UndoneRow.thing.in_(sorted(chosen)))
    gone = tx.execute(sa.delete(UndoneRow).where(which).returning(UndoneRow.thing)).scalars().all()
    if gone:
        detail = {"things": sorted(gone), "why": why}
        record(tx, at=now, actor=actor, action="undo.ended", hub_id=hub_id, person_id=person_id, detail=detail)
    return bool(gone)
