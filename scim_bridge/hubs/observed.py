"""Take in what an app shows, a batch at a time, and close the reading when it has been read in full.

What we ourselves changed while the reading ran is newer than what the reading says: rows written after its
beginning are left alone. Only a reading that ended may say that something is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.contract.state import Account, Alias, Asset, Holding, Observed, Status
from scim_bridge.db import Tx, insert, upsert
from scim_bridge.folding import fold, name_key
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation of a hub: its number, and when it began."""

    hub_id: str
    number: int
    began_at: datetime


def take_in(tx: Tx, reading: Reading, batch: Sequence[Observed]) -> None:
    """Write a batch down. Holdings and aliases speak of accounts and assets of this batch or an earlier one."""
    _assets(tx, reading, [item for item in batch if isinstance(item, Asset)])
    accounts = [item for item in batch if isinstance(item, Account)]
    _accounts(tx, reading, accounts)
    addresses = [(account.ref, email) for account in accounts for email in account.emails]
    addresses += [(item.ref, item.email) for item in batch if isinstance(item, Alias)]
    _addresses(tx, reading, addresses)
    _holdings(tx, reading, [item for item in batch if isinstance(item, Holding)])


def _assets(tx: Tx, reading: Reading, assets: Iterable[Asset]) -> None:
    rows = [
        {
            "hub_id": reading.hub_id,
            "type": asset.type,
            "ref": asset.ref,
            "slug": asset.slug,
            "slug_key": name_key(asset.slug),
            "name": asset.name,
            "name_key": name_key(asset.name),
            "seen": reading.number,
            "gone_at": None,
        }
        for asset in assets
    ]
    update = ["slug", "slug_key", "name", "name_key", "seen", "gone_at"]
    upsert(tx, AssetRow, rows, keys=["hub_id", "type", "ref"], update=update)


def _accounts(tx: Tx, reading: Reading, accounts: Iterable[Account]) -> None:
    rows = [
        {
            "hub_id": reading.hub_id,
            "ref": account.ref,
            "login": account.login,
            "login_key": name_key(account.login) if account.login else None,
            "name": account.name,
            "name_key": name_key(account.name) if account.name else None,
            "is_outside": account.is_outside,
            "status": account.status.value,
            "role": account.role,
            "detail": account.detail,
            "seen": reading.number,
            "seen_at": reading.began_at,
            "first_seen": reading.number,
            "first_seen_at": reading.began_at,
            "gone_at": None,
        }
        for account in accounts
    ]
    if not rows:
        return
    statement = insert(tx, AccountRow)
    known = ("login", "login_key", "name", "name_key", "is_outside", "status", "role", "detail")
    fresh = (*known, "seen", "seen_at", "gone_at")
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["hub_id", "ref"],
            set_={name: statement.excluded[name] for name in fresh},
            where=AccountRow.seen_at <= reading.began_at,
        ),
        rows,
    )


def _ids(tx: Tx, reading: Reading, refs: Iterable[str], *, unchanged_only: bool = False) -> dict[str, int]:
    query = sa.select(AccountRow.ref, AccountRow.id).where(
        AccountRow.hub_id == reading.hub_id, AccountRow.ref.in_(sorted(set(refs)))
    )
    if unchanged_only:
        query = query.where(AccountRow.seen_at <= reading.began_at)
    return {row.ref: row.id for row in tx.execute(query)}


def _addresses(tx: Tx, reading: Reading, addresses: Sequence[tuple[str, str]]) -> None:
    ids = _ids(tx, reading, (ref for ref, _ in addresses))
    rows = [
        {"account_id": ids[ref], "email_key": fold(email), "hub_id": reading.hub_id, "seen": reading.number}
        for ref, email in addresses
        if ref in ids
    ]
    upsert(tx, AccountEmail, rows, keys=["account_id", "email_key"], update=["seen"])


