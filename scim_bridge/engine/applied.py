"""What is ours: the rows of *applied*, written when something was brought about or adopted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.tables import AppliedRow

_DROP = sa.delete(AppliedRow).where(
    AppliedRow.hub_id == sa.bindparam("of_hub"),
    AppliedRow.person_id == sa.bindparam("of_person"),
    AppliedRow.thing.in_(sa.bindparam("things", expanding=True)),
)


def set_applied(tx: Tx, hub_id: str, person_id: int, things: Mapping[str, frozenset[str]], *, now: datetime) -> None:
    """From now on these roles are ours on these things; an empty set: nothing of the thing is."""
    tx.execute(_DROP, {"of_hub": hub_id, "of_person": person_id, "things": list(things)})
    rows = [
        {"hub_id": hub_id, "person_id": person_id, "thing": thing, "role": role, "at": now}
        for thing, roles in things.items()
        for role in sorted(roles)
    ]
    if rows:
        tx.execute(sa.insert(AppliedRow), rows)


def clear_applied(tx: Tx, hub_id: str, person_id: int) -> None:
    """Nothing of this person in this hub is ours any more."""
    tx.execute(sa.delete(AppliedRow).where(AppliedRow.hub_id == hub_id, AppliedRow.person_id == person_id))
