"""The accounts of a hub for people: whose each is, why, and which of them are not ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.keys import slices
from scim_bridge.engine.unmanaged import IS_LEAVERS, IS_UNMANAGED
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.states import IS_THERE, STATE, STATES
from scim_bridge.hubs.tables import AccountEmail, AccountRow

FILTERS = (*STATES, "unmanaged", "leaver", "ignored")
"""What a list may be narrowed to: a state, those that are not ours, or those of leavers that are not ours.

``ignored``: what `safety.ignore` names, to see what a pattern hits; no other list has them."""

_ORDER = ("unmatched", "proposed", "guest", "linked", "exempt", "service")  # what asks for a person's word first
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account as the app last showed it. ``reason`` says why it is exempt, or which rule proposes it."""

    ref: str
    login: str | None
    name: str
    status: str
    role: str | None
    emails: tuple[str, ...]
    state: str
    person_id: int | None
    proposed_to: int | None
    linked_how: str | None
    reason: str | None
    is_unmanaged: bool
    is_leaver: bool

    @property
    def remark(self) -> str | None:
        """``unmanaged``, ``leaver, unmanaged``, or None."""
        if not self.is_unmanaged:
            return None
        return "leaver, unmanaged" if self.is_leaver else "unmanaged"


def list_accounts(tx: Tx, hub_id: str, *, state: str | None = None, ignore: Sequence[str] = ()) -> list[AccountView]:
    """The accounts that the app shows, those that wait for somebody's word first; ``state`` is one of ``FILTERS``.

    ``ignore``: the hub's `safety.ignore`.
    """
    is_ignored = is_named_by(tx, ignore)
    query = sa.select(
        AccountRow, STATE.label("state"), IS_UNMANAGED.label("is_unmanaged"), IS_LEAVERS.label("is_leaver")
    ).where(AccountRow.hub_id == hub_id, IS_THERE, is_ignored if state == "ignored" else ~is_ignored)
    if state == "unmanaged":
        query = query.where(IS_UNMANAGED)
    elif state == "leaver":
        query = query.where(IS_UNMANAGED, IS_LEAVERS)
    elif state not in (None, "ignored"):
        query = query.where(STATE.in_([state]))
    rows = tx.execute(query.order_by(AccountRow.login_key, AccountRow.ref)).all()
    emails = _emails(tx, [row.id for row in rows])
    views = [
        AccountView(
            row.ref,
            row.login,
            row.name,
            row.status,
            row.role,
            tuple(emails.get(row.id, ())),
            row.state,
            row.person_id,
            row.proposed_to if row.state == "proposed" else None,
            row.linked_how,
            row.exempt_reason or (row.proposed_by if row.state == "proposed" else None),
            bool(row.is_unmanaged and state != "ignored"),
            bool(row.is_unmanaged and row.is_leaver and state != "ignored"),
        )
        for row in rows
    ]
    return sorted(views, key=lambda view: _ORDER.index(view.state))


def _emails(tx: Tx, account_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for some in slices(account_ids, _AT_ONCE):
        query = sa.select(AccountEmail.account_id, AccountEmail.email_key).where(AccountEmail.account_id.in_(some))
        for account_id, email in tx.execute(query.order_by(AccountEmail.email_key)):
            found.setdefault(account_id, []).append(email)
    return found
