"""Keep the questions about one person in one hub in step with what was decided.

A question is put once, stays while the same change is wanted, and is withdrawn when it is wanted no longer; so a
yes, or a no, always belongs to what the operator saw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.engine.asks import Answer, Ask, answer_to, key_of
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.decide import Decision, label
from scim_bridge.engine.diff import Change
from scim_bridge.engine.guard import takes_away
from scim_bridge.engine.scene import Scene, Subject

_OPEN = sa.select(
    ApprovalRow.person_id,
    ApprovalRow.id,
    ApprovalRow.action,
    ApprovalRow.thing,
    ApprovalRow.before,
    ApprovalRow.after,
    ApprovalRow.takes,
    ApprovalRow.kind,
    ApprovalRow.why,
    ApprovalRow.state,
    ApprovalRow.answered_by,
    ApprovalRow.reason,
).where(
    ApprovalRow.hub_id == sa.bindparam("hub"),
    ApprovalRow.person_id.in_(sa.bindparam("people", expanding=True)),
    ApprovalRow.ended_at.is_(None),
)
_INSERT = sa.insert(ApprovalRow).returning(ApprovalRow.id)


def load_answers(tx: Tx, hub_id: str, person_ids: Sequence[int]) -> dict[int, tuple[Answer, ...]]:
    """The open questions about these people in this hub."""
    found: dict[int, tuple[Answer, ...]] = {}
    for row in tx.execute(_OPEN, {"hub": hub_id, "people": person_ids}):
        change = Change(row.action, row.thing, roles_in(row.before), roles_in(row.after))
        key = key_of(change, takes=row.takes)
        answer = Answer(row.id, key, row.kind, row.why, row.state, row.answered_by, row.reason)
        found[row.person_id] = (*found.get(row.person_id, ()), answer)
    return found


def roles_in(text: str) -> frozenset[str]:
    """The roles of a ``from`` or ``to`` as it is stored."""
    return frozenset(text.split(", ")) - {""}


def keep_asked(tx: Tx, hub_id: str, subject: Subject, scene: Scene, decision: Decision, *, now: datetime) -> None:
    """Put what is asked for the first time, and withdraw what nobody wants any more."""
    if not decision.asks and not subject.answers:
        return
    wanted = {ask.key for ask in decision.asks}
    for ruling in decision.rulings:
        if ruling.change.needs_call:
            wanted.add(key_of(ruling.change, takes=takes_away(ruling.change, scene.roles)))
    for answer in subject.answers:
        if answer.key not in wanted:
            _end(tx, hub_id, subject.person_id, answer, state="withdrawn", now=now)
    for ask in decision.asks:
        known = answer_to(subject.answers, ask.key)
        if known is None:
            put(tx, hub_id, ask, label(scene, ask.change.thing), person_id=subject.person_id, now=now)
        elif known.state == "pending" and (known.kind, known.why) != (ask.kind, ask.why):
            values = {"kind": ask.kind, "why": ask.why, "source_id": ask.source_id}
            tx.execute(sa.update(ApprovalRow).where(ApprovalRow.id == known.id).values(values))


def put(
    tx: Tx,
    hub_id: str,
    ask: Ask,
    label: str,
    *,
    person_id: int | None = None,
    account_id: int | None = None,
    now: datetime,
) -> int:
    """Ask about a change of a person's, or of an account of nobody's. Returns the question's id."""
    before, after = (", ".join(sorted(roles)) for roles in (ask.change.before, ask.change.after))
    values = {
        "hub_id": hub_id,
        "person_id": person_id,
        "account_id": account_id,
        "action": ask.change.action,
        "thing": ask.change.thing,
        "label": label,
        "before": before,
        "after": after,
        "takes": ask.takes,
        "kind": ask.kind,
        "source_id": ask.source_id,
        "why": ask.why,
        "state": "pending",
        "asked_at": now,
        "last_asked_at": now,
    }
    asked = tx.execute(_INSERT, values).scalar_one()
    detail = {"action": ask.change.action, "thing": label, "from": before, "to": after, "kind": ask.kind}
    record(
        tx,
        at=now,
        actor="engine",
        action="approval.asked",
        person_id=person_id,
        hub_id=hub_id,
        subject=f"approval:{asked}",
        detail=detail,
    )
    return asked


def end_answered(tx: Tx, hub_id: str, subject: Subject, change: Change, *, now: datetime) -> None:
    """The change was made: a yes to it is used up, and what nobody answered needs no answer any more."""
    after = ", ".join(sorted(change.after))
    for answer in subject.answers:
        if (answer.key[1], answer.key[3]) == (change.thing, after):
            state = "used" if answer.state == "approved" else "withdrawn"
            _end(tx, hub_id, subject.person_id, answer, state=state, now=now)


def _end(tx: Tx, hub_id: str, person_id: int, answer: Answer, *, state: str, now: datetime) -> None:
    ended = (
        sa.update(ApprovalRow)
        .where(ApprovalRow.id == answer.id, ApprovalRow.ended_at.is_(None))
        .values(state=state, ended_at=now)
    )
    if tx.execute(ended).rowcount:
        record(
            tx,
            at=now,
            actor="engine",
            action=f"approval.{state}",
            person_id=person_id,
            hub_id=hub_id,
            subject=f"approval:{answer.id}",
            detail={"answer": answer.state, "by": answer.answered_by},
        )


def withdraw(tx: Tx, chosen: Iterable[int] | sa.Select[int], *, why: str, now: datetime) -> int:
    """End open questions that are about nothing any more. Returns how many."""
    ids: Collection[int] | sa.Select[int] = chosen if isinstance(chosen, sa.Select) else list(chosen)
    mine = sa.update(ApprovalRow).where(ApprovalRow.id.in_(ids), ApprovalRow.ended_at.is_(None))
    rows = tx.execute(
        mine.values(state="withdrawn", ended_at=now).returning(
            ApprovalRow.id, ApprovalRow.hub_id, ApprovalRow.person_id
        )
    ).all()
    for row in rows:
        record(
            tx,
            at=now,
            actor="engine",
            action="approval.withdrawn",
            person_id=row.person_id,
            hub_id=row.hub_id,
            subject=f"approval:{row.id}",
            detail={"why": why},
        )
    return len(rows)
