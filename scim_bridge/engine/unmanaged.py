"""Accounts that are not ours: made by hand, never adopted. They are shown and counted, and no rule removes them.

An exempt account is nobody's on purpose and an outside person holds no seat: neither is unmanaged. What is under
`safety.ignore` is as if it did not exist: it is not counted at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.db import Tx
from scim_bridge.directory.tables import User
from scim_bridge.engine.tables import AppliedRow
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.states import IS_THERE, STATE
from scim_bridge.hubs.tables import AccountRow

_IS_OURS = sa.exists().where(
    AppliedRow.hub_id == AccountRow.hub_id, AppliedRow.person_id == AccountRow.person_id, AppliedRow.thing == SEAT
)

IS_UNMANAGED: sa.ColumnElement[bool] = sa.and_(
    IS_THERE,
    AccountRow.status != Status.EXPIRED,
    AccountRow.exempt_kind.is_(None),
    ~AccountRow.is_outside,
    ~_IS_OURS,
)
"""The account holds a seat that no rule of ours gave or took over."""

IS_LEAVERS: sa.ColumnElement[bool] = sa.and_(
    AccountRow.person_id.is_not(None),
    ~sa.exists().where(User.person_id == AccountRow.person_id, User.active),
)
"""Every user of its person is inactive or deleted."""


@dataclass(slots=True)
class AccountCounts:
    """Accounts of one hub by state; how many are unmanaged, and how many of those are leavers'."""

    by_state: dict[str, int] = field(default_factory=dict)
    unmanaged: int = 0
    leavers: int = 0


def count_accounts(tx: Tx, ignores: Mapping[str, Sequence[str]]) -> dict[str, AccountCounts]:
    """Of every hub. Invitations that lapsed are left out (nobody has them), and so is what a hub ignores.

    One statement, and one for each hub in ``ignores`` (`safety.ignore` by hub) that names any.
    """
    ignoring = {hub_id: patterns for hub_id, patterns in ignores.items() if patterns}
    found = _count(tx, AccountRow.hub_id.not_in(sorted(ignoring)))
    for hub_id, patterns in ignoring.items():
        found |= _count(tx, sa.and_(AccountRow.hub_id == hub_id, ~is_named_by(tx, patterns)))
    return found


def _count(tx: Tx, which: sa.ColumnElement[bool]) -> dict[str, AccountCounts]:
    query = (
        sa.select(
            AccountRow.hub_id,
            STATE.label("state"),
            sa.func.count().label("number"),
            sa.func.sum(sa.case((IS_UNMANAGED, 1), else_=0)).label("unmanaged"),
            sa.func.sum(sa.case((sa.and_(IS_UNMANAGED, IS_LEAVERS), 1), else_=0)).label("leavers"),
        )
        .where(IS_THERE, AccountRow.status != Status.EXPIRED, which)
        .group_by(AccountRow.hub_id, STATE)
    )
    found: dict[str, AccountCounts] = {}
    for row in tx.execute(query.order_by(AccountRow.hub_id, STATE)):
        counts = found.setdefault(row.hub_id, AccountCounts())
        counts.by_state[row.state] = row.number
        counts.unmanaged += row.unmanaged
        counts.leavers += row.leavers
    return found
