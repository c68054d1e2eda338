"""Say by hand what an account is, and let what waited for that go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.applied import clear_applied
from scim_bridge.engine.approvals import withdraw
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.schedule import LOSES
from scim_bridge.errors import Conflict
from scim_bridge.hubs import accounts
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.tables import AccountRow

EXEMPT: accounts.Kind = "exempt"
SERVICE: accounts.Kind = "service"


def link_account(
    tx: Tx, hub_id: str, account: str, person_id: int, *, ignore: Sequence[str] = (), actor: str, now: datetime
) -> None:
    """Link ``account`` (its login or stable id) to this person by hand, and look at the person anew at once.

    Raises ``NotFound`` for an unknown hub, person or account, ``Conflict`` where it is somebody else's,
    or under ``ignore``, the hub's `safety.ignore`.
    """
    _refuse_ignored(tx, hub_id, account, ignore)
    accounts.link(tx, hub_id, account, person_id, actor=actor, now=now)
    _ask_no_more(tx, hub_id, account, now=now)
    wake(tx, hub_id, [person_id], now=now, priority=LOSES)


def unlink_account(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> int:
    """Take the link away. Returns the person.

    What was ours there was about this account: it is the account's own from now on, and never taken away.
    """
    person_id = accounts.unlink(tx, hub_id, account, actor=actor, now=now)
    clear_applied(tx, hub_id, person_id)
    wake(tx, hub_id, [person_id], now=now, priority=LOSES)
    return person_id


def exempt_account(
    tx: Tx, hub_id: str, account: str, *, kind: accounts.Kind, reason: str, actor: str, now: datetime
) -> None:
    """Nobody's on purpose: not matched, not counted as unmanaged, not removed. Whom it was proposed to goes on."""
    proposed_to = accounts.get_account(tx, hub_id, account).proposed_to
    accounts.exempt(tx, hub_id, account, kind=kind, reason=reason, actor=actor, now=now)
    _ask_no_more(tx, hub_id, account, now=now)
    wake(tx, hub_id, [proposed_to] if proposed_to is not None else [], now=now, priority=LOSES)


def accept_proposal(tx: Tx, hub_id: str, account: str, *, ignore: Sequence[str] = (), actor: str, now: datetime) -> int:
    """The proposed person it is; looks at them anew. Returns the person."""
    _refuse_ignored(tx, hub_id, account, ignore)
    person_id = accounts.accept(tx, hub_id, account, actor=actor, now=now)
    wake(tx, hub_id, [person_id], now=now, priority=LOSES)
    return person_id


def refuse_proposal(tx: Tx, hub_id: str, account: str, *, actor: str, now: datetime) -> int:
    """The proposed person it is not; who waited for this word goes on. Returns the person."""
    person_id = accounts.refuse(tx, hub_id, account, actor=actor, now=now)
    wake(tx, hub_id, [person_id], now=now, priority=LOSES)
    return person_id


def _refuse_ignored(tx: Tx, hub_id: str, account: str, ignore: Sequence[str]) -> None:
    row = accounts.get_account(tx, hub_id, account)
    if tx.execute(sa.select(AccountRow.id).where(AccountRow.id == row.id, is_named_by(tx, ignore))).first():
        raise Conflict(
            f"account {account} is under `safety.ignore` of {hub_id}: nothing is done with it",
            advice="take it out of `safety.ignore` in the mapping first",
        )


def _ask_no_more(tx: Tx, hub_id: str, account: str, *, now: datetime) -> None:
    """Nobody needs to say whether the account is to go; what is under way is judged anew where it is carried out."""
    row = accounts.get_account(tx, hub_id, account)
    is_asked = sa.and_(ApprovalRow.account_id == row.id, ApprovalRow.state == "pending")
    withdraw(tx, sa.select(ApprovalRow.id).where(is_asked), why="somebody said whose the account is", now=now)
