"""Turn what should be, what we did and what is into the changes that close the gap. Pure.

    desired | applied | observed | change
    --------+---------+----------+---------------------------------------------------------------
    yes     | no      | no       | invite or add
    yes     | no      | less     | raise it (adoption outside an applied plan only raises)
    yes     | no      | as much  | adopt: ours from now on
    yes     | no      | more     | adopt, and show the rest as drift; an applied plan lowers it
    yes     | other   | (any)    | our change: bring it about, unless the app shows it already
    yes     | same    | other    | drift: shown and left
    no      | yes     | yes      | remove
    no      | yes     | no       | forget, if read in full
    no      | no      | yes      | none: hand-made, shown

While an invitation is pending the app can neither raise nor lower it: what is to be added waits for the
acceptance; a lower role or a lost asset cancels it and invites anew; the loss of the seat cancels it.

Within one person removals come last: whoever moves between teams is never in neither. Over all persons it
is the other way round (priorities): free a seat before filling one, or a full app refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from scim_bridge.contract.state import SEAT, Status

Things = Mapping[str, frozenset[str]]
"""What somebody has: ``{"seat": {"member"}, "team/7": {"member"}}``; a seat has one role."""

Action = Literal[
    "invite",
    "add",
    "change_role",
    "add_asset",
    "change_asset",
    "remove_asset",
    "remove",
    "cancel_invitation",
    "adopt",
    "renew",
    "forget",
]
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Roles:
    """The order of roles, highest first: of the seat under ``seat``, of assets under their type."""

    order: Mapping[str, tuple[str, ...]]
    exclusive: frozenset[str] = frozenset()  # asset types where the highest role stands for all

    def rank(self, thing: str, role: str) -> int:
        """0 is the highest; a role that nobody listed stands below all."""
        order = self.order.get(thing.partition("/")[0], ())
        return order.index(role) if role in order else len(order)

    def is_one(self, thing: str) -> bool:
        """Whether only one role at a time can be held on this thing."""
        return thing == SEAT or thing.partition("/")[0] in self.exclusive

    def covers(self, thing: str, has: frozenset[str], wanted: frozenset[str]) -> bool:
        """Whether ``has`` is at least ``wanted``."""
        if not self.is_one(thing):
            return has >= wanted
        if not has or not wanted:
            return not wanted
        return min(self.rank(thing, role) for role in has) <= min(self.rank(thing, role) for role in wanted)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan. ``before`` and ``after`` are the roles on ``thing``; empty: none."""

    action: Action
    thing: str
    before: frozenset[str] = NOTHING
    after: frozenset[str] = NOTHING

    @property
    def needs_call(self) -> bool:
        """Whether the app is called; ``adopt`` and ``forget`` are our own book-keeping."""
        return self.action not in {"adopt", "forget"}


@dataclass(frozen=True, slots=True)
class Drift:
    """The app shows something else than we last brought about, and we did not do it."""

    thing: str
    applied: frozenset[str]
    observed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gap:
    """All that lies between desired, applied and observed for one person in one hub."""

    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()
    waits_for_acceptance: tuple[str, ...] = ()  # things that can be given only once the invitation is accepted


@dataclass(frozen=True, slots=True)
class Standing:
    """The three states of one person in one hub, and how far the last one can be trusted."""

    desired: Things = field(default_factory=dict)
    applied: Things = field(default_factory=dict)
    observed: Things = field(default_factory=dict)
    status: Status | None = None  # of the account; None: there is none
    read_in_full: bool = False  # absence from ``observed`` is proven
    is_planned: bool = False  # part of an applied plan
    invites: bool = True  # the app starts a seat by an invitation


def diff(standing: Standing, roles: Roles) -> Gap:
    """Compare the three states of one person in one hub (table above)."""
    if standing.status in (None, Status.EXPIRED):
        return _without_account(standing)
    if standing.status is Status.INVITED:
        return _while_invited(standing, roles)
    if SEAT not in standing.desired:
        return _without_seat(standing)
    return _with_seat(standing, roles)


