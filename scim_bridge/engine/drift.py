"""Drift as rows: who holds something else than we brought about, what, and since when.

A row is written when a reading or a decision finds drift and goes when it is over; both are in the audit trail.
``report`` leaves it at that; ``fix`` brings it back through the same decision, guard and task as any change of ours.
What an account had before it became ours stays in ``was_there``: no rule and no fix ever takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.clock import format_time
from scim_bridge.db import Tx, upsert
from scim_bridge.directory.people import user_names
from scim_bridge.engine import statements
from scim_bridge.engine.decide import label
from scim_bridge.engine.diff import NOTHING, Change, Drift, shown_after
from scim_bridge.engine.scene import KnownDrift, Scene, Subject
from scim_bridge.engine.tables import DriftRow
from scim_bridge.hubs.ignored import people_ignored
from scim_bridge.hubs.tables import AssetRow

_DROP = sa.delete(DriftRow).where(
    DriftRow.hub_id == sa.bindparam("of_hub"),
    DriftRow.person_id == sa.bindparam("of_person"),
    DriftRow.thing.in_(sa.bindparam("things", expanding=True)),
)


def load_drift(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, list[KnownDrift]]:
    """What is known of these people in this hub."""
    found: dict[int, list[KnownDrift]] = {}
    for row in tx.execute(statements.DRIFT, {"hub": hub_id, "people": person_ids}):
        known = KnownDrift(
            row.thing, frozenset(row.applied), frozenset(row.observed), frozenset(row.was_there), row.since
        )
        found.setdefault(row.person_id, []).append(known)
    return found


def keep_drift(tx: Tx, hub_id: str, subject: Subject, scene: Scene, drift: Sequence[Drift], *, now: datetime) -> None:
    """Bring the rows of one person in step with what was found just now; a doubtful reading proves neither."""
    if not scene.proves_drift or not (drift or subject.drift):
        return
    known = {each.thing: each for each in subject.drift}
    rows = []
    for each in drift:
        old = known.pop(each.thing, None)
        was_there = old.was_there if old else NOTHING
        if each.was_there:
            was_there |= each.observed
        moved = old is None or old.observed != each.observed
        if old is None or moved or (old.applied, old.was_there) != (each.applied, was_there):
            rows.append(_row(hub_id, subject.person_id, each, was_there, now if old is None or moved else old.since))
        if moved:
            _tell(tx, "drift.began", hub_id, subject, scene, each.thing, each.applied, each.observed, now=now)
    columns = ["applied", "observed", "was_there", "since"]
    upsert(tx, DriftRow, rows, keys=["hub_id", "person_id", "thing"], update=columns)
    _drop(tx, hub_id, subject, scene, known.values(), now=now)


def brought_back(tx: Tx, hub_id: str, subject: Subject, scene: Scene, change: Change, *, now: datetime) -> None:
    """A fix was carried out: its drift is over, unless what was there before is left of it."""
    known = next((each for each in subject.drift if each.thing == change.thing), None)
    if known is None:
        return
    left = shown_after(change, known.observed)
    if left == subject.standing.desired.get(change.thing, NOTHING):
        _drop(tx, hub_id, subject, scene, [known], now=now)
        return
    stays = Drift(known.thing, known.applied, left)
    columns = ["observed"]
    row = _row(hub_id, subject.person_id, stays, known.was_there, known.since)
    upsert(tx, DriftRow, [row], keys=["hub_id", "person_id", "thing"], update=columns)


def _row(hub_id: str, person_id: int, drift: Drift, was_there: frozenset[str], since: datetime) -> dict[str, object]:
    return {
        "hub_id": hub_id,
        "person_id": person_id,
        "thing": drift.thing,
        "applied": sorted(drift.applied),
        "observed": sorted(drift.observed),
        "was_there": sorted(was_there),
        "since": since,
    }


def _drop(tx: Tx, hub_id: str, subject: Subject, scene: Scene, over: Iterable[KnownDrift], *, now: datetime) -> None:
    gone = list(over)
    if not gone:
        return
    tx.execute(_DROP, {"of_hub": hub_id, "of_person": subject.person_id, "things": [each.thing for each in gone]})
    for each in gone:
        _tell(tx, "drift.ended", hub_id, subject, scene, each.thing, each.applied, each.observed, now=now)


def _tell(
    tx: Tx,
    action: str,
    hub_id: str,
    subject: Subject,
    scene: Scene,
    thing: str,
    applied: frozenset[str],
    observed: frozenset[str],
    *,
    now: datetime,
) -> None:
    record(
        tx,
        at=now,
        actor="engine",
        action=action,
        person_id=subject.person_id,
        hub_id=hub_id,
        detail={"thing": label(scene, thing), "ours": sorted(applied), "shown": sorted(observed)},
    )


def drift_words(subject: Subject, scene: Scene, drift: Sequence[Drift]) -> list[str]:
    """A sentence for each, with since when where a reading or a decision has kept it already."""
    since = {each.thing: f", since {format_time(each.since)}" for each in subject.drift}
    return [
        f"{label(scene, each.thing)}: the app shows {_roles(each.observed)}, ours is {_roles(each.applied)}"
        f"{since.get(each.thing, '')}"
        for each in drift
    ]


def _roles(roles: frozenset[str]) -> str:
    return ", ".join(sorted(roles)) or "nothing"


@dataclass(frozen=True, slots=True)
class DriftView:
    """One right of one person that moved by hand: roles as lists, empty where there is none."""

    hub_id: str
    person_id: int
    user_name: str
    thing: str
    ours: list[str]
    shown: list[str]
    was_there: list[str]
    since: datetime


def is_seen(tx: Tx, ignores: Mapping[str, Sequence[str]]) -> sa.ColumnElement[bool]:
    """Whether a row of drift is of an account that is not ignored (`safety.ignore` by hub)."""
    return sa.and_(
        sa.true(),
        *(
            ~sa.and_(DriftRow.hub_id == hub_id, DriftRow.person_id.in_(people_ignored(tx, hub_id, patterns)))
            for hub_id, patterns in ignores.items()
            if patterns
        ),
    )


def list_drift(
    tx: Tx, hub_id: str | None = None, *, ignores: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> list[DriftView]:
    """All drift, or one hub's; the latest first. ``ignores``: `safety.ignore` by hub."""
    is_asset = sa.and_(AssetRow.hub_id == DriftRow.hub_id, AssetRow.type + "/" + AssetRow.ref == DriftRow.thing)
    query = (
        sa.select(*DriftRow.__table__.columns, AssetRow.type, AssetRow.slug, AssetRow.name)
        .outerjoin(AssetRow, is_asset)
        .where(is_seen(tx, ignores))
        .order_by(DriftRow.since.desc(), DriftRow.hub_id, DriftRow.person_id, DriftRow.thing)
    )
    rows = tx.execute(query if hub_id is None else query.where(DriftRow.hub_id == hub_id)).all()
    names = user_names(tx, sorted({row.person_id for row in rows}))
    return [
        DriftView(
            row.hub_id,
            row.person_id,
            names.get(row.person_id, f"p{row.person_id}"),
            row.thing if row.type is None else f"{row.type}/{row.slug or row.name}",
            row.applied,
            row.observed,
            row.was_there,
            row.since,
        )
        for row in rows
    ]
