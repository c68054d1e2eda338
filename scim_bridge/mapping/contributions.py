"""What every rule that holds gives, the ones that lost included: a higher role outranks a lower one. Pure.

Each rule is asked alone, by the same ``evaluate``, so that this can never say anything else than the verdict does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.folding import name_key
from scim_bridge.mapping.evaluate import Bound, Verdict, evaluate
from scim_bridge.mapping.explain import Ground, grounds
from scim_bridge.mapping.model import Grant, HubMapping


@dataclass(frozen=True, slots=True)
class Contribution:
    """One rule gives ``role`` on ``thing``. ``outranked_by``: what counts instead; None: this does."""

    thing: str
    role: str
    grant: Grant
    outranked_by: str | None
    grounds: tuple[Ground, ...]


def contributions(hub: HubMapping, person: PersonFact, bound: Bound, verdict: Verdict) -> list[Contribution]:
    """By thing, the seat first; within a thing what counts first, then in the file's order. Without a seat: none."""
    if verdict.role is None:
        return []
    holds_by = grounds(hub, person, bound)
    found = [
        Contribution(thing, role, grant, _winner(verdict, thing, role), tuple(held))
        for grant in hub.grants
        if (held := holds_by.get((grant.place.file, grant.place.line)))
        for thing, role in _alone(hub, grant, person, bound)
    ]
    return sorted(found, key=lambda one: (one.thing != SEAT, name_key(one.thing), one.outranked_by is not None))


def _alone(hub: HubMapping, grant: Grant, person: PersonFact, bound: Bound) -> Iterator[tuple[str, str]]:
    # Assets need a seat: one that gives none borrows the lowest.
    seated = grant if grant.role is not None else replace(grant, role=hub.roles[-1])
    verdict = evaluate(replace(hub, grants=(seated,)), person, bound)
    if grant.role is not None:
        yield SEAT, grant.role
    for asset, roles in verdict.assets.items():
        for role in roles:
            yield asset, role


def _winner(verdict: Verdict, thing: str, role: str) -> str | None:
    if thing == SEAT:
        return None if role == verdict.role else verdict.role
    key = name_key(thing)
    won = next((roles for asset, roles in verdict.assets.items() if name_key(asset) == key), ())
    return None if role in won else ", ".join(won)
