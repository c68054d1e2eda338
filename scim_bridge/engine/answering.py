"""What a person says to a question, and what time does to it.

    pending   a day without an answer (setting): asked again, and `/status` is degraded where somebody would lose
    approved  seven days without use: void, and asked anew if it is still wanted
    rejected  stays until something else is wanted

Answers are rows: whoever carries changes out finds them at the next claim, which they wake.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx, UTCDateTime, insert
from scim_bridge.directory.keys import numbers
from scim_bridge.engine.approvals import load_answers, put
from scim_bridge.engine.asks import Ask, answer_to
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.diff import Change
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.schedule import GAINS, LOSES
from scim_bridge.errors import Conflict, NotFound

log = logging.getLogger(__name__)

VALID = timedelta(days=7)
"""How long a yes may wait to be used."""

Verdict = Literal["approved", "rejected"]
_OPEN = ("pending", "approved", "rejected")


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One question, for people and machines. ``person_id`` or ``account_id`` says whose; ``asked``: how often."""

    id: int
    hub_id: str
    person_id: int | None
    account_id: int | None
    action: str
    label: str
    before: str
    after: str
    kind: str
    why: str
    state: str
    asked: int
    asked_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    reason: str | None


_OF_ITS_LIFE = {"id", "state", "asked", "asked_at", "last_asked_at", "answered_by", "answered_at", "reason", "ended_at"}
_COPIED = [column.name for column in ApprovalRow.__table__.columns if column.name not in _OF_ITS_LIFE]
_VIEW = tuple(getattr(ApprovalRow, name) for name in ApprovalView.__dataclass_fields__)


def list_approvals(
    tx: Tx, *, hub_id: str | None = None, states: Sequence[str] = _OPEN, limit: int = 1000
) -> list[ApprovalView]:
    """Questions in these states, the oldest first."""
    query = sa.select(*_VIEW).where(ApprovalRow.state.in_(states))
    if hub_id is not None:
        query = query.where(ApprovalRow.hub_id == hub_id)
    return [ApprovalView(*row) for row in tx.execute(query.order_by(ApprovalRow.id).limit(limit))]


def answer(
    tx: Tx, ids: Collection[int], verdict: Verdict, *, actor: str, reason: str, now: datetime
) -> list[ApprovalView]:
    """Say yes or no to open questions; an earlier answer that was not used yet may be changed.

    Raises ``NotFound`` for an id that nothing has, ``Conflict`` for a question that is over; then nothing is changed.
    """
    rows = {row.id: row for row in tx.execute(sa.select(*_VIEW).where(ApprovalRow.id.in_(ids)).with_for_update())}
    for wanted in ids:
        if wanted not in rows:
            raise NotFound(f"no approval {wanted}", advice="`scim-bridge approvals list` shows them")
        if rows[wanted].state not in _OPEN:
            raise Conflict(
                f"approval {wanted} is over ({rows[wanted].state})",
                advice="`scim-bridge approvals list` shows the rest",
            )
    answered = [ApprovalView(*row) for row in rows.values() if row.state != verdict]
    _store(tx, answered, verdict, actor=actor, reason=reason, now=now)
    return answered


def answer_all(
    tx: Tx,
    verdict: Verdict,
    *,
    hub_id: str | None = None,
    kind: str | None = None,
    source_id: int | None = None,
    actor: str,
    reason: str,
    now: datetime,
) -> list[ApprovalView]:
    """Say yes or no to all that wait: of a hub, of a kind, or because of a source."""
    query = sa.select(*_VIEW).where(ApprovalRow.state == "pending")
    for column, value in (
        (ApprovalRow.hub_id, hub_id),
        (ApprovalRow.kind, kind),
        (ApprovalRow.source_id, source_id),
    ):
        if value is not None:
            query = query.where(column == value)
    answered = [ApprovalView(*row) for row in tx.execute(query.order_by(ApprovalRow.id).with_for_update())]
    _store(tx, answered, verdict, actor=actor, reason=reason, now=now)
    return answered


def approve_ahead(
    tx: Tx, hub_id: str, changes: Mapping[int, Sequence[Change]], *, actor: str, reason: str, now: datetime
) -> None:
    """Say yes to removals (by person) before anything holds them: a person saw the plan that names them.

    A no that somebody gave stays: it may have been given after the plan was made.
    """
    known = load_answers(tx, hub_id, list(changes))
    ids = []
    for person_id, removals in changes.items():
        for change in removals:
            ask = Ask(change, True, "limit", "a plan that was applied ends it")
            before = answer_to(known.get(person_id, ()), ask.key)
            if before is None:
                ids.append(put(tx, hub_id, ask, change.thing, person_id=person_id, now=now))
            elif before.state != "rejected":
                ids.append(before.id)
    answer(tx, ids, "approved", actor=actor, reason=reason, now=now)