def _without_account(standing: Standing) -> Gap:
    seat = standing.desired.get(SEAT, NOTHING)
    if not seat:
        if not standing.read_in_full:
            return Gap()
        return Gap(tuple(Change("forget", thing, had) for thing, had in standing.applied.items()))
    if SEAT in standing.applied:
        return Gap(drift=(Drift(SEAT, standing.applied[SEAT], NOTHING),))
    return Gap((Change("invite" if standing.invites else "add", SEAT, NOTHING, seat),))


def _while_invited(standing: Standing, roles: Roles) -> Gap:
    desired, applied, observed = standing.desired, standing.applied, standing.observed
    invited = observed.get(SEAT, NOTHING)
    if SEAT not in desired:
        return Gap((Change("cancel_invitation", SEAT, invited),)) if SEAT in applied else Gap()
    if any(_is_to_be_lowered(thing, standing, roles) for thing in observed):
        return Gap((Change("renew", SEAT, invited, desired[SEAT]),))
    waits = tuple(
        thing for thing, wanted in desired.items() if not roles.covers(thing, observed.get(thing, NOTHING), wanted)
    )
    adopted = tuple(
        Change("adopt", thing, applied.get(thing, NOTHING), wanted)
        for thing, wanted in desired.items()
        if applied.get(thing) != wanted and roles.covers(thing, observed.get(thing, NOTHING), wanted)
    )
    if SEAT not in applied and SEAT in waits:
        adopted = (Change("adopt", SEAT, NOTHING, invited), *adopted)
    forgotten = tuple(
        Change("forget", thing, had) for thing, had in applied.items() if thing not in desired and thing not in observed
    )
    drift = tuple(
        Drift(thing, desired.get(thing, applied.get(thing, NOTHING)), has)
        for thing, has in observed.items()
        if not roles.covers(thing, desired.get(thing, NOTHING), has) and (thing in desired or thing in applied)
    )
    return Gap((*adopted, *forgotten), drift, waits)


def _is_to_be_lowered(thing: str, standing: Standing, roles: Roles) -> bool:
    """Whether the invitation carries more than is wanted, by our own doing: what was raised by hand is drift."""
    wanted, had = standing.desired.get(thing, NOTHING), standing.applied.get(thing, NOTHING)
    is_ours = wanted != had if had else standing.is_planned and thing in standing.desired
    return is_ours and not roles.covers(thing, wanted, standing.observed[thing])


def _without_seat(standing: Standing) -> Gap:
    if SEAT in standing.applied:
        return Gap((Change("remove", SEAT, standing.observed.get(SEAT, NOTHING)),))
    return Gap(tuple(Change("forget", thing, had) for thing, had in standing.applied.items()))


def _with_seat(standing: Standing, roles: Roles) -> Gap:
    gives: list[Change] = []
    takes: list[Change] = []
    drift: list[Drift] = []
    things = sorted({*standing.desired, *standing.applied}, key=lambda thing: (thing != SEAT, thing))
    for thing in things:
        wanted = standing.desired.get(thing, NOTHING)
        had = standing.applied.get(thing, NOTHING)
        has = standing.observed.get(thing, NOTHING)
        change = _one_thing(thing, wanted, had, has, roles, is_planned=standing.is_planned)
        if change is not None:
            (takes if change.action == "remove_asset" or not roles.covers(thing, change.after, has) else gives).append(
                change
            )
            if change.action == "adopt" and has != wanted:
                drift.append(Drift(thing, wanted, has))
        elif wanted != has:
            drift.append(Drift(thing, had, has))
    return Gap((*gives, *takes), tuple(drift))


def _one_thing(
    thing: str, wanted: frozenset[str], had: frozenset[str], has: frozenset[str], roles: Roles, *, is_planned: bool
) -> Change | None:
    if wanted == had:
        return None
    if not wanted:
        ours = has if roles.is_one(thing) else has & had
        return Change("remove_asset", thing, ours) if ours else Change("forget", thing, had)
    if has == wanted or (not had and not is_planned and roles.covers(thing, has, wanted)):
        return Change("adopt", thing, had, wanted)
    if thing == SEAT:
        return Change("change_role", thing, has, wanted)
    if not has:
        return Change("add_asset", thing, NOTHING, wanted)
    # Where roles add up, what others gave by hand stays.
    after = wanted if roles.is_one(thing) else wanted | (has - had)
    return Change("adopt", thing, had, wanted) if after == has else Change("change_asset", thing, has, after)
