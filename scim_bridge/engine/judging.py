"""What people should hold, and whether that moved. Pure: rules, people and time come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from scim_bridge.contract.state import SEAT
from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.engine.leave import Since
from scim_bridge.engine.schedule import DISABLED, GAINS, LOSES
from scim_bridge.hubs.bound import NewBinding
from scim_bridge.mapping.compiled import compile_hub
from scim_bridge.mapping.evaluate import Because, Verdict, evaluate_view
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.views import Bindings, PersonView

Verdicts = Mapping[tuple[str, int], Verdict]
"""``{(hub, person): verdict}``."""


def judge(
    hubs: Mapping[str, HubMapping],
    people: Mapping[int, PersonFact],
    bound: Mapping[str, Mapping[tuple[int, str], str]],
    today: date,
) -> tuple[Verdicts, list[NewBinding], list[NewBinding]]:
    """Evaluate people in hubs on a day (UTC). Pure.

    Returns the verdicts, names to bind, and names that another thing took.

    A name binds to the first group that bears it, also within one batch: whoever met a second group of the
    same name is evaluated again.
    """
    verdicts: dict[tuple[str, int], Verdict] = {}
    met: list[NewBinding] = []
    refused: list[NewBinding] = []
    views = [(person_id, PersonView(person)) for person_id, person in people.items()]
    for hub_id, mapping in hubs.items():
        compiled = compile_hub(mapping, today)
        known = Bindings(bound.get(hub_id, {}))
        for person_id, view in views:
            verdict = evaluate_view(compiled, view, known)
            if verdict.met:
                for new in {(new.source_id, new.name_key): new for new in reversed(verdict.met)}.values():
                    known.add(new.source_id, new.name_key, new.scim_id)
                    met.append(_binding(hub_id, new))
                verdict = evaluate_view(compiled, view, known)
            if verdict.refused:
                refused += [_binding(hub_id, new) for new in verdict.refused]
            verdicts[hub_id, person_id] = verdict
    return verdicts, met, refused


def _binding(hub_id: str, new: Any) -> NewBinding:
    return NewBinding(hub_id, "group", str(new.source_id), new.name, new.scim_id)


@dataclass(frozen=True, slots=True)
class Before:
    """What somebody should have held in a hub until now."""

    generation: int
    role: str | None
    assets: dict[str, list[str]]
    because: dict[str, list[dict[str, Any]]]
    disabled: bool
    since: Since = field(default_factory=Since)
    hub_role: str | None = None
    reevaluate_at: datetime | None = None
    lower: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


NEVER = Before(-1, None, {}, {}, disabled=False)


def compare(old: Before, verdict: Verdict, *, now: datetime) -> tuple[dict[str, Any] | None, bool]:
    """The row to write (None: it stands as it is), and whether the net access moved."""
    assets = {name: list(roles) for name, roles in verdict.assets.items()}
    because, lower = as_rows(verdict.because), as_rows(verdict.lower)
    if old is NEVER and verdict.role is None and verdict.hub_role is None:
        return None, False
    # A lower role is what somebody gets until the role is approved.
    moved = (old.role, old.assets, list(old.lower)) != (verdict.role, assets, list(lower))
    # Disabled or back again, still without a seat: other steps of `leave` count.
    is_leaving = verdict.role is None and verdict.disabled != old.disabled
    reevaluate_at = datetime.combine(verdict.changes_on, time(), UTC) if verdict.changes_on else None
    aside = (because, lower, verdict.disabled, verdict.hub_role, reevaluate_at)
    was_aside = (old.because, old.lower, old.disabled, old.hub_role, old.reevaluate_at)
    if not moved and not is_leaving and was_aside == aside:
        return None, False
    loss = old.since.goes_on(
        has_role=verdict.role is not None, had_role=old.role is not None, disabled=verdict.disabled, now=now
    )
    return (
        {
            "role": verdict.role,
            "assets": assets,
            "because": because,
            "lower": lower,
            "disabled": verdict.disabled,
            "lost_at": loss.lost_at,
            "disabled_at": loss.disabled_at,
            "hub_role": verdict.hub_role,
            "reevaluate_at": reevaluate_at,
        },
        moved or is_leaving,
    )


def as_rows(reasons: Mapping[str, Sequence[Because]]) -> dict[str, list[dict[str, Any]]]:
    """The rules behind each thing, as access rows keep them."""
    return {
        thing: [{"rule": why.rule, "file": why.file, "line": why.line} for why in rules]
        for thing, rules in reasons.items()
    }


def priority_of(mapping: HubMapping, old: Before, verdict: Verdict) -> int:
    if verdict.disabled:
        return DISABLED
    if old.role is None:
        return GAINS
    order = mapping.roles
    if verdict.role is None or (old.role in order and order.index(verdict.role) > order.index(old.role)):
        return LOSES
    kept = all(set(roles) <= set(verdict.assets.get(name, ())) for name, roles in old.assets.items() if name != SEAT)
    return GAINS if kept else LOSES
