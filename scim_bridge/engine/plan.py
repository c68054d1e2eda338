"""What the bridge would do in a hub, without doing it: the same evaluation, diff and brake as the engine's.

A plan stands on the last observation (it says how old that is) and on the directory as it is now, pushes
that fan-out has not looked at included. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.registry import Registry
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.directory.people import load_people, user_names
from scim_bridge.directory.tables import GroupChange, Person, PersonChange
from scim_bridge.engine.begin import is_wanted_by_another
from scim_bridge.engine.decide import Ruling, decide, label
from scim_bridge.engine.fanout import judge
from scim_bridge.engine.reservations import hub_counts, open_reservations
from scim_bridge.engine.scene import Desired, Scene, Subject
from scim_bridge.engine.schedule import REPAIRS
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.tables import AccessRow, AppliedRow, Pair
from scim_bridge.errors import NotFound
from scim_bridge.hubs.bindings import group_bindings
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import Hub
from scim_bridge.hubs.trust import untrusted
from scim_bridge.mapping.evaluate import Verdict
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One step of a plan. ``asset`` is set for steps on assets; ``before`` and ``after`` are roles.

    ``held`` (it waits for a person's word) and ``failed`` (it cannot be made as things are) are a sentence each.
    """

    person_id: int
    user_name: str
    action: str
    asset: str | None
    before: str | None
    after: str | None
    because: tuple[dict[str, Any], ...]
    held: str | None
    failed: str | None

    def to_json(self) -> dict[str, Any]:
        """The shape that ``plan --json`` prints."""
        return {
            "person": {"id": f"p{self.person_id}", "user_name": self.user_name},
            "action": self.action,
            **({"asset": self.asset} if self.asset else {}),
            "from": self.before,
            "to": self.after,
            "because": list(self.because),
            "held": self.held,
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class HubPlan:
    """All steps for one hub. ``pending``: changes pushed that fan-out has not carried to people yet."""

    hub_id: str
    mode: str
    observed_at: datetime | None
    changes: tuple[PlannedChange, ...]
    pending: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The shape that ``plan --json`` prints."""
        return {
            "hub": self.hub_id,
            "mode": self.mode,
            "observed_at": self.observed_at.isoformat() if self.observed_at else None,
            "changes": [change.to_json() for change in self.changes],
            "warnings": list(self.warnings),
        }


def plan_hub(tx: Tx, hub_id: str, mappings: MappingSet, registry: Registry, *, now: datetime) -> HubPlan:
    """Work out every step for one hub under these mappings. Raises ``NotFound`` for an unknown hub."""
    require_hub(tx, hub_id)
    mapping = mappings.hubs.get(hub_id)
    if mapping is None:
        raise NotFound(f"hub {hub_id} has no mapping file", advice="it is detached: put its file back, or forget it")
    abilities = registry.adapter(mapping.app).abilities
    columns = (Hub.mode, Hub.observed_at, Hub.attention, Hub.doubt_kind, Hub.doubt)
    hub = tx.execute(sa.select(*columns).where(Hub.id == hub_id)).one()
    # Everybody is decided here, so what is under way must not count against itself.
    under_way = open_reservations(tx, hub_id, None)
    counts = hub_counts(tx, hub_id, besides=under_way, now=now, is_locked=False)
    changes: list[PlannedChange] = []
    warnings: dict[str, None] = {}
    if hub.observed_at is None:
        warnings["the app was never read: everybody looks new; `scim-bridge plan --refresh` reads it"] = None
    if doubt := untrusted(hub_id, hub.doubt_kind, hub.doubt):
        warnings[f"the last reading is untrusted: {doubt}"] = None
    if hub.attention:
        warnings[f"the hub needs attention: {hub.attention}"] = None
    for desired in _everybody(tx, mapping, now=now):
        scene = load_scene(
            tx,
            mapping,
            list(desired),
            invites=abilities.invites,
            read_in_full=hub.observed_at is not None,
            planned=frozenset(desired) if hub.mode == "plan" else frozenset(),
            desired=desired,
            now=now,
        )
        names = user_names(tx, list(desired))
        for person_id, subject in scene.subjects.items():
            decision = decide(
                subject,
                mapping,
                scene,
                counts,
                is_released=False,
                is_wanted_by_another=is_wanted_by_another(tx, hub_id, subject),
            )
            warnings.update(dict.fromkeys(decision.waits))
            name = names.get(person_id, f"p{person_id}")
            for ruling in decision.rulings:
                changes += _planned(ruling, subject, scene, name)
    return HubPlan(hub_id, hub.mode, hub.observed_at, tuple(changes), _pending(tx), tuple(warnings))


def _everybody(tx: Tx, mapping: HubMapping, *, now: datetime) -> Iterator[Mapping[int, Desired]]:
    """Whoever should hold something here, or holds something of ours; in batches."""
    bound = group_bindings(tx)
    # The engine's order: where the brake lets only some go on, the plan must name the same ones.
    is_due = sa.and_(Pair.hub_id == mapping.hub_id, Pair.person_id == Person.id, Pair.done < Pair.want)
    everyone = (
        tx.execute(
            sa.select(Person.id)
            .outerjoin(Pair, is_due)
            .order_by(sa.func.coalesce(Pair.priority, REPAIRS + 1), Pair.due_at, Person.id)
        )
        .scalars()
        .all()
    )
    for ids in _batches(everyone):
        verdicts, _, _ = judge({mapping.hub_id: mapping}, load_people(tx, ids), bound, now.date())
        stored = {
            row.person_id: row
            for row in tx.execute(
                sa.select(AccessRow.person_id, AccessRow.disabled, AccessRow.role, AccessRow.lost_at).where(
                    AccessRow.hub_id == mapping.hub_id, AccessRow.person_id.in_(ids)
                )
            )
        }
        ours = set(
            tx.execute(
                sa.select(AppliedRow.person_id).where(
                    AppliedRow.hub_id == mapping.hub_id, AppliedRow.person_id.in_(ids), AppliedRow.thing == SEAT
                )
            ).scalars()
        )
        yield {
            person_id: desired_of(verdicts[mapping.hub_id, person_id], stored.get(person_id), now=now)
            for person_id in ids
            if verdicts[mapping.hub_id, person_id].role is not None or person_id in ours or person_id in stored
        }


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield list(ids[start : start + _AT_ONCE])


def desired_of(verdict: Verdict, stored: Any, *, now: datetime) -> Desired:
    """A verdict as fan-out would store it now; ``stored`` is the access row of before (None: there is none)."""
    because = {
        thing: [{"rule": why.rule, "file": why.file, "line": why.line} for why in reasons]
        for thing, reasons in verdict.because.items()
    }
    lost_at = None
    if verdict.role is None:
        same = stored is not None and stored.role is None and stored.disabled == verdict.disabled
        lost_at = (stored.lost_at if same else None) or now
    return Desired(verdict.role, verdict.assets, because, verdict.disabled, lost_at)


def _planned(ruling: Ruling, subject: Subject, scene: Scene, name: str) -> Iterator[PlannedChange]:
    change = ruling.change
    if change.action == "forget":
        return
    step = PlannedChange(
        subject.person_id,
        name,
        change.action,
        None if change.thing == SEAT else label(scene, change.thing),
        ", ".join(sorted(change.before)) or None,
        ", ".join(sorted(change.after)) or None,
        tuple(subject.because.get(change.thing, ())),
        "; ".join(ruling.held) if ruling.held else None,
        "; ".join(ruling.failed) if ruling.failed else None,
    )
    if change.action != "renew":
        yield step
        return
    yield replace(step, action="cancel_invitation", after=None)
    yield replace(step, action="invite", before=None)


def _pending(tx: Tx) -> int:
    return sum(
        tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (PersonChange, GroupChange)
    )
