"""What a leaver still holds, and until when. Pure: time comes in.

The steps of ``leave`` count from the moment of the loss. While they run the last applied state stays as it is,
except that a role under ``approve_roles`` falls to the lowest at once; ``suspend`` lets the account rest,
``remove_assets`` takes the assets, ``remove`` ends the seat, ``nothing`` ends the steps without touching anything.

    lost access              the steps of `lost_access`, from the loss
    disabled                 the steps of `disabled`, from that moment
    lost access, long before both count, and whatever takes more away wins: the earlier removal is not put off
      disabled               by leaving the company ("long": more than `settle`, for a burst is one change in
                             any order)
    back in the company,     `lost_access` anew: groups may come back a little later than the person
      still without access
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.diff import SUSPENDED, Things
from scim_bridge.mapping.model import HubMapping, Step


@dataclass(frozen=True, slots=True)
class Since:
    """Since when no grant gives a seat, and since when the person is disabled; None: neither."""

    lost_at: datetime | None = None
    disabled_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> Since:
        """As a row of ``access`` keeps it."""
        return cls.kept(row.lost_at, row.disabled_at, disabled=row.disabled)

    @classmethod
    def kept(cls, lost_at: datetime | None, disabled_at: datetime | None, *, disabled: bool) -> Since:
        """As it was kept; where it does not say since when disabled: since the loss."""
        return cls(lost_at, disabled_at or (lost_at if disabled else None))

    def goes_on(self, *, has_role: bool, had_role: bool, disabled: bool, now: datetime) -> Since:
        """What holds from now on. ``had_role``: a grant gave a seat until now."""
        if has_role:
            return Since()
        is_back = self.disabled_at is not None and not disabled
        lost_at = now if had_role or is_back else self.lost_at or now
        return Since(lost_at, (self.disabled_at or now) if disabled else None)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is left to a leaver at one moment, and when that changes next (None: never)."""

    keeps_seat: bool
    keeps_assets: bool
    next_at: datetime | None
    suspends: bool = False


def leaving(mapping: HubMapping, since: Since, now: datetime) -> Leaving:
    """Apply all steps of a hub that are due; name the time of the next one."""
    lost_at = since.lost_at or now
    if since.disabled_at is None:
        return after_steps(mapping.lost_access, lost_at, now)
    own = after_steps(mapping.disabled, since.disabled_at, now)
    if since.disabled_at - lost_at <= timedelta(seconds=mapping.safety.settle_s):
        return own
    earlier = after_steps(mapping.lost_access, lost_at, now)
    if not (own.keeps_seat and earlier.keeps_seat):
        return Leaving(keeps_seat=False, keeps_assets=False, next_at=None)
    return Leaving(
        keeps_seat=True,
        keeps_assets=own.keeps_assets and earlier.keeps_assets,
        next_at=min((at for at in (own.next_at, earlier.next_at) if at is not None), default=None),
        suspends=own.suspends or earlier.suspends,
    )


def after_steps(steps: Sequence[Step], since: datetime, now: datetime) -> Leaving:
    """Apply the steps of one list that are due ``now``, counted from ``since``."""
    keeps_assets, suspends = True, False
    for step in sorted(steps, key=lambda step: step.after_s):
        due_at = since + timedelta(seconds=step.after_s)
        if due_at > now:
            return Leaving(True, keeps_assets, due_at, suspends)
        if step.do == "nothing":
            break
        if step.do == "remove":
            return Leaving(keeps_seat=False, keeps_assets=False, next_at=None)
        keeps_assets = keeps_assets and step.do != "remove_assets"
        suspends = suspends or step.do == "suspend"
    return Leaving(True, keeps_assets, None, suspends)


def kept(applied: Mapping[str, frozenset[str]], left: Leaving, mapping: HubMapping) -> Things:
    """What a leaver is to hold now, of what is ours."""
    if not left.keeps_seat or SEAT not in applied:
        return {}
    things = {thing: had for thing, had in applied.items() if left.keeps_assets and thing != SUSPENSION}
    seat = applied[SEAT]
    if seat & set(mapping.safety.approve_roles):
        seat = frozenset(mapping.roles[-1:]) or seat
    return {**things, SEAT: seat, **({SUSPENSION: SUSPENDED} if left.suspends else {})}
