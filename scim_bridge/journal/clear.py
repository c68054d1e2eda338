"""Take entries out again that are past their time."""

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
