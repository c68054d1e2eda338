"""What every rule that holds gives, the ones that lost included: a higher role outranks a lower one. Pure.

Each rule is asked alone, by the same ``evaluate``, so that this can never say anything else than the verdict does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.folding import name_key
from scim_bridge.mapping.evaluate import HUB_ROLE, Bound, Verdict, evaluate
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


def contributions(
    hub: HubMapping, person: PersonFact, bound: Bound, verdict: Verdict, today: date
) -> list[Contribution]:
    """By thing, the seat first; within a thing what counts first, then in the file's order. No assets without a seat.

    ``verdict`` is what ``evaluate`` says of the same arguments.
    """
    holds_by = grounds(hub, person, bound, today)
    found = [
        Contribution(thing, role, grant, _winner(verdict, thing, role), tuple(held))
        for grant in hub.grants
        if (held := holds_by.get((grant.place.file, grant.place.line)))
        for thing, role in _alone(hub, grant, person, bound, today)
        if verdict.role is not None or thing == HUB_ROLE
    ]
    return sorted(found, key=lambda one: (one.thing != SEAT, name_key(one.thing), one.outranked_by is not None))


def _alone(hub: HubMapping, grant: Grant, person: PersonFact, bound: Bound, today: date) -> Iterator[tuple[str, str]]:
    # Assets need a seat: a rule that gives none borrows the lowest.
    seated = grant if grant.role is not None or not hub.roles else replace(grant, role=hub.roles[-1])
    verdict = evaluate(replace(hub, grants=(seated,)), person, bound, today)
    if grant.role is not None:
        yield SEAT, grant.role
    if grant.hub_role is not None:
        yield HUB_ROLE, grant.hub_role
    for asset, roles in verdict.assets.items():
        for role in roles:
            yield asset, role


def _winner(verdict: Verdict, thing: str, role: str) -> str | None:
    if thing in (SEAT, HUB_ROLE):
        won: str | None = verdict.role if thing == SEAT else verdict.hub_role
        return None if role == won else won
    key = name_key(thing)
    given = next((roles for asset, roles in verdict.assets.items() if name_key(asset) == key), ())
    return None if role in given else ", ".join(given)
