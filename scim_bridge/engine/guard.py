"""The brake: which removals and demotions may go on, and why the others are held. Pure.

It counts over reservations, rows written under the hub's lock before the call, so that two workers can
never each take away "the other" owner, and a removal whose answer got lost still counts.

The first that applies decides; what is above stands over what is below:

    what                             | then       | what lets it go on
    ---------------------------------+------------+--------------------------------------------------
    `ignore` (see ``decide``)        | no change  | the mapping
    `protect`                        | held       | the mapping
    `keep_at_least`                  | held       | another holder
    a person said no                 | held       | their yes, or something else is wanted
    removals are paused              | held       | `resume`
    a person said yes                | goes on    |
    the source lost many at once     | held, asks | a yes to this change, or to the loss of the source
    `max_removals`                   | held, asks | a yes to this change, or `apply --release`
    the rules                        | goes on    |
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.asks import Answer, Kind, Loss, rejected_because
from scim_bridge.engine.diff import Change, Roles
from scim_bridge.mapping.model import Safety

_PROTECTED = (
    "the account is under `safety.protect`: it may gain, never lose",
    "take it out of `safety.protect` if it is to lose",
)
_KEPT = "give somebody else the role first; it goes on once the app shows that"
_PAUSED = ("removals are paused in this hub", "`scim-bridge resume HUB` lets them go on")
_RELEASE = (
    "`scim-bridge approvals list --hub HUB` shows each; `scim-bridge apply HUB --release` lets removals go on that "
    "this limit holds"
)
_FROM_ACCOUNTS = 5  # below this many managed accounts a percentage says nothing
_ENDS_SEAT = frozenset({"remove", "cancel_invitation", "suspend"})


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a change waits, and what a person can do. ``asks``: an approval lets it go on, and what it is about."""

    cause: str
    advice: str
    asks: Kind | None = None
    source_id: int | None = None


@dataclass(slots=True)
class Counts:
    """A hub at this moment; ``reserve`` keeps it true while one batch is decided."""

    managed: int = 0  # seats that are ours now
    ended: int = 0  # seats ended in the last hour, and those whose end is under way
    suspended: int = 0  # of those that ended: they are managed still
    roles_taken: int = 0  # the same of roles under `approve_roles` whose holder keeps a seat
    holders: Counter[str] = field(default_factory=Counter)  # active holders of each role, less reserved ones

    @property
    def removals(self) -> int:
        """What `max_removals` counts."""
        return self.ended + self.roles_taken

    def reserve(self, change: Change, *, is_active: bool, approve_roles: Collection[str] = ()) -> None:
        """Note that this change goes on."""
        if ends_seat(change):
            self.ended += 1
            self.suspended += change.action == "suspend"
            self.managed -= change.action != "suspend"
        self.roles_taken += takes_role(change, approve_roles)
        if change.thing in (SEAT, SUSPENSION) and is_active and change.before != change.after:
            self.holders.subtract(change.before)


def ends_seat(change: Change) -> bool:
    """Whether somebody is without a usable seat afterwards (an invitation that is renewed is not lost)."""
    return change.action in _ENDS_SEAT


def takes_role(change: Change, approve_roles: Collection[str]) -> bool:
    """Whether a lower role (see ``takes_away``) takes one away that is given only by a person's word."""
    return change.action == "change_role" and any(role in approve_roles for role in change.before - change.after)


def takes_away(change: Change, roles: Roles) -> bool:
    """Whether anybody has less afterwards; such a change is reserved before its call."""
    if change.action in _ENDS_SEAT or change.action in {"remove_asset", "renew"}:
        return True
    return change.action in {"change_role", "change_asset"} and not roles.covers(
        change.thing, change.after, change.before
    )


