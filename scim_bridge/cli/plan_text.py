"""A plan for the terminal: one block a person, one line a step, then the rules and what it adds up to.

Lines, not a table: reasons are long, a plan of ten thousand steps must not be measured cell by cell, and it reads
the same in 80 columns, in 140 and in a file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime

from scim_bridge.cli.show import age, console, count
from scim_bridge.engine.planned import (
    HubPlan,
    HubRoleChange,
    PartnerRule,
    PlannedChange,
    ProposedRemoval,
    RuleCount,
    by_person,
    reasons,
    summary,
    words,
)


def plan_lines(plan: HubPlan, now: datetime) -> Iterator[str]:
    """The plan of one hub, at the width of the present stdout."""
    width = console().width
    people = count(plan.totals.people, "person", "people")
    revision = "files that are not in force" if plan.revision is None else f"revision {plan.revision}"
    yield (
        f"{plan.hub_id}: mode {plan.mode}, {revision}, observed {age(plan.observed_at, now)}, "
        f"{count(len(plan.changes), 'change')} for {people}"
    )
    for warning in plan.warnings:
        yield from _wrapped(f"warning: {warning}", width, indent=2)
    if plan.pending:
        yield f"{count(plan.pending, 'pushed change')} not worked out by the engine yet: included in this plan"
    if not plan.changes:
        yield "nothing to change"
    for steps in by_person(plan.changes):
        yield ""
        yield _whole(f"{steps[0].user_name} (p{steps[0].person_id})")
        for step in steps:
            yield from _step_lines(step, width)
    yield ""
    yield from _proposed_lines(plan.proposed, width)
    yield from _hub_role_lines(plan.hub_roles, width)
    yield from _partner_lines(plan.partners, width)
    yield from _rule_lines(plan.rules)
    if plan.changes or plan.totals.proposed:
        yield ""
        yield from _wrapped(f"{plan.hub_id}: {summary(plan.totals)}", width, indent=2)


def _step_lines(step: PlannedChange, width: int) -> Iterator[str]:
    because = ", ".join(reasons(step))
    text = _whole(words(step))
    if not because or len(text) + len(because) + 6 <= width:
        yield f"  {text}" + (f"  < {because}" if because else "")
    else:
        yield from _wrapped(text, width, first=2, indent=6)
        yield from _wrapped(f"< {because}", width, first=6, indent=8)
    if step.held:
        yield from _wrapped(f"held: {step.held}", width, first=6, indent=8)
    if step.failed:
        yield from _wrapped(f"failed: {step.failed}", width, first=6, indent=8)


def _proposed_lines(proposed: tuple[ProposedRemoval, ...], width: int) -> Iterator[str]:
    if not proposed:
        return
    yield f"{count(len(proposed), 'account')} not ours, proposed for removal (`safety.unmanaged: hold`):"
    for each in proposed:
        whose = f" of {each.user_name} (p{each.person_id})" if each.person_id is not None else ""
        text = f"- account {each.account}{whose} {each.role or ''}".rstrip()
        yield from _wrapped(f"{text}  < {each.held}", width, first=2, indent=6)
    yield ""


def _rule_lines(rules: tuple[RuleCount, ...]) -> Iterator[str]:
    if not rules:
        return
    yield "people whom each rule holds for:"
    widest = max(len(f"{rule.people}") for rule in rules)
    for rule in rules:
        yield f"  {rule.people:>{widest}}  {rule.rule} ({rule.file}:{rule.line})"


def _hub_role_lines(roles: tuple[HubRoleChange, ...], width: int) -> Iterator[str]:
    if not roles:
        return
    yield "what people may do to the hub changes:"
    for each in roles:
        because = ", ".join(reasons(each))
        text = f"{each.user_name} (p{each.person_id}): {each.before or 'nothing'} -> {each.after or 'nothing'}"
        yield from _wrapped(f"{text}  < {because}" if because else text, width, first=2, indent=6)
    yield ""


def _partner_lines(partners: tuple[PartnerRule, ...], width: int) -> Iterator[str]:
    if not partners:
        return
    yield "partners by rule (not carried out by this version: give it in the app):"
    for each in partners:
        assets = ", ".join(f"{name} {roles}" for name, roles in each.assets)
        until = f" until {each.until}" if each.until else ""
        text = f"{each.name} ({each.partner}): {assets}{until}  < {each.rule} ({each.file}:{each.line})"
        yield from _wrapped(text, width, first=2, indent=6)
    yield ""


def _wrapped(text: str, width: int, *, first: int = 0, indent: int) -> list[str]:
    return textwrap.wrap(
        _whole(text),
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _whole(text: str) -> str:
    """On one line: names are data, and some hold what would be obeyed by a terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
