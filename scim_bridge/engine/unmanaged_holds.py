"""`safety.unmanaged: hold`: ask about each account that is not ours and that nobody is to have by the rules.

    asked about    after a trusted reading of a live hub: nobody's account, or that of a person whom no rule gives a
                   seat here; not an exempt one, an outside person's, one that a rule proposes for somebody, or one
                   under `ignore` or `protect`
    no more        it is gone, somebody's, exempt, ... or the mapping says `report` again: withdrawn
    no             for good: as long as the account is there it is not asked about again
    yes            it is removed (``unmanaged_removals``)

There is no person, so the question is about the account. Accounts are taken some at a time, a transaction each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.db import Database, Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.tables import PersonChange
from scim_bridge.engine.approvals import put, withdraw
from scim_bridge.engine.asks import Ask
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.diff import Change
from scim_bridge.engine.guard import is_named
from scim_bridge.engine.tables import AccessRow
from scim_bridge.engine.unmanaged import IS_UNMANAGED
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow, Hub
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 200
WHY = "`safety.unmanaged: hold`: the account was made by hand, and no rule gives anybody a seat by it"

_IS_WANTED = sa.exists().where(
    AccessRow.hub_id == AccountRow.hub_id, AccessRow.person_id == AccountRow.person_id, AccessRow.role.is_not(None)
)
_IS_CHANGING = sa.exists().where(PersonChange.person_id == AccountRow.person_id)
IS_HELD: sa.ColumnElement[bool] = sa.and_(IS_UNMANAGED, AccountRow.proposed_to.is_(None), ~_IS_WANTED, ~_IS_CHANGING)
"""It may be asked about, as far as rows tell; `ignore` and `protect` are patterns (``is_spared``)."""

_IS_ASKED = sa.exists().where(ApprovalRow.account_id == AccountRow.id, ApprovalRow.ended_at.is_(None))


def names_of(tx: Tx, account_ids: Sequence[int]) -> dict[int, list[str]]:
    """Login and addresses of accounts, by row id."""
    chosen = numbers(tx, list(account_ids))
    found: dict[int, list[str]] = {
        row.id: [row.login] if row.login else []
        for row in tx.execute(sa.select(AccountRow.id, AccountRow.login).where(AccountRow.id.in_(chosen)))
    }
    emails = sa.select(AccountEmail.account_id, AccountEmail.email_key).where(AccountEmail.account_id.in_(chosen))
    for account_id, email in tx.execute(emails):
        found.setdefault(account_id, []).append(email)
    return found


def first_names(tx: Tx, account_ids: Sequence[int]) -> dict[int, str]:
    """What to call accounts, by row id: the login, the address of an invitation, or the id in the app."""
    chosen = AccountRow.id.in_(numbers(tx, list(account_ids)))
    refs = tx.execute(sa.select(AccountRow.id, AccountRow.ref).where(chosen)).all()
    names = names_of(tx, account_ids)
    return {row.id: next(iter(names[row.id]), row.ref) for row in refs}


def assets_of(tx: Tx, account_id: int) -> dict[str, list[str]]:
    """What an account holds beside its seat, as people know it: ``{"team/core": ["member"]}``."""
    query = (
        sa.select(AssetRow.type, AssetRow.slug, AssetRow.name, HoldingRow.role)
        .join(AssetRow, AssetRow.id == HoldingRow.asset_id)
        .where(HoldingRow.account_id == account_id)
        .order_by(AssetRow.type, AssetRow.ref, HoldingRow.role)
    )
    found: dict[str, list[str]] = {}
    for row in tx.execute(query):
        found.setdefault(f"{row.type}/{row.slug or row.name}", []).append(row.role)
    return found


def is_spared(mapping: HubMapping, names: Sequence[str]) -> bool:
    """Whether `ignore` or `protect` keeps an account of these names out of it."""
    return is_named((*mapping.safety.ignore, *mapping.safety.protect), names)


def hold_unmanaged(db: Database, mapping: HubMapping, *, now: datetime) -> None:
    """Ask about what is unmanaged by now, and withdraw what is so no longer."""
    with db.read() as tx:
        is_live = tx.scalar(sa.select(Hub.mode).where(Hub.id == mapping.hub_id)) == "live"
        is_asked = tx.execute(_open(mapping).limit(1)).first() is not None
    if is_asked:
        with db.write() as tx:
            withdraw_settled(tx, mapping, now=now)
    if mapping.safety.unmanaged != "hold" or not is_live:
        return
    after: int | None = 0
    while after is not None:
        with db.write() as tx:
            after = _ask_some(tx, mapping, after=after, now=now)


def _ask_some(tx: Tx, mapping: HubMapping, *, after: int, now: datetime) -> int | None:
    """Ask about a handful; the last account that was looked at, None: that was all."""
    query = sa.select(AccountRow.id, AccountRow.ref, AccountRow.login, AccountRow.status, AccountRow.role).where(
        AccountRow.hub_id == mapping.hub_id, AccountRow.id > after, IS_HELD, ~_IS_ASKED
    )
    rows = tx.execute(query.order_by(AccountRow.id).limit(_AT_ONCE)).all()
    names = names_of(tx, [row.id for row in rows])
    for row in rows:
        if not is_spared(mapping, names[row.id]):
            ask = Ask(removal_of(row.status, row.role), True, "unmanaged", WHY)
            put(tx, mapping.hub_id, ask, SEAT, account_id=row.id, now=now)
    return rows[-1].id if len(rows) == _AT_ONCE else None


def removal_of(status: str, role: str | None) -> Change:
    """The change that takes an account's seat away."""
    is_invited = status == Status.INVITED
    return Change("cancel_invitation" if is_invited else "remove", SEAT, frozenset([role]) if role else frozenset())


def _open(mapping: HubMapping) -> sa.Select[int, int | None, str]:
    return sa.select(ApprovalRow.id, ApprovalRow.account_id, ApprovalRow.state).where(
        ApprovalRow.hub_id == mapping.hub_id, ApprovalRow.account_id.is_not(None), ApprovalRow.ended_at.is_(None)
    )


def withdraw_settled(tx: Tx, mapping: HubMapping, *, now: datetime) -> None:
    """Ask no more about what is gone, somebody's, exempt, or spared by this mapping."""
    rows = tx.execute(_open(mapping)).all()
    if not rows:
        return
    accounts = [row.account_id for row in rows if row.account_id is not None]
    chosen = AccountRow.id.in_(numbers(tx, accounts))
    there = set(tx.execute(sa.select(AccountRow.id).where(chosen, AccountRow.gone_at.is_(None))).scalars())
    held = set(tx.execute(sa.select(AccountRow.id).where(chosen, IS_HELD)).scalars())
    if mapping.safety.unmanaged != "hold":
        held = set()
    names = names_of(tx, accounts)
    over = [
        row.id
        for row in rows
        if (row.account_id not in there)
        or (row.state != "rejected" and (row.account_id not in held or is_spared(mapping, names[row.account_id])))
    ]
    # What is being carried out, or whose answer got lost, is settled there.
    under_way = sa.select(AccountRemoval.approval_id).where(
        AccountRemoval.hub_id == mapping.hub_id,
        sa.or_(AccountRemoval.owner.is_not(None), AccountRemoval.reservation_id.is_not(None)),
    )
    over = sorted(set(over) - set(tx.execute(under_way).scalars()))
    tx.execute(sa.delete(AccountRemoval).where(AccountRemoval.approval_id.in_(numbers(tx, over))))
    withdraw(tx, over, why="the account is not unmanaged any more", now=now)
