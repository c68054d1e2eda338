"""Take back what was done: the inverse plan of a run, a task or a stretch of time, and what cannot come back.

The plan is made by the engine's own eyes: what was there before is laid over what the rules want (``undone``), and
the same decision as ever says what would be done, held or refused. Carrying it out writes just these rows and wakes
the people; the engine does the rest, past the same brake as anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.clock import format_time
from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.registry import Registry
from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers, slices
from scim_bridge.directory.people import user_names
from scim_bridge.engine.chosen import Chosen, later_deeds
from scim_bridge.engine.decide import Ruling, decide, label
from scim_bridge.engine.diff import NOTHING, SUSPENDED, Change, Things
from scim_bridge.engine.guard import Counts
from scim_bridge.engine.inverse import ENDS, STARTS, Deed, Inverse, Refusal, invert
from scim_bridge.engine.pairs import ensure_pairs, load_allowed, wake
from scim_bridge.engine.reservations import hub_counts, open_reservations
from scim_bridge.engine.rivals import seated, wanted_by_others
from scim_bridge.engine.runs import run_name, start_run
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.schedule import GAINS
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.undone import Undone, held_back
from scim_bridge.engine.undone_rows import end_undone, keep_undone, load_undone
from scim_bridge.hubs.tables import AssetRow, Hub
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _AssetNow:
    label: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One change that takes something back. ``task`` is what it undoes; ``held`` and ``failed`` are sentences."""

    hub_id: str
    person_id: int
    user_name: str
    action: str
    thing: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    task: int | None
    held: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """Something that is not taken back (or not yet), and why."""

    hub_id: str
    person_id: int
    user_name: str
    thing: str
    task: int | None
    why: str


@dataclass(slots=True)
class UndoPlan:
    """The inverse of ``what``. ``follows`` comes back later by itself; ``stays`` does not come back."""

    what: str
    steps: list[UndoStep] = field(default_factory=list)
    follows: list[Stays] = field(default_factory=list)
    stays: list[Stays] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    kept: dict[str, dict[int, list[Undone]]] = field(default_factory=dict)  # by hub and person
    released: dict[str, dict[int, list[str]]] = field(default_factory=dict)  # things the rules want so again

    @property
    def is_empty(self) -> bool:
        """Whether carrying it out would change nothing."""
        return not (any(self.kept.values()) or any(self.released.values()))

    def to_json(self) -> dict[str, Any]:
        """The shape that ``undo --json`` prints, beside ``run``."""
        return {
            "undo": self.what,
            "changes": [
                {
                    "hub": step.hub_id,
                    "person": {"id": f"p{step.person_id}", "user_name": step.user_name},
                    "action": step.action,
                    "thing": step.thing,
                    "from": list(step.before),
                    "to": list(step.after),
                    "undoes": step.task,
                    "held": step.held,
                    "failed": step.failed,
                }
                for step in self.steps
            ],
            "follows": [_stays_json(each) for each in self.follows],
            "stays": [_stays_json(each) for each in self.stays],
            "remarks": self.remarks,
        }


def _stays_json(stays: Stays) -> dict[str, Any]:
    return {
        "hub": stays.hub_id,
        "person": {"id": f"p{stays.person_id}", "user_name": stays.user_name},
        "thing": stays.thing,
        "task": stays.task,
        "why": stays.why,
    }


def plan_undo(
    tx: Tx, chosen: Chosen, mappings: MappingSet, registry: Registry, *, actor: str, now: datetime
) -> UndoPlan:
    """The inverse plan; reads only. What cannot come back is in ``stays``."""
    plan = UndoPlan(chosen.what)
    by_hub: dict[str, list[Deed]] = {}
    for deed in chosen.deeds:
        by_hub.setdefault(deed.hub_id, []).append(deed)
    for hub_id, deeds in sorted(by_hub.items()):
        mapping = mappings.hubs.get(hub_id)
        if mapping is not None:
            abilities = registry.adapter(mapping.app).abilities
            _Hub(tx, plan, mapping, abilities, is_lifting=chosen.is_undo, actor=actor, now=now).undo(deeds)
            continue
        names = user_names(tx, sorted({deed.person_id for deed in deeds}))
        why = "the hub is detached: put its file back"
        if hub_id in mappings.refused:
            why = f"the hub stands still: {mappings.refused[hub_id][0]}"
        plan.stays += [_stay(deed, deed.thing, names, why) for deed in deeds]
    return plan


