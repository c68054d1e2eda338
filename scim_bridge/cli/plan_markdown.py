"""A plan as a comment on a change request: the sum first, the steps folded away, never longer than GitHub takes.

Names are data: all of them stand in code spans, so that a group called ``@everyone`` calls nobody. What does not
fit is cut at whole people, the longest hub first, and the comment says how much is missing and how to see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from scim_bridge.cli.show import count, when
from scim_bridge.engine.planned import HubPlan, PlannedChange, by_person, reasons, words

LONGEST: Final = 65_536
"""Characters of a comment at GitHub."""
_ROOM_FOR_REST = 200
_FEW = 20


def markdown(plans: Sequence[HubPlan], *, notes: Sequence[str] = (), longest: int = LONGEST) -> str:
    """One comment about these plans. ``notes``: sentences that stand above them."""
    heads = [_head(plan) for plan in plans]
    text = "\n".join(["## Plan of scim-bridge", "", *_table(plans), *(f"\n> {_inline(note)}" for note in notes), ""])
    left = longest - len(text) - sum(map(len, heads)) - _ROOM_FOR_REST * len(plans)
    for number, plan in enumerate(plans):
        share = max(0, left) // (len(plans) - number)
        body = _body(plan, share)
        left -= len(body)
        text += heads[number] + body
    if len(text) > longest:  # hundreds of hubs: their sums alone are too long
        rest = f"\n\n**Cut here**: {count(len(plans), 'hub')} are too many for one comment. Plan them one by one.\n"
        return text[: longest - len(rest)].rpartition("\n")[0] + rest
    return text


def _table(plans: Sequence[HubPlan]) -> Iterator[str]:
    if not plans:
        yield "No hubs."
        return
    yield "| hub | people | seats | highest role | assets | adopted | held | failed |"
    yield "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |"
    for plan in plans:
        totals = plan.totals
        highest = f"{_code(totals.highest)} +{totals.holders.gained} -{totals.holders.lost}" if totals.highest else "-"
        assets = ", ".join(
            f"{_code(kind)} +{moves.gained} -{moves.lost}" + (f" ~{moves.changed}" if moves.changed else "")
            for kind, moves in sorted(totals.assets.items())
        )
        cells = (
            _code(plan.hub_id),
            str(totals.people),
            f"+{totals.seats.gained} -{totals.seats.lost}",
            highest,
            assets or "-",
            str(totals.adopted),
            str(totals.held),
            str(totals.failed),
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _head(plan: HubPlan) -> str:
    unused = [rule for rule in plan.rules if not rule.people]
    lines = [
        f"\n### {_code(plan.hub_id)}: {count(len(plan.changes), 'change')}",
        "",
        f"Mode {plan.mode}, observed {when(plan.observed_at)}.",
        *(f"- **Warning**: {_inline(warning)}" for warning in plan.warnings),
        *(f"- **Rule for nobody**: {_code(rule.rule)} ({_code(f'{rule.file}:{rule.line}')})" for rule in unused[:_FEW]),
        *([f"- and {len(unused) - _FEW} more rules for nobody"] if len(unused) > _FEW else []),
        *_aside(plan),
    ]
    return "\n".join(lines) + "\n"


def _aside(plan: HubPlan) -> Iterator[str]:
    """What changes nothing at the app by itself: proposed removals, hub roles, and partners (not carried out yet)."""
    if plan.proposed:
        yield f"- **Proposed removals**: {count(len(plan.proposed), 'account')} not ours (`safety.unmanaged: hold`)"
    for one in plan.proposed[:_FEW]:
        whose = f" of {_code(one.user_name or '')} (p{one.person_id})" if one.person_id is not None else ""
        holds = f", {_code(one.role)}" if one.role else ""
        yield f"  - {_code(one.account)}{whose}{holds}: {_inline(one.held)}"
    if len(plan.proposed) > _FEW:
        yield f"  - and {len(plan.proposed) - _FEW} more: `scim-bridge plan {plan.hub_id}` shows all"
    for role in plan.hub_roles[:_FEW]:
        because = ", ".join(map(_code, reasons(role)))
        text = f"- Hub role of {_code(role.user_name)}: {role.before or 'nothing'} -> {role.after or 'nothing'}"
        yield text + (f" because of {because}" if because else "")
    if len(plan.hub_roles) > _FEW:
        yield f"- and {len(plan.hub_roles) - _FEW} more hub roles"
    for each in plan.partners[:_FEW]:
        assets = ", ".join(_code(f"{name} {roles}") for name, roles in each.assets)
        until = f" until {each.until}" if each.until else ""
        yield f"- Partner {_code(each.name)} (to be given in the app): {assets}{until}"


def _body(plan: HubPlan, room: int) -> str:
    """Rules and people in ``room`` characters and a little; whole people only."""
    people = list(by_person(plan.changes))
    rules = "\n".join(
        f"- {_code(rule.rule)} ({_code(f'{rule.file}:{rule.line}')}): {count(rule.people, 'person', 'people')}"
        for rule in plan.rules
    )
    rules = _folded(f"Rules ({len(plan.rules)})", rules)
    if len(rules) > room // 2:
        rules = f"\n{count(len(plan.rules), 'rule')}: too many to be shown here.\n"
    blocks: list[str] = []
    used = len(rules) + len(_folded(_title(len(people)), ""))
    for steps in people:
        block = _person(steps)
        if used + len(block) > room:
            break
        blocks.append(block)
        used += len(block)
    cut = ""
    if missing := len(people) - len(blocks):
        cut = (
            f"\n**Cut**: {count(missing, 'person', 'people')} more do not fit into a comment; "
            f"`scim-bridge plan {plan.hub_id}` shows all.\n"
        )
    return (_folded(_title(len(people)), "".join(blocks)) if blocks else "") + cut + rules


def _title(people: int) -> str:
    return f"Changes for {count(people, 'person', 'people')}"


def _folded(title: str, body: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n{body}\n</details>\n" if body else ""


def _person(steps: Sequence[PlannedChange]) -> str:
    lines = [f"- {_code(steps[0].user_name)} (p{steps[0].person_id})"]
    for step in steps:
        because = ", ".join(map(_code, reasons(step)))
        lines.append(f"  - {_code(words(step))}" + (f" because of {because}" if because else ""))
        if step.held:
            lines.append(f"    - **held**: {_inline(step.held)}")
        if step.failed:
            lines.append(f"    - **failed**: {_inline(step.failed)}")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """A code span of any text, on one line."""
    flat = "".join(each if each.isprintable() else " " for each in text)
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    if not longest:
        return f"`{flat}`" if flat.strip() else "` `"
    fence = "`" * (longest + 1)
    return f"{fence} {flat} {fence}"


def _inline(text: str) -> str:
    """A sentence of ours, whose code spans stay and in which nothing else is obeyed."""
    parts = " ".join(text.split()).split("`")
    plain = [re.sub(r"([\\*_\[\]<>|#~@!])", r"\\\1", part) for part in parts[::2]]
    if len(parts) % 2 == 0:  # an odd number of backticks: no spans at all
        return _code(text)
    spans = [f"`{part}`" for part in parts[1::2]]
    return "".join(each for pair in zip(plain, [*spans, ""], strict=True) for each in pair)
