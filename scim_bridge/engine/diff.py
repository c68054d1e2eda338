"""Turn what should be, what we did and what is into the changes that close the gap. Pure.

    desired | applied | observed | change
    --------+---------+----------+---------------------------------------------------------------
    yes     | no      | no       | invite or add
    yes     | no      | less     | raise it (adoption outside an applied plan only raises)
    yes     | no      | as much  | adopt: ours from now on
    yes     | no      | more     | adopt, and show the rest as drift; an applied plan lowers it
    yes     | other   | (any)    | our change: bring it about, unless the app shows it already, or more where we raise
    yes     | same    | other    | drift: shown and left; brought back where the mapping says so
    no      | no      | a right  | the same, on an account that is ours; a hand-made account: none
    no      | yes     | yes      | remove
    no      | yes     | no       | forget, if read in full
    no      | no      | a seat   | none: hand-made, shown

While an invitation is pending the app can neither raise nor lower it: what is to be added waits for the
acceptance; a lower role or a lost asset cancels it and invites anew; the loss of the seat cancels it.

What an account had before it became ours is drift as well (``Drift.was_there``) and is never brought back: an
adoption only raises, so a new rule takes nothing from anybody. Bringing back stands on a trusted reading, gives a
leaver nothing, and touches kinds of assets that the mapping orders, no others.

A suspended account is one with the thing ``suspension``: desired by a step of `leave`, ours if we suspended it.

Within one person removals come last: whoever moves between teams is never in neither. Over all persons it
is the other way round (priorities): free a seat before filling one, or a full app refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from scim_bridge.contract.state import SEAT, SUSPENSION, Status

Things = Mapping[str, frozenset[str]]
"""What somebody has: ``{"seat": {"member"}, "team/7": {"member"}}``; a seat has one role."""

Action = Literal[
    "invite",
    "add",
    "change_role",
    "add_asset",
    "change_asset",
    "remove_asset",
    "suspend",
    "resume",
    "remove",
    "cancel_invitation",
    "adopt",
    "renew",
    "forget",
]
NOTHING: frozenset[str] = frozenset()
SUSPENDED = frozenset(["suspended"])
"""What is held on ``SUSPENSION``."""


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

    def is_managed(self, thing: str) -> bool:
        """Whether the mapping has a say here: not over kinds of assets that it never names."""
        return thing in (SEAT, SUSPENSION) or thing.partition("/")[0] in self.order

    def covers(self, thing: str, has: frozenset[str], wanted: frozenset[str]) -> bool:
        """Whether ``has`` is at least ``wanted``."""
        if not self.is_one(thing):
            return has >= wanted
        if not has or not wanted:
            return not wanted
        return min(self.rank(thing, role) for role in has) <= min(self.rank(thing, role) for role in wanted)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan. ``before`` and ``after`` are the roles on ``thing``; empty: none.

    ``suspend`` and ``resume`` name the seat's roles, which rest meanwhile. ``is_fix``: it brings drift back.
    """

    action: Action
    thing: str
    before: frozenset[str] = NOTHING
    after: frozenset[str] = NOTHING
    is_fix: bool = False

    @property
    def needs_call(self) -> bool:
        """Whether the app is called; ``adopt`` and ``forget`` are our own book-keeping."""
        return self.action not in {"adopt", "forget"}


@dataclass(frozen=True, slots=True)
class Drift:
    """The app shows something else than we last brought about, and we did not do it.

    ``was_there``: it was there before the account, or the right, became ours.
    """

    thing: str
    applied: frozenset[str]
    observed: frozenset[str]
    was_there: bool = False


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
    fixes: bool = False  # drift is brought back
    is_leaving: bool = False  # a timer of `leave` keeps what there is: nothing more is given
    were_there: Things = field(default_factory=dict)  # what known drift had before it became ours
    vanished: frozenset[str] = NOTHING  # things that the app shows no longer: they cannot be given

    @property
    def may_fix(self) -> bool:
        """Whether drift is brought back here and now: only on what is ours, only by a reading to be trusted."""
        return self.fixes and self.read_in_full and SEAT in self.applied


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
    start: Action = "invite" if standing.invites else "add"
    if SEAT not in standing.applied:
        return Gap((Change(start, SEAT, NOTHING, seat),))
    drift = (Drift(SEAT, standing.applied[SEAT], NOTHING),)
    if standing.may_fix and standing.status is None and not standing.is_leaving:
        return Gap((Change(start, SEAT, NOTHING, seat, is_fix=True),), drift)
    return Gap(drift=drift)


def _while_invited(standing: Standing, roles: Roles) -> Gap:
    desired, applied, observed = standing.desired, standing.applied, standing.observed
    invited = observed.get(SEAT, NOTHING)
    if SEAT not in desired or SUSPENSION in desired:  # an invitation cannot be suspended
        return Gap((Change("cancel_invitation", SEAT, invited),)) if SEAT in applied else Gap()
    drift = tuple(
        Drift(thing, desired.get(thing, applied.get(thing, NOTHING)), has, SEAT not in applied)
        for thing, has in observed.items()
        if roles.is_managed(thing) and not roles.covers(thing, desired.get(thing, NOTHING), has)
    )
    if any(_is_to_be_lowered(thing, standing, roles) for thing in observed):
        return Gap((Change("renew", SEAT, invited, desired[SEAT]),))
    if not standing.is_leaving and any(_is_to_be_brought_down(one, standing, roles) for one in drift):
        return Gap((Change("renew", SEAT, invited, desired[SEAT], is_fix=True),), drift)
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
    return Gap((*adopted, *forgotten), drift, waits)


