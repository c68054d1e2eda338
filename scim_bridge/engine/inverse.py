"""What takes a batch of carried-out changes back: for each person and thing, what was there before. Pure.

Of several changes of one thing the first one's before-state counts. What was changed again since, outside of the
batch, is left alone: somebody meant that, and undoing ours would undo theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scim_bridge.contract.state import SEAT
from scim_bridge.engine.diff import NOTHING
from scim_bridge.engine.undone import Undone

ENDS: Final = frozenset({"remove", "cancel_invitation", "renew"})
"""Actions that take the seat with all that hangs on it; the last one invites anew."""
STARTS: Final = frozenset({"invite", "add"})
KNOWN: Final = ENDS | STARTS | {"change_role", "add_asset", "change_asset", "remove_asset", "suspend", "resume"}
_OLD: Final = "it was done before the bridge wrote down what undo needs"
_UNKNOWN: Final = "no way back is known"

Kept = Mapping[tuple[str, int], Iterable[Undone]]
"""What is undone already, by hub and person."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A task that was carried out. ``key`` is its thing, ``had`` what the app showed of what it touched."""

    id: int
    run: str | None
    hub_id: str
    person_id: int
    action: str
    key: str | None
    thing: str  # as people know it
    had: Mapping[str, frozenset[str]] | None

    def touches(self, thing: str) -> bool:
        """Whether it changed this thing; the end of a seat changes everything, and so does its beginning."""
        return self.action in ENDS or self.action in STARTS or self.key == thing


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is not taken back, and why."""

    deed: Deed
    thing: str  # a key
    why: str


@dataclass(slots=True)
class Inverse:
    """For one person in one hub: what each thing is to be again, the deed that this takes back, and what stays."""

    hub_id: str
    person_id: int
    targets: dict[str, frozenset[str]] = field(default_factory=dict)
    deeds: dict[str, Deed] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)

    def leave(self, thing: str, why: str) -> None:
        """Let this thing be, and say why; what was lost with a seat stays lost with it."""
        deed = self.deeds[thing]
        self.refused.append(Refusal(deed, thing, why))
        gone = {each for each, its in self.deeds.items() if thing == SEAT and its is deed} | {thing}
        self.keep_only(set(self.targets) - gone)

    def keep_only(self, things: Collection[str]) -> None:
        """Drop the targets beside these."""
        self.targets = {thing: roles for thing, roles in self.targets.items() if thing in things}
        self.deeds = {thing: deed for thing, deed in self.deeds.items() if thing in things}


def invert(deeds: Sequence[Deed], since: Iterable[Deed], kept: Kept) -> list[Inverse]:
    """``deeds`` oldest first; ``since``: what was done to the same people after the first of them, besides them."""
    found: dict[tuple[str, int], Inverse] = {}
    last: dict[tuple[str, int, str], int] = {}
    for deed in reversed(deeds):
        inverse = found.setdefault((deed.hub_id, deed.person_id), Inverse(deed.hub_id, deed.person_id))
        if deed.key is None or deed.had is None or deed.action not in KNOWN:
            inverse.refused.append(Refusal(deed, deed.key or deed.thing, _UNKNOWN if deed.key else _OLD))
            continue
        for thing, roles in _before(deed, deed.key, deed.had).items():
            inverse.targets[thing] = roles
            inverse.deeds[thing] = deed
            last.setdefault((deed.hub_id, deed.person_id, thing), deed.id)
    later: dict[tuple[str, int], list[Deed]] = defaultdict(list)
    for deed in sorted(since, key=lambda deed: deed.id):
        later[deed.hub_id, deed.person_id].append(deed)
    for whose, inverse in found.items():
        undone = {each.thing: each for each in kept.get(whose, ())}
        for thing in sorted(inverse.targets, key=lambda thing: thing != SEAT):
            since_then = (one for one in later[whose] if one.id > last[*whose, thing] and one.touches(thing))
            _leave_what_moved(inverse, thing, undone.get(thing), next(since_then, None))
        if not inverse.targets.get(SEAT, {"a seat"}):  # the seat goes: what hangs on it goes with it
            inverse.keep_only({SEAT})
    return list(found.values())


def _leave_what_moved(inverse: Inverse, thing: str, undone: Undone | None, later: Deed | None) -> None:
    if thing not in inverse.targets:  # left with its seat
        return
    if undone is not None and undone.roles == inverse.targets[thing]:
        inverse.leave(thing, f"undone already ({undone.run})")
    elif later is not None:
        run = f" ({later.run})" if later.run else ""
        inverse.leave(thing, f"changed since by task {later.id}{run}")


def _before(deed: Deed, key: str, had: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    if deed.action in STARTS:
        return {SEAT: NOTHING}
    if deed.action in ENDS:
        return {SEAT: NOTHING, **{thing: roles for thing, roles in had.items() if thing == SEAT or "/" in thing}}
    return {key: had.get(key, NOTHING)}
