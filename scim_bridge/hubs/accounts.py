"""Accounts for people: who is linked, who is nobody's, and linking one by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.tables import Person, User, UserEmail
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.hubs.tables import AccountEmail, AccountRow, Hub


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account of a hub as the app last showed it, and whose it is."""

    ref: str
    login: str | None
    status: str
    role: str | None
    emails: tuple[str, ...]
    person_id: int | None
    linked_how: str | None

    @property
    def state(self) -> str:
        """``linked`` or ``unmatched`` (nobody's)."""
        return "unmatched" if self.person_id is None else "linked"


def list_accounts(tx: Tx, hub_id: str, *, unlinked_only: bool = False) -> list[AccountView]:
    """The accounts that the app shows, unmatched ones first."""
    query = sa.select(AccountRow).where(AccountRow.hub_id == hub_id, AccountRow.gone_at.is_(None))
    if unlinked_only:
        query = query.where(AccountRow.person_id.is_(None))
    rows = tx.execute(query.order_by(AccountRow.person_id.is_not(None), AccountRow.login, AccountRow.ref)).all()
    emails = _emails(tx, hub_id)
    return [
        AccountView(
            row.ref, row.login, row.status, row.role, tuple(emails.get(row.id, ())), row.person_id, row.linked_how
        )
        for row in rows
    ]


def _emails(tx: Tx, hub_id: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = sa.select(AccountEmail.account_id, AccountEmail.email_key).where(AccountEmail.hub_id == hub_id)
    for account_id, email in tx.execute(query.order_by(AccountEmail.email_key)):
        found.setdefault(account_id, []).append(email)
    return found


def link(tx: Tx, hub_id: str, account: str, person_id: int, *, actor: str, now: datetime) -> None:
    """Say by hand that ``account`` (its login or stable id) is this person's."""
    if tx.execute(sa.select(Hub.id).where(Hub.id == hub_id)).first() is None:
        raise NotFound(f"no hub {hub_id}", advice="`scim-bridge hub list` shows them")
    if tx.execute(sa.select(Person.id).where(Person.id == person_id)).first() is None:
        raise NotFound(f"no person p{person_id}")
    found = tx.execute(
        sa.select(AccountRow.id, AccountRow.person_id).where(
            AccountRow.hub_id == hub_id,
            AccountRow.gone_at.is_(None),
            sa.or_(AccountRow.ref == account, sa.func.lower(AccountRow.login) == account.lower()),
        )
    ).all()
    if not found:
        raise NotFound(f"{hub_id} shows no account {account}", advice=f"`scim-bridge account list {hub_id}` shows them")
    row = found[0]
    if row.person_id not in (None, person_id):
        raise Conflict(f"account {account} is linked to p{row.person_id}", advice="an account has at most one person")
    set_links(tx, {row.id: person_id}, how="by hand", now=now)
    record(
        tx,
        at=now,
        actor=actor,
        action="account.linked",
        hub_id=hub_id,
        person_id=person_id,
        subject=f"account:{account}",
    )


def set_links(tx: Tx, links: dict[int, int], *, how: str, now: datetime) -> None:
    """Link accounts (by row id) to people."""
    rows = [{"row_id": account_id, "owner": person_id} for account_id, person_id in links.items()]
    if rows:
        tx.execute(
            sa.update(AccountRow)
            .where(AccountRow.id == sa.bindparam("row_id"))
            .values(person_id=sa.bindparam("owner"), linked_how=how, linked_at=now),
            rows,
        )


def shared_addresses(tx: Tx, hub_id: str, account_ids: Sequence[int] | None = None) -> list[tuple[int, int]]:
    """All ``(account, person)`` of a hub's unlinked accounts that share an address, for ``match_accounts``.

    Only those accounts, where ``account_ids`` are given.
    """
    unlinked = [AccountRow.hub_id == hub_id, AccountRow.person_id.is_(None), AccountRow.gone_at.is_(None)]
    if account_ids is not None:
        unlinked.append(AccountRow.id.in_(account_ids))
    accounts = sa.select(AccountRow.id, User.person_id).join(AccountEmail, AccountEmail.account_id == AccountRow.id)
    by_address = accounts.join(UserEmail, UserEmail.value_key == AccountEmail.email_key).join(
        User, User.id == UserEmail.user_id
    )
    by_name = accounts.join(User, User.join_key == AccountEmail.email_key)
    return [(row.id, row.person_id) for query in (by_address, by_name) for row in tx.execute(query.where(*unlinked))]