def _is_to_be_lowered(thing: str, standing: Standing, roles: Roles) -> bool:
    """Whether the invitation carries more than is wanted, by our own doing: what was raised by hand is drift."""
    wanted, had = standing.desired.get(thing, NOTHING), standing.applied.get(thing, NOTHING)
    is_ours = not roles.covers(thing, wanted, had) if had else standing.is_planned and thing in standing.desired
    return is_ours and not roles.covers(thing, wanted, standing.observed[thing])


def _is_to_be_brought_down(drift: Drift, standing: Standing, roles: Roles) -> bool:
    wanted = standing.desired.get(drift.thing, NOTHING)
    target = _brought_back(drift.thing, wanted, drift.observed, standing, roles)
    return not roles.covers(drift.thing, target, drift.observed)


def _without_seat(standing: Standing) -> Gap:
    if SEAT in standing.applied:
        return Gap((Change("remove", SEAT, standing.observed.get(SEAT, NOTHING)),))
    return Gap(tuple(Change("forget", thing, had) for thing, had in standing.applied.items()))


def _with_seat(standing: Standing, roles: Roles) -> Gap:
    gives: list[Change] = []
    takes: list[Change] = []
    drift: list[Drift] = []
    for thing in _things(standing, roles):
        wanted = standing.desired.get(thing, NOTHING)
        had = standing.applied.get(thing, NOTHING)
        has = standing.observed.get(thing, NOTHING)
        if wanted == had:
            change = _fix(thing, has, standing, roles)
            left = has
        else:
            change = _one_thing(thing, wanted, had, has, standing, roles)
            left = shown_after(change, has)
        if change is not None:
            (takes if _takes(change, has, roles) else gives).append(change)
        if left != wanted and roles.is_managed(thing):
            is_new = SEAT not in standing.applied or (thing in standing.desired and not had)
            drift.append(Drift(thing, wanted, left, is_new))
    return Gap((*gives, *takes), tuple(drift))


def _things(standing: Standing, roles: Roles) -> list[str]:
    """A suspended account is resumed before anything else is done to it."""
    extra = (thing for thing in standing.observed if roles.is_managed(thing))
    things = {*standing.desired, *standing.applied, *extra}
    return sorted(things, key=lambda thing: (thing != SUSPENSION, thing != SEAT, thing))


def _one_thing(
    thing: str, wanted: frozenset[str], had: frozenset[str], has: frozenset[str], standing: Standing, roles: Roles
) -> Change:
    """Our change: what is wanted is not what we brought about last."""
    if not wanted:
        ours = has if roles.is_one(thing) else has & had
        return _step(thing, ours, NOTHING, standing) if ours else Change("forget", thing, had)
    only_raises = roles.covers(thing, wanted, had) and (had or not standing.is_planned)
    if has == wanted or (only_raises and roles.covers(thing, has, wanted)):
        return Change("adopt", thing, had, wanted)
    # Where roles add up, what others gave by hand stays.
    after = wanted if roles.is_one(thing) else wanted | (has - had)
    return Change("adopt", thing, had, wanted) if after == has else _step(thing, has, after, standing)


def _step(thing: str, has: frozenset[str], after: frozenset[str], standing: Standing) -> Change:
    if thing == SEAT:
        return Change("change_role", thing, has, after)
    if thing == SUSPENSION:
        seat = standing.observed.get(SEAT, NOTHING)
        return Change("suspend", thing, seat) if after else Change("resume", thing, NOTHING, seat)
    if not after:
        return Change("remove_asset", thing, has)
    return Change("change_asset" if has else "add_asset", thing, has, after)


def shown_after(change: Change, has: frozenset[str]) -> frozenset[str]:
    """What the app shows on the change's thing once it is made; ``has``: what it shows now."""
    if change.action == "suspend":
        return SUSPENDED
    if change.action == "resume":
        return NOTHING
    if change.action == "remove_asset":
        return has - change.before
    return change.after if change.needs_call else has


def _takes(change: Change, has: frozenset[str], roles: Roles) -> bool:
    if change.thing == SUSPENSION:
        return change.action == "suspend"
    return change.action == "remove_asset" or not roles.covers(change.thing, change.after, has)


def _fix(thing: str, has: frozenset[str], standing: Standing, roles: Roles) -> Change | None:
    """Bring drift on one thing back; None: there is none, or it is left."""
    wanted = standing.desired.get(thing, NOTHING)
    target = _brought_back(thing, wanted, has, standing, roles)
    if standing.is_leaving and thing != SUSPENSION and not roles.is_one(thing):
        target &= has
    if target == has:
        return None
    step = _step(thing, has, target, standing)
    is_given = not _takes(step, has, roles)
    if is_given and (standing.is_leaving or thing in standing.vanished):
        return None
    return replace(step, is_fix=True)


def _brought_back(
    thing: str, wanted: frozenset[str], has: frozenset[str], standing: Standing, roles: Roles
) -> frozenset[str]:
    """What drift goes back to: what is wanted, but never below what was there before it became ours."""
    if not standing.may_fix or not roles.is_managed(thing):
        return has
    before = standing.were_there.get(thing, NOTHING)
    if not roles.is_one(thing):
        return wanted | (has & before)
    kept = has if roles.covers(thing, before, has) else before
    return wanted if roles.covers(thing, wanted, kept) else kept
