"""Who holds what in a hub now, who should, and by which rule; page by page, however large the hub is.

People first, in the order of their ids, then accounts that are nobody's. *Should* is what the engine last worked out;
*holds* is what the app last showed. An account under `safety.ignore` holds nothing here, as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, Asset
from scim_bridge.db import Tx
from scim_bridge.directory.people import user_names
from scim_bridge.engine.decide import IGNORED, label
from scim_bridge.engine.diff import NOTHING
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.tables import AccessRow
from scim_bridge.errors import NotFound
from scim_bridge.folding import name_key
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.tables import AccountRow, AssetRow, HoldingRow
from scim_bridge.mapping.model import HubMapping
from scim_bridge.spelling import did_you_mean

PAGE = 500


@dataclass(frozen=True, slots=True)
class Holder:
    """One person (None: an account that is nobody's) and one thing: what the app shows, what should be, and why."""

    person_id: int | None
    user_name: str | None
    account: str | None
    status: str | None
    thing: str
    holds: tuple[str, ...]
    should: tuple[str, ...]
    because: tuple[dict[str, Any], ...]
    note: str | None = None  # why it is nobody's on purpose, whose it may be, or why nothing is done

    def to_json(self) -> dict[str, Any]:
        """A line of ``who --json``."""
        person = {"id": f"p{self.person_id}", "user_name": self.user_name} if self.person_id is not None else None
        return {
            "person": person,
            "account": self.account,
            "status": self.status,
            "thing": self.thing,
            "holds": list(self.holds),
            "should": list(self.should),
            "because": list(self.because),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which holders: of a seat role, of assets (by key), or all."""

    role: str | None = None
    assets: frozenset[str] | None = None


def wanted(tx: Tx, mapping: HubMapping, text: str | None) -> Wanted:
    """What ``ROLE`` or ``type/name`` means in this hub. Raises ``NotFound`` with the nearest name."""
    if text is None:
        return Wanted()
    if "/" in text:
        return _asset(tx, mapping, text)
    shown = tx.execute(
        sa.select(AccountRow.role)
        .where(
            AccountRow.hub_id == mapping.hub_id,
            AccountRow.gone_at.is_(None),
            ~is_named_by(tx, mapping.safety.ignore),
        )
        .distinct()
    ).scalars()
    roles = dict.fromkeys((*mapping.roles, *sorted(role for role in shown if role)))
    for role in roles:
        if name_key(role) == name_key(text):
            return Wanted(role=role)
    advice = f"{did_you_mean(text, roles)}; an asset is named type/name"
    raise NotFound(f'no role "{text}" in hub {mapping.hub_id}', advice=advice)


def _asset(tx: Tx, mapping: HubMapping, text: str) -> Wanted:
    kind, _, name = text.partition("/")
    here = sa.and_(AssetRow.hub_id == mapping.hub_id, AssetRow.gone_at.is_(None))
    query = sa.select(AssetRow.type, AssetRow.ref, AssetRow.name, AssetRow.slug).where(here)
    if name == "*":
        found = [Asset(*row) for row in tx.execute(query.where(AssetRow.type == kind))]
    else:
        key = name_key(name)
        is_it = sa.or_(AssetRow.ref == name, AssetRow.slug_key == key, AssetRow.name_key == key)
        found = [Asset(*row) for row in tx.execute(query.where(AssetRow.type == kind, is_it))]
    if found:
        return Wanted(assets=frozenset(asset.key for asset in found))
    assets = [Asset(*row) for row in tx.execute(query.order_by(AssetRow.type, AssetRow.name))]
    known = dict.fromkeys(f"{asset.type}/{asset.slug or asset.name}" for asset in assets)
    raise NotFound(f'hub {mapping.hub_id} shows no asset "{text}"', advice=did_you_mean(text, known))


def holders(tx: Tx, mapping: HubMapping, which: Wanted, *, invites: bool, now: datetime) -> Iterator[list[Holder]]:
    """Pages of holders; those of one person are together, the seat first."""
    matched: set[int] = set()  # somebody's by their address; linked at the engine's next look
    for people in _people(tx, mapping.hub_id):
        scene = load_scene(tx, mapping, people, invites=invites, read_in_full=True, now=now)
        names = user_names(tx, people)
        matched.update(scene.new_links)
        page = [
            holder
            for subject in scene.subjects.values()
            for holder in _of_person(scene, subject, names.get(subject.person_id), which)
        ]
        if page:
            yield page
    for accounts in _nobodys(tx, mapping):
        page = list(_of_accounts(tx, [each for each in accounts if each.id not in matched], which))
        if page:
            yield page


def _people(tx: Tx, hub_id: str) -> Iterator[list[int]]:
    """Whoever should hold a seat, or has an account, by id."""
    after = 0
    while True:
        should = (
            sa.select(AccessRow.person_id)
            .where(AccessRow.hub_id == hub_id, AccessRow.role.is_not(None), AccessRow.person_id > after)
            .order_by(AccessRow.person_id)
            .limit(PAGE)
        )
        have = (
            sa.select(AccountRow.person_id)
            .where(AccountRow.hub_id == hub_id, AccountRow.gone_at.is_(None), AccountRow.person_id > after)
            .order_by(AccountRow.person_id)
            .limit(PAGE)
        )
        found = {int(row.person_id) for query in (should, have) for row in tx.execute(query)}
        if not found:
            return
        page = sorted(found)[:PAGE]
        yield page
        after = page[-1]


def _of_person(scene: Scene, subject: Subject, name: str | None, which: Wanted) -> Iterator[Holder]:
    standing = subject.standing
    account = subject.account.account if subject.account and not subject.is_ignored else None
    observed = {} if subject.is_ignored else standing.observed
    things = sorted({*standing.desired, *observed}, key=lambda thing: (thing != SEAT, thing))
    for thing in things:
        holds, should = observed.get(thing, NOTHING), standing.desired.get(thing, NOTHING)
        if _is_wanted(which, thing, holds | should):
            yield Holder(
                subject.person_id,
                name,
                (account.login or account.ref) if account else None,
                account.status.value if account else None,
                label(scene, thing),
                _sorted(scene, thing, holds),
                _sorted(scene, thing, should),
                tuple(subject.because.get(thing, ())),
                IGNORED if subject.is_ignored else None,
            )


def _is_wanted(which: Wanted, thing: str, roles: Iterable[str]) -> bool:
    if which.role is not None:
        return thing == SEAT and which.role in roles
    return which.assets is None or thing in which.assets


def _sorted(scene: Scene, thing: str, roles: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(roles, key=lambda role: (scene.roles.rank(thing, role), role)))


def _nobodys(tx: Tx, mapping: HubMapping) -> Iterator[list[Any]]:
    after, is_ignored = 0, is_named_by(tx, mapping.safety.ignore)
    while True:
        rows = tx.execute(
            sa.select(AccountRow)
            .where(
                AccountRow.hub_id == mapping.hub_id,
                AccountRow.gone_at.is_(None),
                AccountRow.person_id.is_(None),
                ~is_ignored,
                AccountRow.id > after,
            )
            .order_by(AccountRow.id)
            .limit(PAGE)
        ).all()
        if not rows:
            return
        yield list(rows)
        after = rows[-1].id


def _of_accounts(tx: Tx, accounts: Sequence[Any], which: Wanted) -> Iterator[Holder]:
    query = (
        sa.select(HoldingRow.account_id, HoldingRow.role, AssetRow.type, AssetRow.ref, AssetRow.name, AssetRow.slug)
        .join(AssetRow, AssetRow.id == HoldingRow.asset_id)
        .where(HoldingRow.account_id.in_([account.id for account in accounts]))
        .order_by(AssetRow.type, AssetRow.ref, HoldingRow.role)
    )
    held: dict[int, dict[str, tuple[str, list[str]]]] = {}
    for account_id, role, *asset in tx.execute(query):
        found = Asset(*asset)
        named = held.setdefault(account_id, {}).setdefault(found.key, (f"{found.type}/{found.slug or found.name}", []))
        named[1].append(role)
    for account in accounts:
        things = {SEAT: (SEAT, [account.role] if account.role else []), **held.get(account.id, {})}
        for thing, (shown, roles) in things.items():
            if not roles and account.is_outside:
                continue  # an outside person holds no seat
            if _is_wanted(which, thing, roles):
                login = account.login or account.ref
                yield Holder(None, None, login, account.status, shown, tuple(roles), (), (), _note(account))


def _note(account: Any) -> str | None:
    if account.exempt_kind is not None:
        return f"{account.exempt_kind}: {account.exempt_reason}"
    if account.is_outside:
        return "guest: an outside person"
    return f"may be p{account.proposed_to}'s" if account.proposed_to is not None else "nobody's"