def _holdings(tx: Tx, reading: Reading, holdings: Sequence[Holding]) -> None:
    if not holdings:
        return
    ids = _ids(tx, reading, (holding.ref for holding in holdings), unchanged_only=True)
    asset_refs = sorted({holding.asset.partition("/")[2] for holding in holdings})
    query = sa.select(AssetRow.type, AssetRow.ref, AssetRow.id).where(
        AssetRow.hub_id == reading.hub_id, AssetRow.ref.in_(asset_refs)
    )
    assets = {f"{row.type}/{row.ref}": row.id for row in tx.execute(query)}
    rows = [
        {"account_id": ids[held.ref], "asset_id": assets[held.asset], "role": held.role, "seen": reading.number}
        for held in holdings
        if held.ref in ids and held.asset in assets
    ]
    upsert(tx, HoldingRow, rows, keys=["account_id", "asset_id", "role"], update=["seen"])


def count_shown(tx: Tx, reading: Reading) -> int:
    """How many accounts this reading showed, or we made meanwhile; each counts once."""
    is_shown = sa.or_(AccountRow.seen == reading.number, AccountRow.seen_at > reading.began_at)
    return tx.execute(
        sa.select(sa.func.count()).where(AccountRow.hub_id == reading.hub_id, AccountRow.gone_at.is_(None), is_shown)
    ).scalar_one()


def count_taken(tx: Tx, hub_id: str, since: datetime) -> int:
    """How many accounts we ourselves took away since then: those that no reading found to be gone."""
    by_us = sa.and_(AccountRow.gone_at >= since, AccountRow.seen_at == AccountRow.gone_at)
    return tx.execute(sa.select(sa.func.count()).where(AccountRow.hub_id == hub_id, by_us)).scalar_one()


def missing_accounts(
    tx: Tx, reading: Reading, statuses: Collection[Status], *, after: int, at_most: int
) -> list[tuple[int, Account]]:
    """Accounts in these states that this reading did not show, and that we did not change meanwhile.

    With their rows' ids, in their order, from ``after`` on. Outside people hold no seat: nothing hangs on them.
    """
    query = (
        sa.select(AccountRow.id, AccountRow.ref, AccountRow.status, AccountRow.role, AccountRow.login)
        .where(
            AccountRow.hub_id == reading.hub_id,
            AccountRow.status.in_(sorted(statuses)),
            ~AccountRow.is_outside,
            AccountRow.gone_at.is_(None),
            AccountRow.seen < reading.number,
            AccountRow.seen_at < reading.began_at,
            AccountRow.id > after,
        )
        .order_by(AccountRow.id)
        .limit(at_most)
    )
    return [(row.id, Account(row.ref, Status(row.status), row.role, row.login)) for row in tx.execute(query)]


def close_reading(tx: Tx, reading: Reading, *, now: datetime) -> None:
    """Everything was read and is trusted: what it did not show, and we did not make meanwhile, is gone."""
    older = sa.and_(AccountRow.hub_id == reading.hub_id, AccountRow.seen < reading.number)
    tx.execute(
        sa.update(AccountRow)
        .where(older, AccountRow.seen_at < reading.began_at, AccountRow.gone_at.is_(None))
        .values(gone_at=now)
    )
    tx.execute(
        sa.update(AssetRow)
        .where(AssetRow.hub_id == reading.hub_id, AssetRow.seen < reading.number, AssetRow.gone_at.is_(None))
        .values(gone_at=now)
    )
    read = sa.select(AccountRow.id).where(
        AccountRow.hub_id == reading.hub_id,
        AccountRow.seen == reading.number,
        AccountRow.seen_at <= reading.began_at,
    )
    tx.execute(sa.delete(HoldingRow).where(HoldingRow.account_id.in_(read), HoldingRow.seen < reading.number))
    gone = sa.select(AccountRow.id).where(AccountRow.hub_id == reading.hub_id, AccountRow.gone_at == now)
    tx.execute(sa.delete(HoldingRow).where(HoldingRow.account_id.in_(gone)))
    tx.execute(sa.delete(AccountEmail).where(AccountEmail.account_id.in_(read), AccountEmail.seen < reading.number))
