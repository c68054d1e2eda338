"""After a reading: who holds something else than we brought about, and who does no longer.

The database finds the few who differ by comparing sets; only they are read as scenes, in batches. Who is to be
brought back is woken behind everybody else; under ``drift: report`` nobody is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.db import Database, Tx
from scim_bridge.directory.keys import slices
from scim_bridge.engine.decide import look
from scim_bridge.engine.diff import SUSPENDED
from scim_bridge.engine.drift import keep_drift
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.schedule import REPAIRS
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.tables import AppliedRow, DriftRow
from scim_bridge.hubs.tables import AccountRow, AssetRow, HoldingRow, Hub
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 250


def find_drift(db: Database, mapping: HubMapping, *, invites: bool) -> int:
    """Bring the rows of drift in step with a reading that is to be trusted. Returns how many people are woken."""
    with db.read() as tx:
        people = _who_differ(tx, mapping)
    woken = 0
    for some in slices(people, _AT_ONCE):
        with db.write() as tx:
            woken += _look_at(tx, mapping, some, invites=invites, db=db)
    return woken


def _look_at(tx: Tx, mapping: HubMapping, people: Sequence[int], *, invites: bool, db: Database) -> int:
    # The hub, then pairs, then drift: the order in which decisions and outcomes take them.
    tx.execute(sa.select(Hub.id).where(Hub.id == mapping.hub_id).with_for_update(key_share=True))
    now = db.clock.now()
    scene = load_scene(tx, mapping, people, invites=invites, read_in_full=True, now=now)
    gaps = {person_id: look(subject, scene) for person_id, subject in scene.subjects.items()}
    fixed = [person_id for person_id, gap in gaps.items() if any(change.is_fix for change in gap.changes)]
    woken = wake(tx, mapping.hub_id, fixed, now=now, priority=REPAIRS) if fixed else 0
    for person_id, gap in gaps.items():
        keep_drift(tx, mapping.hub_id, scene.subjects[person_id], scene, gap.drift, now=now)
    return woken


def _who_differ(tx: Tx, mapping: HubMapping) -> list[int]:
    """People of whose rights the app shows more or less than is ours, and whoever drifted until now."""
    hub_id = mapping.hub_id
    ours = sa.select(AppliedRow.person_id, AppliedRow.thing, AppliedRow.role).where(AppliedRow.hub_id == hub_id)
    parts = _shown(hub_id, sorted(mapping.asset_roles)).cte("shown")
    shown = sa.select(parts.c.person_id, parts.c.thing, parts.c.role)
    less = sa.except_(ours, shown).subquery()
    more = sa.except_(shown, ours).subquery()
    seats = sa.select(AppliedRow.person_id).where(AppliedRow.hub_id == hub_id, AppliedRow.thing == SEAT)
    found = sa.union(
        sa.select(less.c.person_id),
        sa.select(more.c.person_id).where(more.c.person_id.in_(seats)),
        sa.select(DriftRow.person_id).where(DriftRow.hub_id == hub_id),
    )
    return sorted(tx.execute(found).scalars())


def _shown(hub_id: str, types: list[str]) -> sa.CompoundSelect[int, str, Any]:
    """``(person, thing, role)`` as the app shows it, of the kinds of assets that the mapping has a say over."""
    is_there = sa.and_(
        AccountRow.hub_id == hub_id,
        AccountRow.person_id.is_not(None),
        AccountRow.gone_at.is_(None),
        AccountRow.status != Status.EXPIRED,
    )
    whose: Any = AccountRow.person_id
    thing = AssetRow.type + "/" + AssetRow.ref
    # Materialized: without statistics PostgreSQL would try every asset for every account.
    held = (
        sa.select(whose.label("person_id"), HoldingRow.asset_id, HoldingRow.role)
        .join(HoldingRow, HoldingRow.account_id == AccountRow.id)
        .where(is_there)
        .cte("held")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return sa.union_all(
        sa.select(whose, sa.literal(SEAT).label("thing"), AccountRow.role).where(
            is_there, AccountRow.role.is_not(None)
        ),
        sa.select(whose, sa.literal(SUSPENSION), sa.literal(min(SUSPENDED))).where(
            is_there, AccountRow.status == Status.SUSPENDED
        ),
        sa.select(held.c.person_id, thing, held.c.role)
        .join(AssetRow, AssetRow.id == held.c.asset_id)
        .where(AssetRow.type.in_(types)),
    )
