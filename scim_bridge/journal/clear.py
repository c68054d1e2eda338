"""Take entries out again: those past their time, and those of a source that never was one."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.journal.read import first_since
from scim_bridge.journal.tables import RequestRow

_SLICE = 5_000  # some 20 ms: pushes wait no longer for a clearing


def clear_slice(tx: Tx, before: datetime) -> bool:
    """Delete a slice of what is older than ``before``. True: there may be more."""
    oldest: int | None = tx.scalar(sa.select(sa.func.min(RequestRow.id)))
    if oldest is None:
        return False
    end = first_since(tx, before)
    upto = min(end, oldest + _SLICE)
    tx.execute(sa.delete(RequestRow).where(RequestRow.id < upto))
    return upto < end


def forget_source(tx: Tx, source_id: int, *, since: datetime | None = None) -> int:
    """Delete the entries of a source; how many. ``since`` (when it was made) spares looking at all that is older."""
    is_its = RequestRow.source_id == source_id
    if since is not None:
        is_its = sa.and_(is_its, RequestRow.id >= first_since(tx, since))
    return tx.execute(sa.delete(RequestRow).where(is_its)).rowcount
