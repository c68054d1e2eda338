"""What a leaver still holds, and until when. Pure: time comes in.

The steps of ``leave`` count from the moment of the loss. While they run the last applied state stays as it
is; ``remove_assets`` takes the assets earlier, ``remove`` ends the seat, ``nothing`` ends the steps without
touching anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scim_bridge.mapping.model import Step


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is left to a leaver at one moment, and when that changes next (None: never)."""

    keeps_seat: bool
    keeps_assets: bool
    next_at: datetime | None


def leaving(steps: Sequence[Step], lost_at: datetime, now: datetime) -> Leaving:
    """Apply all steps that are due; name the time of the next one."""
    keeps_seat = keeps_assets = True
    for step in sorted(steps, key=lambda step: step.after_s):
        due_at = lost_at + timedelta(seconds=step.after_s)
        if due_at > now:
            return Leaving(keeps_seat, keeps_assets, due_at)
        if step.do == "nothing":
            break
        keeps_assets = False
        if step.do == "remove":
            return Leaving(keeps_seat=False, keeps_assets=False, next_at=None)
    return Leaving(keeps_seat, keeps_assets, None)
