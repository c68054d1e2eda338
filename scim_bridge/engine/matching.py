"""Find out whose the accounts of a hub are, some at a time: a large hub is never held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.guard import is_named
from scim_bridge.engine.tables import InvitationRow
from scim_bridge.hubs.accounts import set_links, shared_addresses
from scim_bridge.hubs.match import match_accounts
from scim_bridge.hubs.tables import AccountEmail, AccountRow
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500


def link_some(tx: Tx, mapping: HubMapping, *, after: int, now: datetime) -> int | None:
    """Link those of the next unlinked accounts whose person is known.

    ``after`` is the last row that was looked at; returns the one to go on from, None at the end.
    """
    unlinked = sa.select(AccountRow.id).where(
        AccountRow.hub_id == mapping.hub_id,
        AccountRow.person_id.is_(None),
        AccountRow.gone_at.is_(None),
        AccountRow.id > after,
    )
    ids = tx.execute(unlinked.order_by(AccountRow.id).limit(_AT_ONCE)).scalars().all()
    if not ids:
        return None
    links = {**match_accounts(_invited(tx, mapping, ids)), **match_accounts(shared_addresses(tx, mapping.hub_id, ids))}
    ignored = _ignored(tx, mapping, links)
    links = {account_id: person_id for account_id, person_id in links.items() if account_id not in ignored}
    set_links(tx, links, how="matched", now=now)
    return ids[-1] if len(ids) == _AT_ONCE else None


def _invited(tx: Tx, mapping: HubMapping, account_ids: Sequence[int]) -> list[tuple[int, int]]:
    """``(account, person)`` where an open invitation of ours went to an address of the account."""
    rows = tx.execute(
        sa.select(AccountEmail.account_id, InvitationRow.person_id)
        .join(
            InvitationRow,
            sa.and_(
                InvitationRow.hub_id == AccountEmail.hub_id,
                InvitationRow.email_key == AccountEmail.email_key,
                InvitationRow.ended_at.is_(None),
            ),
        )
        .where(AccountEmail.hub_id == mapping.hub_id, AccountEmail.account_id.in_(account_ids))
    )
    return [(row.account_id, row.person_id) for row in rows]


def _ignored(tx: Tx, mapping: HubMapping, account_ids: Iterable[int]) -> set[int]:
    if not mapping.safety.ignore:
        return set()
    query = (
        sa.select(AccountRow.id, AccountRow.login, AccountEmail.email_key)
        .outerjoin(AccountEmail, AccountEmail.account_id == AccountRow.id)
        .where(AccountRow.id.in_(list(account_ids)))
    )
    return {
        row.id
        for row in tx.execute(query)
        if is_named(mapping.safety.ignore, [name for name in (row.login, row.email_key) if name])
    }