def carry_out(tx: Tx, plan: UndoPlan, *, actor: str, now: datetime) -> str:
    """Keep what the plan says against the rules, and wake the people. Returns the name of the run that this is."""
    hubs = sorted({*plan.kept, *plan.released})
    run_id = start_run(tx, "undo", actor=actor, now=now, hub_id=hubs[0] if len(hubs) == 1 else None, undoes=plan.what)
    run = run_name(run_id)
    for hub_id in hubs:
        kept, released = plan.kept.get(hub_id, {}), plan.released.get(hub_id, {})
        for person_id, things in released.items():
            end_undone(tx, hub_id, person_id, things, why=f"undone by {run}", actor=actor, now=now)
        keep_undone(tx, hub_id, kept, run_id=run_id)
        people = sorted({*kept, *released})
        ensure_pairs(tx, hub_id, people, now=now)
        wake(tx, hub_id, numbers(tx, people), now=now, priority=GAINS, cuts_settle=True, run_id=run_id)
        detail = {"run": run, "undoes": plan.what, "people": len(people)}
        record(tx, at=now, actor=actor, action="undo.ordered", hub_id=hub_id, detail=detail)
    return run


def _stay(deed: Deed, thing: str, names: Mapping[int, str], why: str) -> Stays:
    name = names.get(deed.person_id, f"p{deed.person_id}")
    return Stays(deed.hub_id, deed.person_id, name, thing, deed.id or None, why)


