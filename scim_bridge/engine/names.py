"""Look again at whoever is to hold an asset that came to be known, or that its name means from now on.

A rule may name an asset before the app has it, and ``type/*`` means future ones, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.schedule import GAINS
from scim_bridge.engine.tables import AccessRow
from scim_bridge.folding import name_key
from scim_bridge.hubs.bindings import confirm
from scim_bridge.hubs.tables import AssetRow, Binding

_AT_ONCE = 1000

Known = frozenset[tuple[str, str, str, str]]
"""Assets of a hub as ``(type, ref, slug key, name key)``."""


def known_assets(tx: Tx, hub_id: str) -> Known:
    """What the app shows now."""
    columns = (AssetRow.type, AssetRow.ref, AssetRow.slug_key, AssetRow.name_key)
    rows = tx.execute(sa.select(*columns).where(AssetRow.hub_id == hub_id, AssetRow.gone_at.is_(None)))
    return frozenset((row.type, row.ref, row.slug_key, row.name_key) for row in rows)


def wake_for_assets(tx: Tx, hub_id: str, assets: Known, *, now: datetime) -> int:
    """Wake everybody whose rules name one of these assets. Returns how many."""
    meant = {f"{kind}/{key}" for kind, ref, *keys in assets for key in (name_key(ref), *keys, "*") if key}
    return _wake_for_names(tx, hub_id, meant, now=now)


def confirm_binding(tx: Tx, binding_id: int, *, actor: str, now: datetime) -> None:
    """From now on the name means its candidate; whoever is to hold what it means is looked at anew."""
    confirm(tx, binding_id, actor=actor, now=now)
    row = tx.execute(sa.select(Binding).where(Binding.id == binding_id)).one()
    if row.kind == "asset":
        _wake_for_names(tx, row.hub_id, {f"{row.scope}/{row.name_key}"}, now=now)


def _wake_for_names(tx: Tx, hub_id: str, meant: Iterable[str], *, now: datetime) -> int:
    wanted = frozenset(meant)
    if not wanted:
        return 0
    query = sa.select(AccessRow.person_id, AccessRow.assets).where(
        AccessRow.hub_id == hub_id, AccessRow.role.is_not(None)
    )
    woken, after = 0, 0
    while rows := tx.execute(
        query.where(AccessRow.person_id > after).order_by(AccessRow.person_id).limit(_AT_ONCE)
    ).all():
        people = [row.person_id for row in rows if any(_key(name) in wanted for name in row.assets)]
        woken += wake(tx, hub_id, people, now=now, priority=GAINS) if people else 0
        after = rows[-1].person_id
    return woken


def _key(name: str) -> str:
    kind, _, text = name.partition("/")
    return f"{kind}/{name_key(text)}"
