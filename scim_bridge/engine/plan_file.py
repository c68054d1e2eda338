"""A plan as a file: looked at by people, kept in a change request, applied later by ``apply --from``. Pure.

It is JSON, made once and never edited: its hash is over everything else in it, so that a changed, cut or merged
file is refused. The hash is no signature: whoever may run ``apply`` may make a plan, too. Beside what people read
each step keeps how the engine names it (``steps``), by stable ids, and that is what is compared and carried out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scim_bridge.engine.allowed import of_rows, to_rows
from scim_bridge.engine.diff import Change
from scim_bridge.engine.planned import HubPlan, PlannedChange, words
from scim_bridge.errors import InvalidInput

FORMAT: Final = "scim-bridge plan"
VERSION: Final = 1
_ANEW = "make a new one: `scim-bridge plan --out FILE`"


@dataclass(frozen=True, slots=True)
class FiledStep:
    """A step as the file keeps it: whose it is, in words, and as the engine names it; the first names the thing."""

    person_id: int
    user_name: str
    thing: str
    words: str
    steps: tuple[Change, ...]
    held: str | None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class FiledPlan:
    """What a file says of one hub."""

    hub_id: str
    app: str
    tenant: str
    since: datetime
    mode: str
    steps: tuple[FiledStep, ...]


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file that was read: when and by whom it was made, and its plans."""

    made_at: datetime
    made_by: str
    digest: str
    plans: tuple[FiledPlan, ...]


def to_text(plans: Sequence[HubPlan], *, made_by: str, made_at: datetime) -> str:
    """The file of these plans."""
    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": made_at.isoformat(),
        "made_by": made_by,
        "plans": [_plan_json(plan) for plan in plans],
    }
    return json.dumps({**whole, "hash": _digest(whole)}, ensure_ascii=False, indent=1) + "\n"


def _plan_json(plan: HubPlan) -> dict[str, Any]:
    shown = plan.to_json()
    about = {"hub": plan.hub_id, "app": plan.app, "tenant": plan.tenant, "hub_since": plan.since.isoformat()}
    changes = [
        {
            **change.to_json(),
            "account": change.account,
            "words": words(change),
            "steps": to_rows(change.steps[:1]) + to_rows(change.steps[1:]),
        }
        for change in plan.changes
    ]
    return {**about, **shown, "changes": changes}


def read_text(text: str, name: str) -> PlanFile:
    """Read a file's text; ``name`` is what messages call it. Raises ``InvalidInput`` with the way out."""
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is no plan, or it was cut off: {error}", advice=_ANEW) from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise InvalidInput(f"{name} is no plan of scim-bridge", advice=_ANEW)
    if whole.get("version") != VERSION:
        version = f"{whole.get('version')!r:.20}"
        raise InvalidInput(
            f"{name} is a plan in version {version}, this scim-bridge reads version {VERSION}",
            advice="make and apply a plan by the same version of scim-bridge",
        )
    digest = whole.pop("hash", None)
    if digest != _digest(whole):
        raise InvalidInput(f"{name} was changed after it was made: its hash is another", advice=_ANEW)
    try:
        plans = tuple(_read_plan(each) for each in whole["plans"])
        return PlanFile(datetime.fromisoformat(whole["made_at"]), whole["made_by"], digest, plans)
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # made by other hands, with a hash of its own
        raise InvalidInput(f"{name} is no plan that `scim-bridge plan` made", advice=_ANEW) from error


def _read_plan(plan: dict[str, Any]) -> FiledPlan:
    return FiledPlan(
        plan["hub"],
        plan["app"],
        plan["tenant"],
        datetime.fromisoformat(plan["hub_since"]),
        plan["mode"],
        tuple(_read_step(each) for each in plan["changes"]),
    )


def _read_step(change: dict[str, Any]) -> FiledStep:
    first, *along = change["steps"]
    return FiledStep(
        int(change["person"]["id"][1:]),
        change["person"]["user_name"],
        change.get("asset") or "seat",
        change["words"],
        (*of_rows([first]), *sorted(of_rows(along), key=lambda each: each.thing)),
        change["held"],
        change["account"],
    )


def filed(change: PlannedChange) -> FiledStep:
    """A step of a plan that was just made, in the form in which it compares with those of a file."""
    return FiledStep(
        change.person_id, change.user_name, change.thing, words(change), change.steps, change.held, change.account
    )


def _digest(whole: dict[str, Any]) -> str:
    text = json.dumps(whole, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
