"""What the bridge would do in a hub, without doing it: the same evaluation, diff and brake as the engine's.

A plan stands on the last observation (it says how old that is) and on the directory as it is now, pushes
that fan-out has not looked at included. It writes nothing. People are read in batches, with the same number of
statements for any number of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.registry import Registry
from scim_bridge.contract.state import SEAT, Status
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers, slices
from scim_bridge.directory.people import load_people, name_of, user_names
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.directory.tables import GroupChange, Person, PersonChange
from scim_bridge.engine.allowed import brings
from scim_bridge.engine.decide import Ruling, because_of, decide, label
from scim_bridge.engine.diff import Things
from scim_bridge.engine.doubts import doubts
from scim_bridge.engine.judging import as_rows, judge
from scim_bridge.engine.leave import Since
from scim_bridge.engine.planned import HubPlan, HubRoleChange, Named, PartnerRule, PlannedChange, RuleCount, add_up
from scim_bridge.engine.proposed import proposed_removals
from scim_bridge.engine.reservations import hub_counts, open_reservations
from scim_bridge.engine.rivals import wanted_by_others
from scim_bridge.engine.scene import Desired, Scene, Subject
from scim_bridge.engine.schedule import REPAIRS
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.standstill import get_mapping
from scim_bridge.engine.tables import AccessRow, AppliedRow, Pair
from scim_bridge.engine.waits import stopped_by
from scim_bridge.folding import name_key
from scim_bridge.hubs.bindings import group_bindings, list_bindings
from scim_bridge.hubs.operate import require_hub
from scim_bridge.hubs.tables import Hub
from scim_bridge.hubs.trust import untrusted
from scim_bridge.mapping import revisions
from scim_bridge.mapping.evaluate import HUB_ROLE, Verdict
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500
_STORED = (
    AccessRow.person_id,
    AccessRow.disabled,
    AccessRow.disabled_at,
    AccessRow.role,
    AccessRow.lost_at,
    AccessRow.hub_role,
)
_HUB = sa.select(
    Hub.app,
    Hub.tenant,
    Hub.created_at,
    Hub.mode,
    Hub.observation,
    Hub.observed_at,
    Hub.attention,
    Hub.paused_at,
    Hub.paused_by,
    Hub.doubt_kind,
    Hub.doubt,
    Hub.removals_paused_at,
).where(Hub.id == sa.bindparam("hub"))


def plan_hub(
    tx: Tx, hub_id: str, mappings: MappingSet, registry: Registry, *, now: datetime, in_force: bool = True
) -> HubPlan:
    """Work out every step for one hub under these mappings.

    Raises ``NotFound`` for an unknown hub, ``Conflict`` for one without rules. ``in_force`` False: the mappings are
    files that are not published.
    """
    require_hub(tx, hub_id)
    mapping = get_mapping(tx, mappings, hub_id)
    hub = tx.execute(_HUB, {"hub": hub_id}).one()
    work = _Work(
        tx,
        mapping,
        invites=registry.adapter(mapping.app).abilities.invites,
        is_planned=hub.mode == "plan",
        read_in_full=hub.observed_at is not None,
        is_doubted=hub.doubt_kind is not None,
        are_removals_paused=hub.removals_paused_at is not None,
        now=now,
    )
    for reason in _about_hub(tx, mapping, hub):
        work.warn(reason)
    changes = tuple(work.changes())
    proposed = proposed_removals(tx, mapping, seated=work.seated, spoken_for=work.spoken_for)
    return HubPlan(
        hub_id,
        hub.app,
        hub.tenant,
        hub.created_at,
        hub.mode,
        revisions.in_force_id(tx) if in_force else None,
        hub.observation,
        hub.observed_at,
        now,
        changes,
        tuple(
            RuleCount(grant.name, grant.place.file, grant.place.line, work.matched[number])
            for number, grant in enumerate(mapping.grants)
            if grant.partner is None
        ),
        add_up(changes, mapping.roles, proposed),
        _pending(tx),
        tuple(work.told()),
        tuple(work.hub_roles),
        tuple(_partners(mapping)),
        proposed,
    )


def _about_hub(tx: Tx, mapping: HubMapping, hub: Any) -> Iterator[str]:
    """What a plan of the hub must be read with."""
    hub_id = mapping.hub_id
    if hub.observed_at is None:
        yield "the app was never read: everybody looks new; `scim-bridge plan --refresh` reads it"
    if doubt := untrusted(hub_id, hub.doubt_kind, hub.doubt):
        yield f"the last reading is untrusted: {doubt}"
    yield from stopped_by(hub_id, hub.paused_at, hub.paused_by, hub.attention)
    yield from map(str, doubts(tx, [mapping]))
    yield from to_confirm(tx, hub_id)


def to_confirm(tx: Tx, hub_id: str) -> Iterator[str]:
    """Names of groups and assets that another thing bears by now, each with the way out."""
    for each in list_bindings(tx, hub_id):
        if each.candidate_id is not None:
            name = f"{each.type}/{each.name}" if each.type else f'group "{each.name}" in source {each.source}'
            yield (
                f"{name} means {each.target_name or each.target_id}; what bears the name now gives nobody anything "
                f"until `scim-bridge binding confirm {each.id}`"
            )


def _partners(mapping: HubMapping) -> Iterator[PartnerRule]:
    for grant in mapping.grants:
        if grant.partner is not None:
            who, place = grant.partner, grant.place
            assets = tuple((f"{each.type}/{each.name}", ", ".join(each.roles)) for each in grant.assets)
            yield PartnerRule(grant.name, place.file, place.line, who.id, who.name, who.owner, grant.until, assets)


class _Work:
    """One plan in the making: decides for everybody, batch by batch, in the order of the engine."""

    def __init__(
        self,
        tx: Tx,
        mapping: HubMapping,
        *,
        invites: bool,
        is_planned: bool,
        read_in_full: bool,
        is_doubted: bool,
        are_removals_paused: bool,
        now: datetime,
    ) -> None:
        self._tx = tx
        self._mapping = mapping
        self._invites = invites
        self._is_planned = is_planned
        self._read_in_full = read_in_full
        self._is_doubted = is_doubted
        self._are_removals_paused = are_removals_paused
        self._now = now
        self._bound = dict(group_bindings(tx).get(mapping.hub_id, {}))
        # Everybody is decided here, so what is under way must not count against itself.
        self._counts = hub_counts(
            tx, mapping, besides=open_reservations(tx, mapping.hub_id, None), now=now, is_locked=False
        )
        self.matched: Counter[int] = Counter()  # rule -> people for whom it holds
        self._warnings: dict[str, list[int]] = {}  # text -> whom it is about; nobody: the hub
        self.hub_roles: list[HubRoleChange] = []
        self.seated: set[int] = set()  # people who are to have a seat
        self.spoken_for: set[int] = set()  # accounts that become somebody's, or may

    def warn(self, text: str) -> None:
        """Say something about the hub, once."""
        self._warnings.setdefault(text, [])

    def told(self) -> Iterator[str]:
        """All warnings; what is about people names the first of them, and how many more there are."""
        first = {text: people[0] for text, people in self._warnings.items() if people}
        names = user_names(self._tx, sorted(set(first.values()))) if first else {}
        for text, people in self._warnings.items():
            if people:
                more = f" and {len(people) - 1} more" if len(people) > 1 else ""
                text = f"{names.get(people[0], '?')} (p{people[0]}){more}: {text}"
            yield text

    def changes(self) -> Iterator[PlannedChange]:
        """Every step for everybody."""
        everyone = _in_order(self._tx, self._mapping.hub_id)
        for some in slices(everyone, _AT_ONCE):
            yield from self._batch(some)

    def _batch(self, ids: Sequence[int]) -> Iterator[PlannedChange]:
        people = load_people(self._tx, ids)
        verdicts = self._judge(ids, people)
        for verdict in verdicts.values():
            self.matched.update(verdict.matched)
        stored = self._stored(ids)
        self._hub_roles(verdicts, stored, people)
        desired = self._desired(verdicts, stored)
        if not desired:
            return
        scene = load_scene(
            self._tx,
            self._mapping,
            list(desired),
            invites=self._invites,
            read_in_full=self._read_in_full,
            is_doubted=self._is_doubted,
            planned=frozenset(desired) if self._is_planned else frozenset(),
            desired=desired,
            people=people,
            now=self._now,
        )
        self.seated |= {person_id for person_id, wish in desired.items() if wish.role is not None}
        self.spoken_for |= {account for account, owner in scene.new_links.items() if owner in self.seated}
        self.spoken_for |= scene.new_proposals.keys()
        rivalled = wanted_by_others(self._tx, scene.subjects.values(), self._seated)
        found: list[tuple[Subject, Ruling]] = []
        for person_id, subject in scene.subjects.items():
            decision = decide(
                subject,
                self._mapping,
                scene,
                self._counts,
                is_wanted_by_another=person_id in rivalled,
                are_removals_paused=self._are_removals_paused,
            )
            for text in decision.waits:
                about = self._warnings.setdefault(text, [])
                if text not in subject.troubles:
                    about.append(person_id)
            found += [(subject, ruling) for ruling in decision.rulings if ruling.change.action != "forget"]
        names = self._names({subject.person_id for subject, _ in found}, people)
        for subject, ruling in found:
            yield from _planned(ruling, subject, scene, self._mapping, names[subject.person_id])

    def _names(self, ids: Collection[int], people: Mapping[int, PersonFact]) -> dict[int, str]:
        """What to call these people; only those without users are asked for."""
        names = {person_id: name for person_id in ids if (name := name_of(people[person_id]))}
        nameless = [person_id for person_id in ids if person_id not in names]
        deleted = user_names(self._tx, nameless) if nameless else {}
        return names | {person_id: deleted.get(person_id, f"p{person_id}") for person_id in nameless}

    def _judge(self, ids: Collection[int], people: Mapping[int, PersonFact]) -> dict[int, Verdict]:
        hub_id = self._mapping.hub_id
        verdicts, met, _ = judge({hub_id: self._mapping}, people, {hub_id: self._bound}, self._now.date())
        for new in met:  # what a name means is settled by the first who meets it, here as at the engine
            self._bound.setdefault((int(new.scope), name_key(new.name)), new.target_id)
        return {person_id: verdicts[hub_id, person_id] for person_id in ids if person_id in people}

    def _seated(self, people: Collection[int]) -> set[int]:
        """Who of these is to have a seat by these very rules, which need not be in force yet."""
        verdicts = self._judge(people, load_people(self._tx, list(people)))
        return {person_id for person_id, verdict in verdicts.items() if verdict.role is not None}

    def _stored(self, ids: Sequence[int]) -> dict[int, Any]:
        access = sa.select(*_STORED).where(
            AccessRow.hub_id == self._mapping.hub_id, AccessRow.person_id.in_(numbers(self._tx, ids))
        )
        return {row.person_id: row for row in self._tx.execute(access)}

    def _hub_roles(
        self, verdicts: Mapping[int, Verdict], stored: Mapping[int, Any], people: Mapping[int, PersonFact]
    ) -> None:
        moved = {
            person_id: (before, verdict.hub_role)
            for person_id, verdict in verdicts.items()
            if (before := stored[person_id].hub_role if person_id in stored else None) != verdict.hub_role
        }
        names = self._names(moved, people)
        for person_id, (before, after) in moved.items():
            because = as_rows(verdicts[person_id].because).get(HUB_ROLE, ())
            self.hub_roles.append(HubRoleChange(person_id, names[person_id], before, after, tuple(because)))

    def _desired(self, verdicts: Mapping[int, Verdict], stored: Mapping[int, Any]) -> dict[int, Desired]:
        """What is wanted of whoever should hold something here, or holds something of ours."""
        tx, hub_id = self._tx, self._mapping.hub_id
        chosen = numbers(tx, list(verdicts))
        seats = sa.select(AppliedRow.person_id).where(
            AppliedRow.hub_id == hub_id, AppliedRow.thing == SEAT, AppliedRow.person_id.in_(chosen)
        )
        ours = set(tx.execute(seats).scalars())
        return {
            person_id: desired_of(verdict, stored.get(person_id), now=self._now)
            for person_id, verdict in verdicts.items()
            if verdict.role is not None or person_id in ours or person_id in stored
        }


def _in_order(tx: Tx, hub_id: str) -> Sequence[int]:
    """Everybody, in the engine's order: where the brake lets only some go on, the plan must name the same ones."""
    is_due = sa.and_(Pair.hub_id == hub_id, Pair.person_id == Person.id, Pair.done < Pair.want)
    urgency = sa.func.coalesce(Pair.priority, REPAIRS + 1)
    query = sa.select(Person.id).outerjoin(Pair, is_due).order_by(urgency, Pair.due_at, Person.id)
    return tx.execute(query).scalars().all()