def _store(
    tx: Tx, answered: Sequence[ApprovalView], verdict: Verdict, *, actor: str, reason: str, now: datetime
) -> None:
    values = {"state": verdict, "answered_by": actor, "answered_at": now, "reason": reason}
    tx.execute(sa.update(ApprovalRow).where(_among(tx, answered)).values(values))
    for one in answered:
        _tell(tx, one, verdict, actor=actor, detail={"reason": reason, "kind": one.kind}, now=now)
    _pass_on(tx, answered, is_yes=verdict == "approved", now=now)


def _pass_on(tx: Tx, answered: Sequence[ApprovalView], *, is_yes: bool, now: datetime) -> None:
    """Wake the people, and set going what is about accounts of nobody's."""
    people: dict[tuple[str, int], set[int]] = {}
    accounts: list[dict[str, Any]] = []
    for one in answered:
        if one.person_id is not None:
            priority = GAINS if one.kind == "role" else LOSES
            people.setdefault((one.hub_id, priority), set()).add(one.person_id)
        elif one.account_id is not None:
            accounts.append({"account_id": one.account_id, "hub_id": one.hub_id, "approval_id": one.id, "due_at": now})
    for (hub_id, priority), who in people.items():
        wake(tx, hub_id, sorted(who), now=now, priority=priority, cuts_settle=True)
    if accounts:  # what is being carried out right now ends by itself
        ids = [each["account_id"] for each in accounts]
        is_free = AccountRemoval.owner.is_(None)
        tx.execute(sa.delete(AccountRemoval).where(AccountRemoval.account_id.in_(numbers(tx, ids)), is_free))
        if is_yes:
            tx.execute(insert(tx, AccountRemoval).on_conflict_do_nothing(), accounts)


def _among(tx: Tx, chosen: Sequence[ApprovalView]) -> sa.ColumnElement[bool]:
    return ApprovalRow.id.in_(numbers(tx, [one.id for one in chosen]))


def _tell(
    tx: Tx, one: ApprovalView, action: str, *, actor: str, detail: dict[str, Any] | None = None, now: datetime
) -> None:
    what = {"action": one.action, "thing": one.label, "from": one.before, "to": one.after}
    record(
        tx,
        at=now,
        actor=actor,
        action=f"approval.{action}",
        person_id=one.person_id,
        hub_id=one.hub_id,
        subject=f"approval:{one.id}",
        detail=what | (detail or {}),
    )


def is_due(tx: Tx, *, remind: timedelta, now: datetime) -> bool:
    """Whether ``sweep`` has anything to do."""
    return tx.execute(sa.select(ApprovalRow.id).where(_is_old(remind, now)).limit(1)).first() is not None


def _is_old(remind: timedelta, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        ApprovalRow.ended_at.is_(None),
        sa.or_(
            sa.and_(ApprovalRow.state == "pending", ApprovalRow.last_asked_at <= now - remind),
            sa.and_(ApprovalRow.state == "approved", ApprovalRow.answered_at <= now - VALID),
        ),
    )


def sweep(tx: Tx, *, remind: timedelta, now: datetime) -> None:
    """Ask again what nobody answered, and let go of a yes that was not used."""
    rows = [ApprovalView(*row) for row in tx.execute(sa.select(*_VIEW).where(_is_old(remind, now)).with_for_update())]
    again = [one for one in rows if one.state == "pending"]
    tx.execute(sa.update(ApprovalRow).where(_among(tx, again)).values(asked=ApprovalRow.asked + 1, last_asked_at=now))
    for one in again:
        _tell(tx, one, "asked_again", actor="engine", detail={"asked": one.asked + 1}, now=now)
        log.warning("approval.unanswered", extra={"approval": one.id, "hub": one.hub_id, "asked": one.asked + 1})
    void = [one for one in rows if one.state == "approved"]
    tx.execute(sa.update(ApprovalRow).where(_among(tx, void)).values(state="void", ended_at=now))
    for one in void:
        _tell(tx, one, "void", actor="engine", detail={"approved_by": one.answered_by}, now=now)
    _ask_anew(tx, [one for one in void if one.kind == "limit"], now=now)
    _pass_on(tx, void, is_yes=False, now=now)


def _ask_anew(tx: Tx, void: Sequence[ApprovalView], *, now: datetime) -> None:
    """Put the same questions once more; who is decided next withdraws what nobody wants any more.

    Not left to the next decision: a pause of removals hides that `max_removals` held them, and time would free them.
    """
    fresh = {"state": sa.literal("pending"), "asked": sa.literal(1)}
    fresh |= {name: sa.literal(now, UTCDateTime()) for name in ("asked_at", "last_asked_at")}
    copies = sa.select(*(getattr(ApprovalRow, name) for name in _COPIED), *fresh.values()).where(_among(tx, void))
    put = sa.insert(ApprovalRow).from_select([*_COPIED, *fresh], copies).returning(*_VIEW)
    for row in tx.execute(put).all():
        _tell(tx, ApprovalView(*row), "asked", actor="engine", detail={"kind": row.kind}, now=now)
