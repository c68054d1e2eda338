"""What somebody undid against the rules, and how long that holds. Pure.

An undo is temporary by nature: the rules would take it back at once. So what it brought about is *kept*: it stands
in for what the rules want, thing by thing, and what the rules would do about it is held with the name of whoever
said so.

    the rules want           | then
    -------------------------+------------------------------------------------------------------
    what they wanted then    | the undone state is kept; their change is held
    anything else            | the undo is over: that is a new wish
    anything, of a leaver    | the undo is over: nobody is kept in an app by an undo

A suspension is what a step of `leave` wants: a suspended account that an undo let work again works while that step
holds, and no longer than the seat, which the next step may end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.engine.diff import NOTHING, Action, Change, Standing, Things


@dataclass(frozen=True, slots=True)
class Undone:
    """``roles`` are kept on ``thing`` while the rules want ``against``; empty: nothing is."""

    thing: str
    roles: frozenset[str]
    against: Things
    run: str  # of the undo: r12
    actor: str
    at: datetime

    def stands(self, rules: Things, *, disabled: bool) -> bool:
        """Whether the rules still want what they wanted then, of somebody who is still there."""
        return not disabled and all(rules.get(thing, NOTHING) == roles for thing, roles in self.against.items())


def split(undone: Iterable[Undone], rules: Things, *, disabled: bool) -> tuple[tuple[Undone, ...], tuple[Undone, ...]]:
    """Those that stand, and those that are over."""
    stand: list[Undone] = []
    over: list[Undone] = []
    for each in undone:
        (stand if each.stands(rules, disabled=disabled) else over).append(each)
    return tuple(stand), tuple(over)


def keep(wanted: Things, undone: Collection[Undone]) -> dict[str, frozenset[str]]:
    """``wanted`` with what is kept in place of it; without a seat nothing else is."""
    kept = {**wanted, **{each.thing: each.roles for each in undone}}
    return {thing: roles for thing, roles in kept.items() if roles} if kept.get(SEAT) else {}


def held_back(undone: Collection[Undone], standing: Standing) -> list[tuple[Undone, Change]]:
    """What the rules would do about each undone thing, were they let."""
    by_thing: Mapping[str, Undone] = {each.thing: each for each in undone}
    seat = by_thing.get(SEAT)
    found = []
    for each in undone:
        wanted = each.against.get(each.thing, NOTHING)
        goes_with_seat = seat is not None and not (seat.roles and seat.against.get(SEAT))
        if wanted == each.roles or (each is not seat and goes_with_seat):
            continue
        found.append((each, _change(each, wanted, standing)))
    return found


def _change(undone: Undone, wanted: frozenset[str], standing: Standing) -> Change:
    if undone.thing == SUSPENSION:
        seat = standing.observed.get(SEAT, NOTHING)
        return Change("suspend", SUSPENSION, seat) if wanted else Change("resume", SUSPENSION, NOTHING, seat)
    return Change(_action(undone, wanted, standing.status, standing.invites), undone.thing, undone.roles, wanted)


def _action(undone: Undone, wanted: frozenset[str], status: Status | None, invites: bool) -> Action:
    if undone.thing == SEAT:
        if not wanted:
            return "cancel_invitation" if status is Status.INVITED else "remove"
        return "change_role" if undone.roles else ("invite" if invites else "add")
    if not wanted:
        return "remove_asset"
    return "change_asset" if undone.roles else "add_asset"


NUMBER: Final = "TASK` with this task's number"
"""Where an advice names the task that it stands in: a decision is made before there is one."""


def words(undone: Undone, wanted: frozenset[str]) -> tuple[str, str]:
    """Why the rules' change is held, and the way out."""
    says = ", ".join(sorted(wanted)) or "nothing"
    if undone.thing == SUSPENSION:
        says = "active" if undone.roles else "suspended"
    return (
        f"undone by {undone.actor} on {undone.at:%Y-%m-%d %H:%M} UTC ({undone.run}); the rules still say {says}",
        f"`scim-bridge tasks retry {NUMBER} lets the rules have their way",
    )
