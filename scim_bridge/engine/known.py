"""Read the rows about some people in one hub: a constant number of statements for any number of them.

An account that nobody claims becomes theirs by its address here, and names of assets become ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.state import Account, Asset, Status
from scim_bridge.db import Tx
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.engine import statements
from scim_bridge.engine.approvals import load_answers
from scim_bridge.engine.asks import Answer, Loss
from scim_bridge.engine.diff import Things
from scim_bridge.engine.drift import load_drift
from scim_bridge.engine.guard import is_named
from scim_bridge.engine.leave import Since
from scim_bridge.engine.losses import load_losses
from scim_bridge.engine.matching import ignored_accounts, matches_for, rules_of
from scim_bridge.engine.scene import Desired, KnownDrift, OpenTask, StoredAccount, StoredInvitation
from scim_bridge.engine.undone import Undone
from scim_bridge.engine.undone_rows import load_undone
from scim_bridge.folding import fold
from scim_bridge.hubs.bindings import resolve_assets
from scim_bridge.hubs.bound import Resolved
from scim_bridge.hubs.tables import AccountRow, AssetRow
from scim_bridge.mapping.model import HubMapping


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows say, by person."""

    addresses: Mapping[int, Addresses]
    found: Found
    holdings: Mapping[int, Things]  # by account
    assets: dict[str, Asset]
    applied: Mapping[int, Things]
    invitations: Mapping[int, StoredInvitation]
    tasks: Mapping[int, Sequence[OpenTask]]
    drift: Mapping[int, Sequence[KnownDrift]]
    undone: Mapping[int, Sequence[Undone]]
    answers: Mapping[int, tuple[Answer, ...]]
    losses: Mapping[int, Loss]
    resolved: Resolved


def load_known(
    tx: Tx,
    mapping: HubMapping,
    person_ids: Sequence[int],
    *,
    wishes: Mapping[int, Desired],
    people: Mapping[int, PersonFact] | None,
    undone: Mapping[int, Sequence[Undone]] | None,
) -> Known:
    """``people``, ``undone``: as they were read already, or are to be taken for."""
    hub_id = mapping.hub_id
    found = _find_accounts(tx, mapping, person_ids)
    holdings, assets = _holdings(tx, [stored.id for stored in found.accounts.values()])
    applied = _applied(tx, hub_id, person_ids)
    against = load_undone(tx, hub_id, person_ids) if undone is None else undone
    things = {thing for mine in applied.values() for thing in mine}
    things |= {one.thing for mine in against.values() for one in mine}
    return Known(
        _addresses(tx, person_ids, people),
        found,
        holdings,
        assets,
        applied,
        _invitations(tx, hub_id, person_ids),
        _tasks(tx, hub_id, person_ids),
        load_drift(tx, hub_id, person_ids),
        against,
        load_answers(tx, hub_id, person_ids),
        load_losses(tx, person_ids),
        _resolve(tx, hub_id, wishes, things, assets),
    )


def load_desired(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, Desired]:
    """What they should hold, as it is stored."""
    return {
        row.person_id: Desired(row.role, row.assets, row.because, row.disabled, Since.of(row), row.lower)
        for row in tx.execute(statements.DESIRED, {"hub": hub_id, "people": person_ids})
    }


Addresses = Mapping[str, str]
"""A person's addresses: case-folded, as they compare -> as they were pushed, as they are written to."""


def _addresses(
    tx: Tx, person_ids: Sequence[int], people: Mapping[int, PersonFact] | None = None
) -> dict[int, Addresses]:
    """Each person's addresses: of active users first, the primary (or first, or the name) in front.

    ``people``: these as they were read already.
    """
    found: dict[int, dict[str, str]] = {}
    if people is None:
        users = {row.id: row for row in tx.execute(statements.USERS, {"people": person_ids}).all()}
        documents = {user_id: row.document for user_id, row in users.items()}
    else:
        users = {row.id: row for row in tx.execute(statements.USER_KEYS, {"people": person_ids}).all()}
        documents = {user.id: user.document for person in people.values() for user in person.users}
    spelled = {user_id: _as_pushed(documents.get(user_id, {})) for user_id in users}
    keys = [(row.id, row.join_key) for row in users.values() if row.join_key]
    keys += [(row.user_id, row.value_key) for row in tx.execute(statements.USER_EMAILS, {"users": list(users)}).all()]
    for user_id, key in keys:
        found.setdefault(users[user_id].person_id, {}).setdefault(key, spelled[user_id].get(key, key))
    return dict(found)


def _as_pushed(document: Mapping[str, Any]) -> dict[str, str]:
    texts = [document.get("userName"), *(email.get("value") for email in document.get("emails", ()))]
    return {fold(text): text for text in texts if isinstance(text, str)}


def _stored(row: Any, emails: Sequence[str]) -> StoredAccount:
    account = Account(row.ref, Status(row.status), row.role, row.login, tuple(emails), row.detail)
    return StoredAccount(row.id, account, row.seen_at)


def _with_emails(tx: Tx, rows: Iterable[Any]) -> list[tuple[Any, StoredAccount]]:
    kept = list(rows)
    if not kept:
        return []
    emails: dict[int, list[str]] = {}
    for account_id, key in tx.execute(statements.ACCOUNT_EMAILS, {"accounts": [row.id for row in kept]}).all():
        emails.setdefault(account_id, []).append(key)
    return [(row, _stored(row, emails.get(row.id, ()))) for row in kept]