def desired_of(verdict: Verdict, stored: Any, *, now: datetime) -> Desired:
    """A verdict as fan-out would store it now; ``stored`` is the access row of before (None: there is none)."""
    before = Since() if stored is None else Since.of(stored)
    had_role = stored is not None and stored.role is not None
    since = before.goes_on(has_role=verdict.role is not None, had_role=had_role, disabled=verdict.disabled, now=now)
    because, lower = as_rows(verdict.because), as_rows(verdict.lower)
    return Desired(verdict.role, verdict.assets, because, verdict.disabled, since, lower)


def _planned(ruling: Ruling, subject: Subject, scene: Scene, mapping: HubMapping, name: str) -> Iterator[PlannedChange]:
    change, standing = ruling.change, subject.standing
    along = brings(change, standing.desired)
    because = [rule for each in (change, *along) for rule in because_of(subject, each, mapping)]
    step = PlannedChange(
        subject.person_id,
        name,
        change.action,
        label(scene, change.thing) if "/" in change.thing else None,
        _roles(change.before),
        _roles(change.after),
        tuple(rule for number, rule in enumerate(because) if rule not in because[:number]),
        "; ".join(ruling.held) if ruling.held else None,
        "; ".join(ruling.failed) if ruling.failed else None,
        brings=_named(scene, {each.thing: each.after for each in along}),
        takes=_named(scene, standing.observed) if change.action in ("remove", "cancel_invitation") else (),
        steps=(change, *along),
        account=account_of(subject),
    )
    if change.action != "renew":
        yield step
        return
    yield replace(step, action="cancel_invitation", after=None, brings=())
    yield replace(step, action="invite", before=None, is_second=True)


def account_of(subject: Subject) -> str | None:
    """The id of the account that the person has; an invitation is none."""
    account = subject.account.account if subject.account else None
    return account.ref if account and account.status in (Status.ACTIVE, Status.SUSPENDED) else None


def _named(scene: Scene, things: Things) -> Named:
    return tuple(sorted((label(scene, thing), _roles(roles) or "") for thing, roles in things.items() if "/" in thing))


def _roles(roles: Collection[str]) -> str | None:
    return ", ".join(sorted(roles)) or None


def _pending(tx: Tx) -> int:
    return sum(
        tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in (PersonChange, GroupChange)
    )
