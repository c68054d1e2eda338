"""Only what an applied plan names: its changes as a pair keeps them, and what a decision may do under them. Pure.

A plan that was looked at is a promise. Between the look and the call the world moves on, so the engine decides
anew, as always, and compares: what is among the plan's changes goes on, what is not is held.

    decided                         | under an applied plan
    --------------------------------+----------------------------------------------------------------
    the very change                 | goes on
    adopt, of what the plan brings  | goes on: somebody was quicker
    forget                          | goes on: it takes nothing from anybody
    any other                       | held, until `scim-bridge apply HUB` or a plan that names it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.diff import Change, Things

NOT_PLANNED = ("it is not in the plan that was applied", "`scim-bridge plan HUB` shows it, `apply HUB` lets it go on")

SEATS = frozenset({"invite", "add", "renew"})
"""Changes by which somebody comes to a seat, and assets along with it."""

Rows = Sequence[Sequence[Any]]
"""Changes as JSON: ``[["invite", "seat", [], ["member"]], ...]``; a fifth value, true, where drift is brought back."""


def to_rows(changes: Iterable[Change]) -> list[list[Any]]:
    """Changes as they are kept, in a steady order."""
    return sorted(
        [change.action, change.thing, sorted(change.before), sorted(change.after), *([True] if change.is_fix else [])]
        for change in changes
    )


def of_rows(rows: Rows) -> frozenset[Change]:
    """Changes that were kept."""
    return frozenset(
        Change(action, thing, frozenset(before), frozenset(after), *is_fix)
        for action, thing, before, after, *is_fix in rows
    )


def admits(allowed: Collection[Change], change: Change) -> bool:
    """Whether a change may be made where only those allowed may."""
    if change in allowed or replace(change, is_fix=False) in allowed or change.action == "forget":
        return True
    return change.action == "adopt" and any(
        each.thing == change.thing and each.after == change.after for each in allowed
    )


def brings(change: Change, desired: Things) -> tuple[Change, ...]:
    """The assets that come along with a seat, in the invitation or right after it."""
    if change.action not in SEATS:
        return ()
    things = sorted(desired.keys() - {SEAT, SUSPENSION})
    return tuple(Change("add_asset", thing, after=desired[thing]) for thing in things)


def carried(desired: Things, allowed: Collection[Change]) -> Mapping[str, frozenset[str]]:
    """Of all that is desired: the seat, and what of the rest may come along with it."""
    return {
        thing: roles
        for thing, roles in desired.items()
        if thing in (SEAT, SUSPENSION) or Change("add_asset", thing, after=roles) in allowed
    }