@dataclass(slots=True)
class Found:
    """Accounts of people; which are theirs by a rule and not linked yet; which may be theirs, by account and person."""

    accounts: dict[int, StoredAccount]
    links: dict[int, int] = field(default_factory=dict)
    proposals: dict[int, tuple[int, str]] = field(default_factory=dict)
    perhaps: dict[int, str] = field(default_factory=dict)  # person -> ref of an account that may be theirs


def _find_accounts(tx: Tx, mapping: HubMapping, person_ids: Sequence[int]) -> Found:
    found = Found(_accounts(tx, mapping, person_ids))
    without = [who for who in person_ids if who not in found.accounts]
    if not without:
        return found
    proposed = tx.execute(statements.PROPOSED, {"hub": mapping.hub_id, "people": without}).all()
    ignored = ignored_accounts(tx, mapping, [row.id for row in proposed]) if proposed else set()
    found.perhaps.update({row.proposed_to: row.ref for row in proposed if row.id not in ignored})
    matches = matches_for(tx, mapping, without)
    stored = _accounts_by_id(tx, list(matches)) if matches else {}
    rules = rules_of(mapping)
    for account_id, match in matches.items():
        who, account = match.person_id, stored[account_id]
        if is_named(mapping.safety.ignore, account.names):
            continue
        if not match.is_sure:
            found.proposals[account_id] = (who, str(rules[match.rule]))
            found.perhaps[who] = account.account.ref
            continue
        twin = next((other for other, owner in found.links.items() if owner == who), None)
        if twin is not None and _closeness(stored[twin]) <= _closeness(account):
            continue
        if twin is not None:
            del found.links[twin]
        found.links[account_id] = who
    found.accounts.update({who: stored[account_id] for account_id, who in found.links.items()})
    return found


def _accounts(tx: Tx, mapping: HubMapping, person_ids: Sequence[int]) -> dict[int, StoredAccount]:
    best: dict[int, StoredAccount] = {}
    rows = tx.execute(statements.ACCOUNTS, {"hub": mapping.hub_id, "people": person_ids}).all()
    for row, stored in _with_emails(tx, rows):
        known = best.get(row.person_id)
        if known is None or _closeness(stored) < _closeness(known):
            best[row.person_id] = stored
    return best


def _closeness(stored: StoredAccount) -> int:
    """An accepted invitation may show beside its account for a while: the account counts."""
    return [Status.ACTIVE, Status.SUSPENDED, Status.INVITED, Status.EXPIRED].index(stored.account.status)


def _accounts_by_id(tx: Tx, ids: Sequence[int]) -> dict[int, StoredAccount]:
    query = sa.select(*statements.ACCOUNT).where(AccountRow.id.in_(ids))
    return {row.id: stored for row, stored in _with_emails(tx, tx.execute(query))}


def _holdings(tx: Tx, account_ids: Sequence[int]) -> tuple[dict[int, dict[str, frozenset[str]]], dict[str, Asset]]:
    held: dict[int, dict[str, frozenset[str]]] = {}
    assets: dict[str, Asset] = {}
    keys: dict[int, str] = {}
    rows = tx.execute(statements.HOLDINGS, {"accounts": account_ids}).all() if account_ids else ()
    for account_id, role, asset_id, *names in rows:
        key = keys.get(asset_id)
        if key is None:
            asset = Asset(*names)
            key = keys[asset_id] = asset.key
            assets[key] = asset
        mine = held.setdefault(account_id, {})
        mine[key] = mine.get(key, frozenset()) | {role}
    return held, assets


def _applied(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, dict[str, frozenset[str]]]:
    applied: dict[int, dict[str, frozenset[str]]] = {}
    for row in tx.execute(statements.APPLIED, {"hub": hub_id, "people": person_ids}).all():
        mine = applied.setdefault(row.person_id, {})
        mine[row.thing] = mine.get(row.thing, frozenset()) | {row.role}
    return applied


def _resolve(
    tx: Tx,
    hub_id: str,
    wishes: Mapping[int, Desired],
    things: Collection[str],
    assets: dict[str, Asset],
) -> Resolved:
    """What the names in the wishes mean; ``assets`` is completed by whatever is wished for, and by ``things``."""
    resolved = resolve_assets(tx, hub_id, sorted({name for wish in wishes.values() for name in wish.assets}))
    for group in resolved.assets.values():
        assets.update({asset.key: asset for asset in group})
    _complete_assets(tx, hub_id, things, assets)
    return resolved


def _complete_assets(tx: Tx, hub_id: str, things: Collection[str], assets: dict[str, Asset]) -> None:
    missing = sorted({thing for thing in things if "/" in thing} - set(assets))
    if not missing:
        return
    refs = [key.partition("/")[2] for key in missing]
    query = sa.select(AssetRow.type, AssetRow.ref, AssetRow.name, AssetRow.slug)
    for row in tx.execute(query.where(AssetRow.hub_id == hub_id, AssetRow.ref.in_(refs))):
        asset = Asset(*row)
        assets.setdefault(asset.key, asset)
    for key in missing:
        kind, _, ref = key.partition("/")
        assets.setdefault(key, Asset(kind, ref, ref))


def _invitations(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, StoredInvitation]:
    return {
        row.person_id: StoredInvitation(row.id, row.ref, row.state, row.resends, row.sent_at)
        for row in tx.execute(statements.INVITATIONS, {"hub": hub_id, "people": person_ids})
    }


def _tasks(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, list[OpenTask]]:
    found: dict[int, list[OpenTask]] = {}
    for row in tx.execute(statements.TASKS, {"hub": hub_id, "people": person_ids}):
        found.setdefault(row.person_id, []).append(
            OpenTask(row.id, row.action, row.thing, row.state, row.attempts, row.cause, row.after)
        )
    return found
