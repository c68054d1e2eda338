"""What `safety.unmanaged: hold` proposes to remove, as a plan shows it: by these very rules, asked about or not yet.

The engine asks after a trusted reading of a live hub (``unmanaged_holds``); a plan tells beforehand, also in plan mode
and for files that are not in force. So whose seat is wanted comes from the plan's own verdicts, not from the rows.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.people import user_names
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.planned import ProposedRemoval
from scim_bridge.engine.unmanaged import IS_UNMANAGED
from scim_bridge.engine.unmanaged_holds import first_names, removal_of
from scim_bridge.folding import fold
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.tables import AccountRow
from scim_bridge.mapping.model import HubMapping


def proposed_removals(
    tx: Tx, mapping: HubMapping, *, seated: Collection[int], spoken_for: Collection[int]
) -> tuple[ProposedRemoval, ...]:
    """Accounts that are not ours and that nobody is to have, by their names.

    ``seated``: people who are to have a seat; ``spoken_for``: accounts (row ids) that the plan adopts or proposes.
    """
    if mapping.safety.unmanaged != "hold":
        return ()
    is_open = sa.and_(ApprovalRow.account_id == AccountRow.id, ApprovalRow.ended_at.is_(None))
    spared = is_named_by(tx, (*mapping.safety.ignore, *mapping.safety.protect))
    query = (
        sa.select(AccountRow, ApprovalRow.id.label("approval"), ApprovalRow.state)
        .outerjoin(ApprovalRow, is_open)
        .where(AccountRow.hub_id == mapping.hub_id, IS_UNMANAGED, AccountRow.proposed_to.is_(None), ~spared)
    )
    rows = [row for row in tx.execute(query) if row.person_id not in seated and row.id not in spoken_for]
    logins = first_names(tx, [row.id for row in rows])
    names = user_names(tx, sorted({row.person_id for row in rows if row.person_id is not None}))
    found = (
        ProposedRemoval(
            logins[row.id],
            row.ref,
            row.person_id,
            names.get(row.person_id) if row.person_id is not None else None,
            removal_of(row.status, row.role).action,
            row.role,
            row.approval,
            row.state,
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda each: (fold(each.account), each.ref)))
