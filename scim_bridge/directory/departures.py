"""Note down who leaves a source, in the push that says so: a source that loses many at once shows in a count.

Only deactivations and deletions pay for it, one row each; whoever is back is taken out again. A user that was
inactive before is no loss when it is deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx, insert_for
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Departure
from scim_bridge.prepared import Prepared

_COLUMNS = ("scim_id", "source_id", "person_id", "at")


@Prepared
def _leaves(dialect: str) -> Any:
    bound = {name: sa.bindparam(name, type_=getattr(Departure, name).type) for name in _COLUMNS}
    statement = insert_for(dialect, Departure).values(bound)
    newer = {name: statement.excluded[name] for name in _COLUMNS[1:]}
    return statement.on_conflict_do_update(index_elements=["scim_id"], set_=newer)


_returns = Prepared(lambda _: sa.delete(Departure).where(Departure.scim_id == sa.bindparam("user")))


def note_departure(tx: Tx, source: SourceRef, scim_id: str, person_id: int, *, now: datetime) -> None:
    """This user was active and is not any more. A probe's users are nobody's loss."""
    if not source.is_probe:
        _leaves.later(tx, {"scim_id": scim_id, "source_id": source.id, "person_id": person_id, "at": now})


def note_return(tx: Tx, scim_id: str) -> None:
    """It is active again."""
    _returns.later(tx, {"user": scim_id})
