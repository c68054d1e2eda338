"""Drop all that is known of a detached hub: accounts, links, names, tasks. Its seats in the app stay."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.tables import AccessRow, AppliedRow, DriftRow, InvitationRow, Pair, Reservation, Task
from scim_bridge.errors import Conflict
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import AccountRow, Binding, Hub


def forget_hub(tx: Tx, hub_id: str, *, actor: str, now: datetime) -> None:
    """Forget a hub whose mapping file is gone. Raises ``Conflict`` while the file is there."""
    require_hub(tx, hub_id)
    if tx.execute(sa.select(Hub.detached_at).where(Hub.id == hub_id)).scalar() is None:
        raise Conflict(f"hub {hub_id} still has its mapping file", advice="remove the file first")
    hangs_on_it = (
        AccountRemoval,
        ApprovalRow,
        AccessRow,
        AppliedRow,
        DriftRow,
        InvitationRow,
        Pair,
        Reservation,
        Task,
        Binding,
    )
    for table in (*hangs_on_it, AccountRow):
        tx.execute(sa.delete(table).where(table.hub_id == hub_id))
    tx.execute(sa.delete(Hub).where(Hub.id == hub_id))
    record(tx, at=now, actor=actor, action="hub.forgotten", hub_id=hub_id)
