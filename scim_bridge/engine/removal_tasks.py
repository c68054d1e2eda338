"""Removals of accounts that are nobody's, told like tasks: what waits, runs, is tried again, and was done.

A task belongs to a person and to a run, and such an account has neither, so these have no row among tasks: the
question about them (``approvals``) and what carries the yes out (``account_removals``) say all that a task says.
They are named by the question: ``a12``.

    question                                   | told as
    -------------------------------------------+-----------------------------------------
    nobody answered, or somebody said no       | held
    yes, and the brake holds it all the same   | held
    yes, and it is to be done, under way, or   | queued, running, retrying
      failed and is tried again                |
    yes, and used                              | done
    withdrawn, or void after seven days        | cancelled
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Tx
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.unmanaged_holds import first_names
from scim_bridge.errors import Conflict, NotFound
from scim_bridge.hubs.tables import AccountRow

HELD_ALL_THE_SAME = "approved, and held: "
"""How ``why`` of an approved question begins where the brake holds it."""
_GONE = "an account that is gone"
_OVER = {"used": "done", "withdrawn": "cancelled", "void": "cancelled"}


@dataclass(frozen=True, slots=True)
class RemovalTask:
    """One removal of an account; ``person_id``: the leaver whose account it is, if anybody's."""

    id: str
    hub_id: str
    account: str
    person_id: int | None
    action: str
    before: str | None
    state: str
    cause: str | None
    advice: str | None
    attempts: int
    next_try_at: datetime | None
    created_at: datetime
    updated_at: datetime


_QUERY = (
    sa.select(
        ApprovalRow.__table__,
        AccountRow.person_id.label("whose"),
        AccountRemoval.attempts,
        AccountRemoval.owner,
        AccountRemoval.due_at,
        AccountRemoval.error,
    )
    .outerjoin(AccountRow, AccountRow.id == ApprovalRow.account_id)
    .outerjoin(AccountRemoval, AccountRemoval.approval_id == ApprovalRow.id)
    .where(ApprovalRow.account_id.is_not(None))
)


def removal_tasks(
    tx: Tx, *, hub_id: str | None = None, state: str | None = None, person_id: int | None = None, limit: int = 100
) -> list[RemovalTask]:
    """The latest first, narrowed like ``list_tasks``."""
    query = _QUERY.order_by(ApprovalRow.id.desc())
    if hub_id is not None:
        query = query.where(ApprovalRow.hub_id == hub_id)
    if person_id is not None:
        query = query.where(AccountRow.person_id == person_id)
    if state is not None:
        query = query.where(ApprovalRow.state.in_(_behind(state)))
    is_told = state is None or state in _OVER.values()  # what the rest is told as, rows alone do not say
    rows = tx.execute(query.limit(limit) if is_told else query).all()
    names = first_names(tx, sorted({row.account_id for row in rows}))
    found = (_task(row, names.get(row.account_id, _GONE)) for row in rows)
    return [task for task in found if state in (None, task.state)][:limit]


def _behind(state: str) -> list[str]:
    """The states of questions that may be told as this one."""
    over = [said for said, told in _OVER.items() if told == state]
    return over or ["pending", "approved", "rejected"]


def _task(row: Any, account: str) -> RemovalTask:
    state, cause, advice = _told(row)
    return RemovalTask(
        f"a{row.id}",
        row.hub_id,
        account,
        row.whose,
        row.action,
        row.before or None,
        state,
        cause,
        advice,
        row.attempts or 0,
        row.due_at if state in ("queued", "retrying", "held") else None,
        row.asked_at,
        max(at for at in (row.last_asked_at, row.answered_at, row.ended_at) if at is not None),
    )


def _told(row: Any) -> tuple[str, str | None, str | None]:
    """State, cause and advice."""
    if row.state in _OVER:
        said = {"used": f"approved by {row.answered_by}: {row.reason}", "withdrawn": "no longer proposed"}
        return _OVER[row.state], said.get(row.state, f"the yes of {row.answered_by} was not used in time"), None
    if row.state == "pending":
        return "held", row.why, f"`scim-bridge approvals approve {row.id} --reason WHY`, or reject"
    if row.state == "rejected":
        again = f"`scim-bridge approvals approve {row.id} --reason WHY` changes that"
        return "held", f"rejected by {row.answered_by}: {row.reason}", again
    if row.owner is not None:
        return "running", None, None
    if row.why.startswith(HELD_ALL_THE_SAME):
        return "held", row.why, None
    return ("retrying", row.error, None) if row.error else ("queued", None, None)


def refuse_undo(tx: Tx, text: str) -> None:
    """``a12`` cannot be taken back; says what there was. Anything else is none of ours. Raises ``NotFound`` for a
    number that nothing has."""
    if not re.fullmatch(r"a[0-9]{1,9}", text):
        return
    row = tx.execute(_QUERY.where(ApprovalRow.id == int(text[1:]))).first()
    if row is None:
        raise NotFound(f"no task {text}", advice="`scim-bridge tasks list` shows them")
    account = first_names(tx, [row.account_id]).get(row.account_id, _GONE)
    task = _task(row, account)
    if task.state != "done":
        raise Conflict(
            f"task {text} is {task.state}, not done: there is nothing to take back",
            advice="`scim-bridge tasks list` shows what it waits for",
        )
    had = ", ".join([task.before or "no role", *_had(tx, row)])
    raise Conflict(
        f"task {text} removed {account} from {row.hub_id}, which was not ours: no undo brings it back; it had {had}",
        advice="give its person a seat by a rule, or invite them inside the app",
    )


def _had(tx: Tx, row: Any) -> Iterator[str]:
    """The assets that were written down when it went: ``team/core member``."""
    ref = tx.scalar(sa.select(AccountRow.ref).where(AccountRow.id == row.account_id))
    entry = tx.execute(
        sa.select(AuditRow.detail)
        .where(
            AuditRow.hub_id == row.hub_id, AuditRow.action == "account.removed", AuditRow.subject == f"account:{ref}"
        )
        .order_by(AuditRow.id.desc())
        .limit(1)
    ).first()
    for name, roles in ((entry.detail or {}).get("had", {}) if entry else {}).items():
        yield f"{name} {', '.join(roles)}"
