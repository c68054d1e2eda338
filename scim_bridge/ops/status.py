"""How each part is, from the rows alone: any process can tell, also one that runs no engine.

    what                                            | state
    ------------------------------------------------+----------
    the database does not answer                    | failed
    no engine runs, or pushes wait for it too long  | degraded
    mapping files on disk are not in force          | degraded
    rules name a source or group that nobody knows  | ok, with the warning
    those in force are not valid with this version  | degraded: the hubs concerned stand still
    people need attention: a join was not made      | degraded
    a hub needs attention, is detached, or its last | degraded
    word from the app was an error                  |
    the last reading of a hub is not trusted        | degraded
    changes of a hub failed: a person must act      | degraded
    a source lost many people at once               | degraded, until somebody says that it should be so
    a removal waits for a person's word, and was    | degraded
    asked for more than once                        |
    a hub is paused, in plan mode, holds removals   | ok: a person decided so, or will

Counts and ids only: nobody's name is here, and messages of apps pass the logs' redaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.returns import count_returns
from scim_bridge.directory.tables import GroupChange, Person, PersonChange
from scim_bridge.durations import format_duration
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.drift import is_seen
from scim_bridge.engine.losses import braked_sources
from scim_bridge.engine.standstill import WAY_OUT
from scim_bridge.engine.tables import AccessRow, DriftRow, Pair, Task
from scim_bridge.engine.unmanaged import AccountCounts, count_accounts
from scim_bridge.hubs.operate import hub_state
from scim_bridge.hubs.tables import Binding, Hub
from scim_bridge.hubs.trust import untrusted
from scim_bridge.logs import redact
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.revisions import DOUBTS, IN_FORCE, ON_DISK
from scim_bridge.mapping.tables import MappingTrouble, Revision

State = Literal["ok", "degraded", "failed"]

_WELL = ("live", "plan", "paused", "removals_paused")
_LINT = "`scim-bridge mapping lint` shows all; mend the files"
_BEHIND_S = 60
"""Seconds that a committed push may wait for fan-out before the engine counts as behind."""


@dataclass(frozen=True, slots=True)
class HubStatus:
    """One hub. ``backlog``: people with something left to do; ``held``: changes that wait for a person's word;
    ``failed``: changes that could not be made and need a person's attention.

    ``drift``: rights that were changed by hand; ``leaving``: people whom a timer of `leave` lets keep something.

    ``oldest_waiting_s``: since when the oldest of those waits that are due (a leave timer does not wait).
    ``next_try_at``: when something that failed, or the hub as a whole, is tried again.
    ``untrusted``: why the last reading takes nothing away, and what to do. ``accounts``: how many there are by
    state, without those under `safety.ignore`; ``unmanaged`` of them are not ours, and ``leavers_unmanaged`` of
    those are leavers'. ``to_confirm``: names that another thing bears by now (`scim-bridge binding list`).
    """

    state: str  # as ``hub_state`` names it
    backlog: int
    oldest_waiting_s: int | None
    held: int
    failed: int
    drift: int
    leaving: int
    next_leave_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    next_try_at: datetime | None
    is_well: bool
    untrusted: str | None = None
    accounts: Mapping[str, int] = field(default_factory=dict)
    unmanaged: int = 0
    leavers_unmanaged: int = 0
    to_confirm: int = 0

    def account_words(self) -> list[str]:
        """Its accounts for people: ``12 linked``, ``3 unmatched``, ``3 unmanaged``."""
        counts = {**self.accounts, "unmanaged": self.unmanaged, "leaver, unmanaged": self.leavers_unmanaged}
        return [f"{number} {word}" for word, number in counts.items() if number]


@dataclass(frozen=True, slots=True)
class Status:
    """The whole: worst of its parts."""

    state: State
    components: Mapping[str, Mapping[str, Any]]
    hubs: Mapping[str, HubStatus] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "components": {name: dict(each) for name, each in self.components.items()},
            "hubs": {hub_id: _hub_json(hub) for hub_id, hub in self.hubs.items()},
        }


def database_away() -> Status:
    """What is left to say when the database does not answer."""
    return Status("failed", {"database": {"state": "failed"}})


def read_status(tx: Tx, *, mappings: MappingSet, now: datetime, engine_runs: bool) -> Status:
    """The state of everything, in a handful of grouped statements, however many people there are.

    ``mappings``: the set in force, for what its hubs ignore is not counted.
    """
    components: dict[str, dict[str, Any]] = {
        "database": {"state": "ok"},
        "engine": _engine(tx, now, engine_runs),
        "mappings": _mappings(tx),
        "people": _people(tx),
        "sources": _sources(tx),
        "approvals": _approvals(tx, now),
    }
    hubs = read_hubs(tx, mappings, now)
    components["hubs"] = _summary(hubs)
    is_well = all(each["state"] == "ok" for each in components.values())
    return Status("ok" if is_well else "degraded", components, hubs)


def details(component: Mapping[str, Any]) -> list[str]:
    """A component for people, without its state: ``runs: yes``, ``oldest waiting: 4m 10s``."""
    return [
        f"{key.removesuffix('_s').replace('_', ' ')}: {_in_words(key, value)}"
        for key, value in component.items()
        if key != "state" and value is not None
    ]


def _in_words(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_duration(value) if key.endswith("_s") else str(value)


def _engine(tx: Tx, now: datetime, runs: bool) -> dict[str, Any]:
    waiting, oldest_s = 0, 0
    for table in (PersonChange, GroupChange):
        count, oldest = tx.execute(sa.select(sa.func.count(), sa.func.min(table.changed_at))).one()
        waiting += count
        if oldest is not None:
            oldest_s = max(oldest_s, _age_s(oldest, now))
    state = "ok" if runs and oldest_s <= _BEHIND_S else "degraded"
    return {"state": state, "runs": runs, "changes_waiting": waiting, "oldest_waiting_s": oldest_s}


def _mappings(tx: Tx) -> dict[str, Any]:
    row = tx.execute(sa.select(Revision.id, Revision.restores).order_by(Revision.id.desc()).limit(1)).first()
    found: dict[str, Any] = {"state": "ok", "revision": row.id if row else None, "findings": 0}
    if row and row.restores:
        found["rolled_back_to"] = row.restores
    columns = (MappingTrouble.id, MappingTrouble.findings, MappingTrouble.since)
    rows = {row.id: row for row in tx.execute(sa.select(*columns))}
    for where, way_out in ((ON_DISK, _LINT), (IN_FORCE, WAY_OUT)):
        if where in rows:
            findings = rows[where].findings
            found |= {
                "state": "degraded",
                "findings": len(findings),
                "since": _text(rows[where].since),
                "finding": redact(findings[0]) if findings else None,
                "way_out": way_out,
            }
    if DOUBTS in rows:
        warnings = rows[DOUBTS].findings
        found |= {"warnings": len(warnings), "warning": redact(warnings[0])}
    return found


def _people(tx: Tx) -> dict[str, Any]:
    count = tx.scalar(sa.select(sa.func.count()).select_from(Person).where(Person.attention.is_not(None))) or 0
    return {"state": "degraded" if count else "ok", "needing_attention": count, "returns_proposed": count_returns(tx)}


def _sources(tx: Tx) -> dict[str, Any]:
    braked = [loss.source for loss in braked_sources(tx)]
    if not braked:
        return {"state": "ok", "braked": 0}
    way_out = f"scim-bridge approvals approve --source {braked[0]} --reason WHY, or mend it at the identity provider"
    return {"state": "degraded", "braked": len(braked), "which": ", ".join(braked), "way_out": way_out}


def _approvals(tx: Tx, now: datetime) -> dict[str, Any]:
    is_late = sa.and_(ApprovalRow.takes, ApprovalRow.asked > 1)
    waiting, unanswered, oldest = tx.execute(
        sa.select(
            sa.func.count(), sa.func.count(sa.case((is_late, ApprovalRow.id))), sa.func.min(ApprovalRow.asked_at)
        ).where(ApprovalRow.state == "pending", ApprovalRow.ended_at.is_(None))
    ).one()
    found = {
        "state": "degraded" if unanswered else "ok",
        "waiting": waiting,
        "unanswered": unanswered,
        "oldest_waiting_s": _age_s(oldest, now) if oldest else None,
    }
    return found | ({"way_out": "scim-bridge approvals list"} if waiting else {})


def read_hubs(tx: Tx, mappings: MappingSet, now: datetime) -> dict[str, HubStatus]:
    """Every hub by id; ``mappings`` is the set in force."""
    pairs = {row.hub_id: row for row in tx.execute(_pairs(now))}
    counted = sa.select(Task.hub_id, Task.state, sa.func.count().label("number")).group_by(Task.hub_id, Task.state)
    stuck = {
        (row.hub_id, row.state): row.number for row in tx.execute(counted.where(Task.state.in_(["held", "failed"])))
    }
    drifted = sa.select(DriftRow.hub_id, sa.func.count().label("number")).where(is_seen(tx, mappings.ignores))
    drift = {row.hub_id: row.number for row in tx.execute(drifted.group_by(DriftRow.hub_id))}
    leavers = {row.hub_id: row for row in tx.execute(_LEAVERS)}
    confirms = {row.hub_id: row.number for row in tx.execute(_TO_CONFIRM)}
    accounts = count_accounts(tx, mappings.ignores)
    hubs = {}
    for row in tx.execute(sa.select(*_HUB_COLUMNS).order_by(Hub.id)):
        pair = pairs.get(row.id)
        state = hub_state(
            row.mode,
            detached=row.detached_at is not None,
            attention=row.attention is not None,
            paused=row.paused_at is not None,
            removals_paused=row.removals_paused_at is not None,
        )
        failed = stuck.get((row.id, "failed"), 0)
        error = row.attention or (row.last_error if _is_fresh(row) else None)
        doubt = untrusted(row.id, row.doubt_kind, row.doubt)
        counts = accounts.get(row.id, AccountCounts())
        tries = [row.probe_at if row.attention else row.resting_until, pair.next_try_at if pair else None]
        hubs[row.id] = HubStatus(
            state=state,
            backlog=pair.backlog if pair else 0,
            oldest_waiting_s=_age_s(pair.oldest, now) if pair and pair.oldest else None,
            held=stuck.get((row.id, "held"), 0),
            failed=failed,
            drift=drift.get(row.id, 0),
            leaving=leavers[row.id].number if row.id in leavers else 0,
            next_leave_at=leavers[row.id].next_at if row.id in leavers else None,
            last_success_at=row.last_success_at,
            last_error=redact(error),
            next_try_at=min((at for at in tries if at is not None and at > now), default=None),
            is_well=state in _WELL and error is None and not failed and doubt is None,
            untrusted=redact(doubt),
            accounts=counts.by_state,
            unmanaged=counts.unmanaged,
            leavers_unmanaged=counts.leavers,
            to_confirm=confirms.get(row.id, 0),
        )
    return hubs


_HUB_COLUMNS = (
    Hub.id,
    Hub.mode,
    Hub.detached_at,
    Hub.paused_at,
    Hub.removals_paused_at,
    Hub.attention,
    Hub.probe_at,
    Hub.resting_until,
    Hub.last_success_at,
    Hub.last_error,
    Hub.last_error_at,
    Hub.doubt_kind,
    Hub.doubt,
)


_TO_CONFIRM = (
    sa.select(Binding.hub_id, sa.func.count().label("number"))
    .where(Binding.candidate_id.is_not(None))
    .group_by(Binding.hub_id)
)

_LEAVERS = (
    sa.select(Pair.hub_id, sa.func.count().label("number"), sa.func.min(Pair.due_at).label("next_at"))
    .join(AccessRow, sa.and_(AccessRow.hub_id == Pair.hub_id, AccessRow.person_id == Pair.person_id))
    .where(Pair.due_at.is_not(None), Pair.done >= Pair.want, AccessRow.role.is_(None))
    .group_by(Pair.hub_id)
)
"""Pairs that are at rest until a step of `leave` is due."""


def _pairs(now: datetime) -> sa.Select[str, int, Any, Any]:
    waits = sa.or_(Pair.due_at <= now, Pair.owner.is_not(None), Pair.attempts > 0)
    since = sa.func.coalesce(Pair.unsettled_since, Pair.due_at)
    return (
        sa.select(
            Pair.hub_id,
            sa.func.count().label("backlog"),
            sa.func.min(sa.case((waits, since))).label("oldest"),
            sa.func.min(sa.case((Pair.attempts > 0, Pair.due_at))).label("next_try_at"),
        )
        .where(Pair.done < Pair.want)
        .group_by(Pair.hub_id)
    )


def _is_fresh(hub: Any) -> bool:
    if hub.last_error_at is None:
        return False
    return hub.last_success_at is None or hub.last_error_at > hub.last_success_at


def _summary(hubs: Mapping[str, HubStatus]) -> dict[str, Any]:
    unwell = sum(not hub.is_well for hub in hubs.values())
    return {"state": "degraded" if unwell else "ok", "count": len(hubs), "unwell": unwell}


def _age_s(at: datetime, now: datetime) -> int:
    return max(int((now - at).total_seconds()), 0)


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _hub_json(hub: HubStatus) -> dict[str, Any]:
    shown = {key: _text(value) if isinstance(value, datetime) else value for key, value in asdict(hub).items()}
    del shown["is_well"]
    return shown
