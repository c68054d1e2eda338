"""Whether a person is anybody in an app already; the directory asks before it joins people."""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.tables import AppliedRow, InvitationRow
from scim_bridge.hubs.tables import AccountRow


def is_linked(tx: Tx, person_id: int) -> bool:
    """True: an account is linked to the person, something applied is theirs, or an invitation is under way."""
    linked = sa.exists().where(AccountRow.person_id == person_id, AccountRow.gone_at.is_(None))
    applied = sa.exists().where(AppliedRow.person_id == person_id)
    invited = sa.exists().where(InvitationRow.person_id == person_id, InvitationRow.ended_at.is_(None))
    return bool(tx.execute(sa.select(sa.or_(linked, applied, invited))).scalar())
