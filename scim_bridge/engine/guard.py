"""The brake: which removals and demotions may go on, and why the others are held. Pure.

It counts over reservations, rows written under the hub's lock before the call, so that two workers can
never each take away "the other" owner, and a removal whose answer got lost still counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.diff import Change, Roles
from scim_bridge.mapping.model import Safety

_PROTECTED = (
    "the account is under `safety.protect`: it may gain, never lose",
    "take it out of `safety.protect` if it is to lose",
)
_KEPT = "give somebody else the role first; it goes on once the app shows that"
_RELEASE = "`scim-bridge apply HUB --release` lets removals go on"
_FROM_ACCOUNTS = 5  # below this many managed accounts a percentage says nothing


@dataclass(slots=True)
class Counts:
    """A hub at this moment; ``reserve`` keeps it true while one batch is decided."""

    managed: int = 0  # seats that are ours now
    ended: int = 0  # seats ended in the last hour, and those whose end is under way
    suspended: int = 0  # of those that ended: they are managed still
    holders: Counter[str] = field(default_factory=Counter)  # active holders of each role, less reserved ones

    def reserve(self, change: Change, *, is_active: bool) -> None:
        """Note that this change goes on."""
        if ends_seat(change):
            self.ended += 1
            self.suspended += change.action == "suspend"
            self.managed -= change.action != "suspend"
        if change.thing in (SEAT, SUSPENSION) and is_active and change.before != change.after:
            self.holders.subtract(change.before)


def ends_seat(change: Change) -> bool:
    """Whether somebody is without a usable seat afterwards (an invitation that is renewed is not lost)."""
    return change.action in {"remove", "cancel_invitation", "suspend"}


def takes_away(change: Change, roles: Roles) -> bool:
    """Whether anybody has less afterwards; such a change is reserved before its call."""
    if change.action in {"remove", "cancel_invitation", "suspend", "remove_asset", "renew"}:
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
    """How many seats may end in an hour; None: no limit. Percentages round up, never below 1."""
    if managed_at_start < _FROM_ACCOUNTS:
        return None
    limits = []
    if safety.max_removals.count is not None:
        limits.append(safety.max_removals.count)
    if safety.max_removals.percent is not None:
        limits.append(max(1, math.ceil(managed_at_start * safety.max_removals.percent / 100)))
    return min(limits) if limits else None


def _written(safety: Safety) -> str:
    """`max_removals` as a mapping says it."""
    most = safety.max_removals
    parts = [
        f"{name}: {value:g}" for name, value in (("count", most.count), ("percent", most.percent)) if value is not None
    ]
    return "{" + ", ".join(parts) + "}"


def held_because(
    change: Change,
    *,
    names: Iterable[str],
    is_active: bool,
    held_before: Collection[str],
    is_released: bool,
    safety: Safety,
    counts: Counts,
    roles: Roles,
) -> tuple[str, str] | None:
    """Why this change must wait for a person, and what they can do; None: it may go on.

    ``names``: the account's login and addresses. ``held_before``: why the same removal was held until now; under
    the same `max_removals` it stays held, for time alone does not free it. ``is_released``: a person let it go
    on, which lifts ``max_removals`` and nothing else.
    """
    if not takes_away(change, roles):
        return None
    if is_named(safety.protect, names):
        return _PROTECTED
    if change.thing in (SEAT, SUSPENSION) and is_active:
        for role in change.before - change.after:
            keep = safety.keep_at_least.get(role, 0)
            if keep and counts.holders[role] - 1 < keep:
                return f"`safety.keep_at_least` wants {keep} {role}; {counts.holders[role]} left", _KEPT
    if ends_seat(change) and not is_released:
        most = limit(safety, counts.managed + counts.ended - counts.suspended)
        brake = f"`safety.max_removals: {_written(safety)}`"
        stays = any(brake in cause for cause in held_before)
        if most is not None and (stays or counts.ended + 1 > most):
            return f"more than {most} seat{'s' * (most != 1)} would end within an hour ({brake})", _RELEASE
    return None
