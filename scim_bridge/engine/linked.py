"""Whether a person holds anything in any app: who does is never joined with somebody else by a changed address."""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.tables import AppliedRow, InvitationRow
from scim_bridge.hubs.tables import AccountRow, Hub


def is_linked(tx: Tx, person_id: int) -> bool:
    """An account is this person's, an invitation of theirs is under way, or access of theirs is ours."""
    applied = sa.select(AppliedRow.person_id).where(AppliedRow.person_id == person_id)
    linked = sa.select(AccountRow.id).where(AccountRow.person_id == person_id)
    invited = sa.select(InvitationRow.id).where(
        InvitationRow.hub_id.in_(sa.select(Hub.id)),  # its index begins with the hub
        InvitationRow.person_id == person_id,
        InvitationRow.ended_at.is_(None),
    )
    return bool(tx.scalar(sa.select(sa.or_(applied.exists(), linked.exists(), invited.exists()))))
