"""A plan as values: the steps, the people they are for, the rules behind them, and what they add up to. Pure.

Rules are counted by whom they hold for, whether or not another rule gives more: one that holds for nobody is a
misspelt group more often than not, and one that holds for everybody is a pattern that was meant to be narrower.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from scim_bridge.contract.state import SEAT
from scim_bridge.engine.diff import Change

_ENDS_SEAT = frozenset({"remove", "cancel_invitation", "suspend"})
_FILLS_SEAT = frozenset({"invite", "add", "resume"})

Named = tuple[tuple[str, str], ...]
"""Assets as people know them, each with its role or roles: ``(("team/core", "member"),)``."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One step of a plan. ``asset`` is set for steps on assets; ``before`` and ``after`` are roles.

    ``held`` (it waits for a person's word) and ``failed`` (it cannot be made as things are) are a sentence each.
    ``brings`` and ``takes``: the assets that come and go with a seat. ``account``: the id of the account that the
    step is about, where the person has one (an invitation is none).
    """

    person_id: int
    user_name: str
    action: str
    asset: str | None
    before: str | None
    after: str | None
    because: tuple[dict[str, Any], ...]
    held: str | None
    failed: str | None
    brings: Named = ()
    takes: Named = ()
    steps: tuple[Change, ...] = ()  # as the engine decides: the change itself, then what comes along with it
    account: str | None = None
    is_second: bool = False  # the other half of a renewed invitation, whose first half stands before it

    @property
    def goes_on(self) -> bool:
        """Whether it would be carried out now."""
        return self.held is None and self.failed is None

    @property
    def thing(self) -> str:
        """``seat``, or the asset as people know it."""
        return self.asset or SEAT

    def to_json(self) -> dict[str, Any]:
        """The shape that ``plan --json`` prints."""
        return {
            "person": {"id": f"p{self.person_id}", "user_name": self.user_name},
            "action": self.action,
            **({"asset": self.asset} if self.asset else {}),
            "from": self.before,
            "to": self.after,
            **({"brings": dict(self.brings)} if self.brings else {}),
            **({"takes": dict(self.takes)} if self.takes else {}),
            "because": list(self.because),
            "held": self.held,
            "failed": self.failed,
        }


def words(change: PlannedChange) -> str:
    """A step in a few words, its sign in front: ``+`` gains, ``-`` loses, ``~`` changes, ``=`` becomes ours."""
    before, after = change.before or "nothing", change.after or "nothing"
    match change.action:
        case "invite" | "add":
            text = f"+ {change.action} as {after}"
        case "adopt":
            text = f"= {change.thing} {after} becomes ours" + (f" (was {before})" if change.before else "")
        case "suspend":
            text = f"- suspend the seat {before}"
        case "resume":
            text = f"+ resume the seat {after}"
        case "cancel_invitation":
            text = f"- cancel the invitation as {before}"
        case _ if change.after is None:
            text = f"- {change.thing} {before}"
        case _ if change.before is None:
            text = f"+ {change.thing} {after}"
        case _:
            text = f"~ {change.thing} {before} -> {after}"
    named = ", ".join(f"{name} {roles}" for name, roles in change.brings or change.takes)
    return f"{text}, with {named}" if named else text


def reasons(change: PlannedChange | HubRoleChange) -> list[str]:
    """``staff (mappings/acme.yaml:7)`` of each rule that causes it."""
    return [f"{each['rule']} ({each['file']}:{each['line']})" for each in change.because]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule, and how many people it holds for."""

    rule: str
    file: str
    line: int
    people: int


@dataclass(frozen=True, slots=True)
class HubRoleChange:
    """What somebody may do to the hub changes by rules that are not in force yet; no app is asked."""

    person_id: int
    user_name: str
    before: str | None
    after: str | None
    because: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The shape inside ``plan --json``."""
        return {
            "person": {"id": f"p{self.person_id}", "user_name": self.user_name},
            "from": self.before,
            "to": self.after,
            "because": list(self.because),
        }


@dataclass(frozen=True, slots=True)
class PartnerRule:
    """A rule about another business: who it is, who answers for it, what it is to reach and until which day."""

    rule: str
    file: str
    line: int
    partner: str
    name: str
    owner: str
    until: date | None
    assets: Named

    def to_json(self) -> dict[str, Any]:
        """The shape inside ``plan --json``."""
        return {
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "partner": {"id": self.partner, "name": self.name, "owner": self.owner},
            "until": self.until.isoformat() if self.until else None,
            "assets": dict(self.assets),
        }


@dataclass(frozen=True, slots=True)
class ProposedRemoval:
    """An account that is not ours and that `safety.unmanaged: hold` wants to see gone, by a person's word only.

    ``account``: its login, or its id; ``person_id``: whose it is (a leaver's, most often), if anybody's. ``approval``:
    the question about it, None: not asked yet; ``state``: what was said (pending, approved, rejected).
    """

    account: str
    ref: str
    person_id: int | None
    user_name: str | None
    action: str
    role: str | None
    approval: int | None
    state: str | None

    @property
    def waits(self) -> bool:
        """Whether somebody has yet to say yes or no."""
        return self.state in (None, "pending")

    @property
    def held(self) -> str:
        """What it waits for, in a sentence."""
        match self.state:
            case "pending":
                return f"`scim-bridge approvals approve {self.approval} --reason WHY`, or reject"
            case "approved":
                return f"approved (approval {self.approval}): the engine removes it"
            case "rejected":
                return f"rejected (approval {self.approval}): it stays"
            case _:
                return "asked about once the hub is live and was read again"

    def to_json(self) -> dict[str, Any]:
        """The shape inside ``plan --json``."""
        person = {"id": f"p{self.person_id}", "user_name": self.user_name} if self.person_id is not None else None
        return {
            "account": self.account,
            "ref": self.ref,
            "person": person,
            "action": self.action,
            "from": self.role,
            "approval": self.approval,
            "state": self.state,
            "held": self.held if self.waits else None,
        }


@dataclass(slots=True)
class Moves:
    """How many are won, lost, or held in another role than before."""

    gained: int = 0
    lost: int = 0
    changed: int = 0

    def add(self, *, has: bool, had: bool) -> None:
        """Count one."""
        self.gained += has and not had
        self.lost += had and not has
        self.changed += has and had

    def to_json(self) -> dict[str, int]:
        """The shape inside ``plan --json``."""
        return {"gained": self.gained, "lost": self.lost, "changed": self.changed}


@dataclass(slots=True)
class Totals:
    """What a plan adds up to at the app, without what is held or failed; ``adopted`` calls nobody."""

    people: int = 0
    seats: Moves = field(default_factory=Moves)
    highest: str | None = None
    holders: Moves = field(default_factory=Moves)  # of the highest role
    assets: dict[str, Moves] = field(default_factory=dict)  # by type
    suspended: int = 0
    resumed: int = 0
    adopted: int = 0
    held: int = 0
    failed: int = 0
    proposed: int = 0  # removals of accounts that are not ours, without those that were answered

    def to_json(self) -> dict[str, Any]:
        """The shape inside ``plan --json``."""
        holders = {"gained": self.holders.gained, "lost": self.holders.lost}
        return {
            "people": self.people,
            "seats": {"gained": self.seats.gained, "lost": self.seats.lost},
            "highest_role": {"role": self.highest, **holders} if self.highest else None,
            "assets": {kind: moves.to_json() for kind, moves in sorted(self.assets.items())},
            "suspended": self.suspended,
            "resumed": self.resumed,
            "adopted": self.adopted,
            "held": self.held,
            "failed": self.failed,
            "proposed": self.proposed,
        }


def add_up(changes: Sequence[PlannedChange], roles: Sequence[str], proposed: Sequence[ProposedRemoval] = ()) -> Totals:
    """Count seats, holders of the highest of ``roles``, and assets."""
    totals = Totals(len({change.person_id for change in changes}), highest=next(iter(roles), None))
    totals.proposed = sum(each.waits for each in proposed)
    for change in changes:
        totals.held += change.held is not None
        totals.failed += change.failed is not None
        if not change.goes_on:
            continue
        if change.action == "adopt":
            totals.adopted += 1
        elif change.action in ("suspend", "resume"):  # the seat stays, and is most often paid for
            totals.suspended += change.action == "suspend"
            totals.resumed += change.action == "resume"
        elif change.asset is not None:
            _add_asset(totals, change.asset, has=change.after is not None, had=change.before is not None)
        else:
            _add_seat(totals, change)
    return totals


def _add_seat(totals: Totals, change: PlannedChange) -> None:
    had, has = change.before == totals.highest, change.after == totals.highest
    if had != has:
        totals.holders.add(has=has, had=had)
    if change.is_second or (change.steps[:1] and change.steps[0].action == "renew"):
        return  # a renewed invitation is neither won nor lost
    if change.action in _FILLS_SEAT:
        totals.seats.gained += 1
    totals.seats.lost += change.action in _ENDS_SEAT
    for name, _ in change.brings:
        _add_asset(totals, name, has=True, had=False)
    for name, _ in change.takes:
        _add_asset(totals, name, has=False, had=True)


def _add_asset(totals: Totals, name: str, *, has: bool, had: bool) -> None:
    totals.assets.setdefault(name.partition("/")[0], Moves()).add(has=has, had=had)


def summary(totals: Totals) -> str:
    """``seats +2 -1; owner +1 -0; team +3 -0; 1 adopted; 2 held``."""
    parts = [f"seats +{totals.seats.gained} -{totals.seats.lost}"]
    if totals.highest:
        parts.append(f"{totals.highest} +{totals.holders.gained} -{totals.holders.lost}")
    for kind, moves in sorted(totals.assets.items()):
        changed = f" ~{moves.changed}" if moves.changed else ""
        parts.append(f"{kind} +{moves.gained} -{moves.lost}{changed}")
    rest = [(getattr(totals, what), what) for what in ("suspended", "resumed", "adopted", "held", "failed", "proposed")]
    return "; ".join(parts + [f"{number} {what}" for number, what in rest if number])


@dataclass(frozen=True, slots=True)
class HubPlan:
    """All steps for one hub. ``pending``: changes pushed that fan-out has not carried to people yet.

    ``since`` (when the hub was added) tells it from a hub of the same name at another bridge; ``revision`` None:
    of files that are in force nowhere.
    """

    hub_id: str
    app: str
    tenant: str
    since: datetime
    mode: str
    revision: int | None
    observation: int
    observed_at: datetime | None
    made_at: datetime
    changes: tuple[PlannedChange, ...]
    rules: tuple[RuleCount, ...]
    totals: Totals
    pending: int
    warnings: tuple[str, ...]
    hub_roles: tuple[HubRoleChange, ...] = ()
    partners: tuple[PartnerRule, ...] = ()
    proposed: tuple[ProposedRemoval, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether any of it waits for a person's word."""
        return any(change.held for change in self.changes) or any(each.waits for each in self.proposed)

    def to_json(self) -> dict[str, Any]:
        """The shape that ``plan --json`` prints."""
        return {
            "hub": self.hub_id,
            "mode": self.mode,
            "revision": self.revision,
            "observation": self.observation,
            "observed_at": self.observed_at.isoformat() if self.observed_at else None,
            "made_at": self.made_at.isoformat(),
            "changes": [change.to_json() for change in self.changes],
            "rules": [
                {"rule": each.rule, "file": each.file, "line": each.line, "people": each.people} for each in self.rules
            ],
            "totals": self.totals.to_json(),
            "hub_roles": [each.to_json() for each in self.hub_roles],
            "partners": [each.to_json() for each in self.partners],
            "proposed_removals": [each.to_json() for each in self.proposed],
            "warnings": list(self.warnings),
        }


def by_person(changes: Iterable[PlannedChange]) -> Iterator[list[PlannedChange]]:
    """The steps of one person after the other's, in the order in which people are served."""
    for _, steps in groupby(changes, key=lambda change: change.person_id):
        yield list(steps)
