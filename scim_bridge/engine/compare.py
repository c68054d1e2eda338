"""Whether a plan that was filed still holds: step by step, against the plan of this moment. Pure.

in the file | now                                   | the step
------------+---------------------------------------+-----------------------------------------------------
yes         | the same                              | holds
yes         | the same, but held                    | moved: it would not be done
held        | the same                              | left out: nobody said that it may go on
yes         | not wanted, and as the step has it    | done already
yes         | of another account of the person's    | moved: it would hit somebody's other account
yes         | anything else                         | moved: named with what it was and what it is
no          | something                             | new: not part of it, stays as it is
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.allowed import NOT_PLANNED
from scim_bridge.engine.diff import NOTHING, Change, Standing, shown_after
from scim_bridge.engine.plan_file import FiledStep


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that cannot be done as it was planned."""

    person_id: int
    user_name: str
    thing: str
    was: str
    now: str


@dataclass(slots=True)
class Comparison:
    """``holds``: what may be done, by person. The others are told to people."""

    holds: dict[int, list[Change]] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    steps: int = 0  # that hold
    done: int = 0
    left_out: int = 0
    new: int = 0


def compare(
    steps: Iterable[FiledStep],
    current: Iterable[FiledStep],
    standings: Mapping[int, Standing],
    names: Mapping[int, str],
    strayed: Mapping[int, str],
    *,
    is_released: bool,
) -> Comparison:
    """``standings`` and ``names``: of the people in the file, as they are now. ``is_released``: held ones may go on.

    ``strayed``: whose account is not the one in the file any more, as a sentence.
    """
    now: dict[tuple[int, Change], FiledStep] = {}
    by_thing: dict[tuple[int, str], FiledStep] = {}
    for each in current:
        now.setdefault((each.person_id, each.steps[0]), each)
        by_thing.setdefault((each.person_id, each.steps[0].thing), each)
    found = Comparison()
    seen = set()
    for step in steps:
        key = (step.person_id, step.steps[0])
        if key in seen:  # the other half of a renewed invitation
            continue
        seen.add(key)
        same = now.get(key)
        if names.get(step.person_id) != step.user_name:
            found.moved.append(_moved(step, _somebody_else(step, names)))
        elif step.person_id in strayed:
            found.moved.append(_moved(step, strayed[step.person_id]))
        elif same is not None and same.steps == step.steps:
            _hold(found, step, same, is_released=is_released)
        elif same is None and _is_done(step, standings.get(step.person_id, Standing())):
            found.done += 1
        else:
            other = same or by_thing.get((step.person_id, step.steps[0].thing))
            found.moved.append(_moved(step, other.words if other else "nothing to do"))
    found.new = len(now.keys() - seen)
    return found


def _hold(found: Comparison, step: FiledStep, same: FiledStep, *, is_released: bool) -> None:
    waits_for_plan = same.held is not None and same.held.startswith(NOT_PLANNED[0])
    if step.held is not None and not is_released and not step.held.startswith(NOT_PLANNED[0]):
        found.left_out += 1
    elif step.held is None and same.held is not None and not waits_for_plan and not is_released:
        found.moved.append(_moved(step, f"held: {same.held}"))
    else:
        found.holds.setdefault(step.person_id, []).extend(step.steps)
        found.steps += 1


def _moved(step: FiledStep, now: str) -> Moved:
    return Moved(step.person_id, step.user_name, step.thing, step.words, now)


def _somebody_else(step: FiledStep, names: Mapping[int, str]) -> str:
    name = names.get(step.person_id)
    return f"p{step.person_id} is {name}" if name else f"there is no p{step.person_id}"


def _is_done(step: FiledStep, standing: Standing) -> bool:
    """Whether what the step is after is so already, and ours."""
    change = step.steps[0]
    applied = standing.applied.get(change.thing, NOTHING)
    observed = standing.observed.get(change.thing, NOTHING)
    if change.is_fix:
        return observed == shown_after(change, observed)
    if change.thing == SUSPENSION:
        return applied == observed == shown_after(change, observed)
    if change.after:
        return applied == change.after or (bool(applied) and applied <= change.after == observed)
    return not applied and (not observed if change.thing == SEAT else change.before.isdisjoint(observed))