class _Hub:
    """Works out the inverse in one hub, a batch of people at a time."""

    def __init__(
        self,
        tx: Tx,
        plan: UndoPlan,
        mapping: HubMapping,
        abilities: Abilities,
        *,
        is_lifting: bool,
        actor: str,
        now: datetime,
    ) -> None:
        self._tx, self._plan, self._mapping, self._abilities = tx, plan, mapping, abilities
        self._is_lifting, self._actor, self._now = is_lifting, actor, now
        self._hub_id = mapping.hub_id
        self._are_removals_paused = False
        self._is_live = True
        self._allowed: dict[int, frozenset[Change]] = {}  # of people whom a filed plan holds to its changes

    def undo(self, deeds: Sequence[Deed]) -> None:
        self._remark_on_hub()
        under_way = open_reservations(self._tx, self._hub_id, None)
        counts = hub_counts(self._tx, self._mapping, besides=under_way, now=self._now, is_locked=False)
        by_person: dict[int, list[Deed]] = {}
        for deed in deeds:
            by_person.setdefault(deed.person_id, []).append(deed)
        for batch in slices(list(by_person), _AT_ONCE):
            self._batch(batch, [deed for who in batch for deed in by_person[who]], counts)

    def _remark_on_hub(self) -> None:
        columns = (Hub.mode, Hub.paused_at, Hub.removals_paused_at, Hub.attention)
        hub = self._tx.execute(sa.select(*columns).where(Hub.id == self._hub_id)).one()
        self._are_removals_paused = hub.removals_paused_at is not None
        self._is_live = hub.mode != "plan"
        if hub.mode == "plan":
            self._remark(f"{self._hub_id} is in plan mode: `scim-bridge apply {self._hub_id}` carries it out")
        if hub.paused_at is not None:
            self._remark(f"{self._hub_id} is paused: it goes on after `scim-bridge resume {self._hub_id}`")
        if hub.attention:
            self._remark(f"{self._hub_id} needs attention: {hub.attention}")

    def _batch(self, people: Sequence[int], deeds: list[Deed], counts: Callable[[], Counts]) -> None:
        stored = load_undone(self._tx, self._hub_id, people)
        self._allowed = load_allowed(self._tx, self._hub_id, people)
        scene = self._scene(people, {})
        if self._is_lifting:
            inverses = _lifted(deeds)
        else:
            kept = {(self._hub_id, who): each for who, each in stored.items()}
            inverses = invert(deeds, later_deeds(self._tx, self._hub_id, people, deeds), kept)
        assets = self._assets(inverses)
        after: dict[int, list[Undone]] = dict(stored)
        for inverse in inverses:
            subject = scene.subjects[inverse.person_id]
            if not self._is_lifting:
                undone = {one.thing for one in stored.get(inverse.person_id, ())}
                self._leave_impossible(inverse, subject, assets, undone)
            after[inverse.person_id] = self._lay_over(inverse, subject.rules, after.get(inverse.person_id, []))
        seen, names = self._scene(people, after), user_names(self._tx, people)
        rivalled = wanted_by_others(self._tx, seen.subjects.values(), partial(seated, self._tx, self._hub_id))
        for inverse in inverses:
            self._show(inverse, seen, assets, names, counts, rivalled)

    def _scene(self, people: Sequence[int], undone: Mapping[int, Sequence[Undone]]) -> Scene:
        invites = self._abilities.invites
        return load_scene(
            self._tx, self._mapping, people, invites=invites, read_in_full=True, undone=undone, now=self._now
        )

    def _assets(self, inverses: Sequence[Inverse]) -> dict[str, _AssetNow]:
        """Every asset that is spoken of, by key."""
        keys = {thing for inverse in inverses for thing in (*inverse.targets, *(one.thing for one in inverse.refused))}
        refs = sorted({key.partition("/")[2] for key in keys})
        query = sa.select(AssetRow).where(AssetRow.hub_id == self._hub_id, AssetRow.ref.in_(refs))
        return {
            f"{row.type}/{row.ref}": _AssetNow(f"{row.type}/{row.slug or row.name}", row.gone_at is not None)
            for row in self._tx.execute(query)
        }

    def _leave_impossible(
        self, inverse: Inverse, subject: Subject, assets: Mapping[str, _AssetNow], undone: set[str]
    ) -> None:
        for thing, roles in sorted(inverse.targets.items(), key=lambda pair: pair[0] != SEAT):
            if thing not in inverse.targets:  # left with its seat
                continue
            unknown = sorted(roles - set(self._roles(thing)))
            if subject.desired.disabled:
                inverse.leave(thing, "they have left: every user of this person is inactive or deleted")
            elif thing == SUSPENSION and not self._abilities.suspend:
                inverse.leave(thing, "the app cannot suspend any more")
            elif roles and "/" in thing and (thing not in assets or assets[thing].is_gone):
                inverse.leave(thing, "it is not in the app any more")
            elif unknown:
                inverse.leave(thing, f"the app has no role {', '.join(unknown)} any more")
            elif roles == subject.rules.get(thing, NOTHING) and thing not in undone:
                inverse.leave(thing, "the rules want it so themselves")

    def _roles(self, thing: str) -> tuple[str, ...]:
        if thing == SEAT:
            return self._abilities.roles
        if thing == SUSPENSION:
            return tuple(SUSPENDED)
        kind = self._abilities.asset_types.get(thing.partition("/")[0])
        return kind.roles if kind else ()

    def _lay_over(self, inverse: Inverse, rules: Things, stored: Sequence[Undone]) -> list[Undone]:
        """What is kept for one person afterwards; noted in the plan."""
        kept: list[Undone] = []
        released: list[str] = []
        for thing, roles in inverse.targets.items():
            if self._is_lifting or roles == rules.get(thing, NOTHING):
                released.append(thing)
                continue
            with_seat = inverse.deeds[thing].action in ENDS or thing == SUSPENSION
            context = {thing, SEAT} if with_seat else {thing}
            against = {each: rules.get(each, NOTHING) for each in context}
            kept.append(Undone(thing, roles, against, "", self._actor, self._now))
        if kept:
            self._plan.kept.setdefault(self._hub_id, {})[inverse.person_id] = kept
        if released:
            self._plan.released.setdefault(self._hub_id, {})[inverse.person_id] = released
        return [*(each for each in stored if each.thing not in inverse.targets and SEAT not in released), *kept]

    def _show(
        self,
        inverse: Inverse,
        scene: Scene,
        assets: Mapping[str, _AssetNow],
        names: Mapping[int, str],
        counts: Callable[[], Counts],
        rivalled: Collection[int],
    ) -> None:
        subject, plan = scene.subjects[inverse.person_id], self._plan
        plan.stays += [_stay(one.deed, _called(assets, one), names, one.why) for one in inverse.refused]
        if not inverse.targets:
            return
        decision = decide(
            subject,
            self._mapping,
            scene,
            counts,
            is_wanted_by_another=subject.person_id in rivalled,
            are_removals_paused=self._are_removals_paused,
            allowed=None if self._is_live and subject.desired.disabled else self._allowed.get(subject.person_id),
        )
        held = {change for _, change in held_back(subject.undone, subject.standing)}
        rulings = [one for one in decision.rulings if one.change.thing in inverse.targets and one.change not in held]
        for ruling in rulings:
            plan.steps.append(_step(ruling, inverse, scene, names))
        is_invited = any(ruling.change.action in STARTS for ruling in rulings)
        for thing in sorted(set(inverse.targets) - {ruling.change.thing for ruling in rulings}):
            why = _why_not_now(inverse.targets[thing], thing, subject, decision.waits, is_invited=is_invited)
            plan.follows.append(_stay(inverse.deeds[thing], label(scene, thing), names, why))
        self._remark_on_losses(inverse, is_invited=is_invited)
        if inverse.targets.get(SUSPENSION) == NOTHING and subject.next_at is not None:
            name = names.get(subject.person_id, f"p{subject.person_id}")
            self._remark(f"`leave` goes on: its next step about {name} is due at {format_time(subject.next_at)}")

    def _remark_on_losses(self, inverse: Inverse, *, is_invited: bool) -> None:
        if is_invited and self._abilities.invites:
            self._remark("whoever is invited must accept anew, and has nothing until then")
        lost = self._abilities.lost_on_removal
        if lost and any(deed.action == "remove" for deed in inverse.deeds.values()):
            self._remark(f"{self._mapping.app} deleted with the seat, and nothing brings back: {lost}")

    def _remark(self, text: str) -> None:
        if text not in self._plan.remarks:
            self._plan.remarks.append(text)