def is_named(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether any login or e-mail matches any of the patterns (``*`` only; case does not matter)."""
    # fnmatch knows ? and [ too: they are escaped, so that `*[bot]` means what it says.
    escaped = [pattern.casefold().replace("[", "[[]").replace("?", "[?]") for pattern in patterns]
    return any(fnmatchcase(name.casefold(), pattern) for name in names for pattern in escaped)


def limit(safety: Safety, managed_at_start: int) -> int | None:
    """How many removals an hour takes; None: no limit. Percentages round up, never below 1."""
    if managed_at_start < _FROM_ACCOUNTS:
        return None
    limits = []
    if safety.max_removals.count is not None:
        limits.append(safety.max_removals.count)
    if safety.max_removals.percent is not None:
        limits.append(max(1, math.ceil(managed_at_start * safety.max_removals.percent / 100)))
    return min(limits) if limits else None


def loses_suddenly(lost: int, of: int, *, percent: int) -> bool:
    """Whether a source that had ``of`` active people and lost ``lost`` of them within an hour lost too many."""
    return of >= _FROM_ACCOUNTS and lost * 100 > of * percent


def held_because(
    change: Change,
    *,
    names: Iterable[str],
    is_active: bool,
    held_before: Collection[str],
    answer: Answer | None,
    loss: Loss | None,
    is_paused: bool,
    safety: Safety,
    counts: Counts,
    roles: Roles,
) -> Hold | None:
    """Why this change must wait for a person, and what they can do; None: it may go on (table above).

    ``names``: the account's login and addresses. ``held_before``: why the same removal was held until now; under
    the same `max_removals` it stays held, for time alone does not free it. ``answer``: what a person said to this
    very change. ``is_paused``: removals are, in this hub.
    """
    if not takes_away(change, roles):
        return None
    hold = _whatever_is_said(change, names, is_active=is_active, safety=safety, counts=counts)
    if hold is not None:
        return hold
    if answer is not None and answer.state == "rejected":
        return Hold(*rejected_because(answer))
    if is_paused:
        return Hold(*_PAUSED)
    if answer is not None and answer.state == "approved":
        return None
    if loss is not None:
        return _lost(loss)
    return _beyond_limit(change, held_before, safety, counts)


def _whatever_is_said(
    change: Change, names: Iterable[str], *, is_active: bool, safety: Safety, counts: Counts
) -> Hold | None:
    """What no approval lifts."""
    if is_named(safety.protect, names):
        return Hold(*_PROTECTED)
    if change.thing in (SEAT, SUSPENSION) and is_active:
        for role in change.before - change.after:
            keep = safety.keep_at_least.get(role, 0)
            if keep and counts.holders[role] - 1 < keep:
                return Hold(f"`safety.keep_at_least` wants {keep} {role}; {counts.holders[role]} left", _KEPT)
    return None


def _lost(loss: Loss) -> Hold:
    cause = f"source {loss.source} lost {loss.lost} of {loss.of} active people within an hour"
    advice = (
        f"if they are to go: `scim-bridge approvals approve --source {loss.source} --reason WHY`; "
        "if not, mend it at the identity provider and push again"
    )
    return Hold(cause, advice, "source", loss.source_id)


def _beyond_limit(change: Change, held_before: Collection[str], safety: Safety, counts: Counts) -> Hold | None:
    if not (ends_seat(change) or takes_role(change, safety.approve_roles)):
        return None
    most = limit(safety, counts.managed + counts.ended - counts.suspended)
    brake = f"`safety.max_removals: {_written(safety)}`"
    stays = any(brake in cause for cause in held_before)
    if most is None or not (stays or counts.removals + 1 > most):
        return None
    if ends_seat(change):
        cause = f"more than {most} seat{'s' * (most != 1)} would end within an hour ({brake})"
    else:
        cause = f"more than {most} removal{'s' * (most != 1)} of seats and approved roles within an hour ({brake})"
    return Hold(cause, _RELEASE, "limit")


def _written(safety: Safety) -> str:
    """`max_removals` as a mapping says it."""
    most = safety.max_removals
    parts = [
        f"{name}: {value:g}" for name, value in (("count", most.count), ("percent", most.percent)) if value is not None
    ]
    return "{" + ", ".join(parts) + "}"