def _step(ruling: Ruling, inverse: Inverse, scene: Scene, names: Mapping[int, str]) -> UndoStep:
    change, who = ruling.change, inverse.person_id
    return UndoStep(
        inverse.hub_id,
        who,
        names.get(who, f"p{who}"),
        change.action,
        label(scene, change.thing),
        tuple(sorted(change.before)),
        tuple(sorted(change.after)),
        inverse.deeds[change.thing].id or None,
        "; ".join(ruling.held) if ruling.held else None,
        "; ".join(ruling.failed) if ruling.failed else None,
    )


def _called(assets: Mapping[str, _AssetNow], refusal: Refusal) -> str:
    deed, known = refusal.deed, assets.get(refusal.thing)
    return deed.thing if refusal.thing == deed.key else known.label if known else refusal.thing


def _lifted(deeds: Sequence[Deed]) -> list[Inverse]:
    """What an undo keeps is let go: its things become what the rules want."""
    found: dict[int, Inverse] = {}
    for deed in deeds:
        inverse = found.setdefault(deed.person_id, Inverse(deed.hub_id, deed.person_id))
        thing = deed.key or SEAT
        inverse.targets[thing] = (deed.had or {}).get(thing, NOTHING)
        inverse.deeds[thing] = deed
    return list(found.values())


def _why_not_now(roles: frozenset[str], thing: str, subject: Subject, waits: Sequence[str], *, is_invited: bool) -> str:
    if subject.standing.observed.get(thing, NOTHING) == roles:
        return "the app shows it so already"
    if is_invited and roles:
        return f"{', '.join(sorted(roles))} follows when the invitation is accepted"
    return "; ".join(waits) or "nothing can be done about it now"
