"""Tasks: changes that are being carried out, and the words about them that people read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.engine.applied import clear_applied
from scim_bridge.engine.decide import Ruling
from scim_bridge.engine.diff import NOTHING, Change, shown_after
from scim_bridge.engine.inverse import ENDS
from scim_bridge.engine.pairs import bound_time, wake
from scim_bridge.engine.scene import Subject
from scim_bridge.engine.schedule import REPAIRS
from scim_bridge.engine.tables import InvitationRow, Task
from scim_bridge.engine.undone import NUMBER
from scim_bridge.engine.undone_rows import end_undone
from scim_bridge.errors import NotFound

_INSERT = sa.insert(Task).returning(Task.id)
_DONE = (
    sa.update(Task)
    .where(Task.id == sa.bindparam("task_id"))
    .values(state="done", cause=None, advice=None, next_try_at=None, updated_at=bound_time("at"))
)


def open_task(
    tx: Tx,
    hub_id: str,
    subject: Subject,
    ruling: Ruling,
    label: str,
    run: Callable[[], int],
    taken: Collection[int] = (),
    *,
    because: Sequence[dict[str, Any]],
    now: datetime,
) -> int:
    """The task of this change: the one that is open for it (none of ``taken``), or a new one; running, held or failed.

    Two changes of role may be open at once: one that goes on, and a higher one that somebody must agree to, or one
    that takes something back, and what the rules would do about that. It belongs to the ``run`` that began it, or that
    lets it go on after it was held or failed.
    """
    change = ruling.change
    verdict = ruling.held or ruling.failed
    values: dict[str, Any] = {
        "state": "running" if verdict is None else "held" if ruling.held else "failed",
        "cause": verdict[0] if verdict else None,
        "advice": verdict[1] if verdict else None,
        "before": ", ".join(sorted(change.before)) or None,
        "after": ", ".join(sorted(change.after)) or None,
        **_states(subject, change),
        "next_try_at": None,
        "updated_at": now,
    }
    same = [
        task for task in subject.tasks if (task.action, task.thing) == (change.action, label) and task.id not in taken
    ]
    known = next((task for task in same if task.after == values["after"]), same[0] if same else None)
    if known is not None:
        values["attempts"] = known.attempts + (verdict is None)
        if verdict is None and known.state in ("held", "failed"):
            values["run_id"] = run()
        tx.execute(sa.update(Task).where(Task.id == known.id).values(values))
        return known.id
    values |= {
        "hub_id": hub_id,
        "person_id": subject.person_id,
        "action": change.action,
        "run_id": run(),
        "thing": label,
        "because": list(because),
        "attempts": int(verdict is None),
        "created_at": now,
    }
    return tx.execute(_INSERT, values).scalar_one()


def _states(subject: Subject, change: Change) -> dict[str, Any]:
    """What the app shows before the change and after it, as far as the change touches it: what ``undo`` needs."""
    observed = subject.standing.observed
    if change.action in ENDS:
        had, gave = dict(observed), {SEAT: change.after}
    else:
        shown = observed.get(change.thing, NOTHING)
        had, gave = {change.thing: shown}, {change.thing: shown_after(change, shown)}
    return {
        "key": change.thing,
        "had": {thing: sorted(roles) for thing, roles in had.items() if roles},
        "gave": {thing: sorted(roles) for thing, roles in gave.items() if roles},
    }


def end_task(tx: Tx, task_id: int, *, now: datetime) -> None:
    """It was carried out."""
    tx.execute(_DONE, {"task_id": task_id, "at": now})


def close_tasks(tx: Tx, subject: Subject, kept: Sequence[int], *, now: datetime) -> None:
    """What was open and is wanted no longer is cancelled."""
    gone = [task.id for task in subject.tasks if task.id not in kept]
    if gone:
        tx.execute(
            sa.update(Task)
            .where(Task.id.in_(gone))
            .values(state="cancelled", cause="no longer wanted", advice=None, next_try_at=None, updated_at=now)
        )


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task, for people and machines."""

    id: int
    run_id: int | None
    hub_id: str
    person_id: int
    action: str
    thing: str
    before: str | None
    after: str | None
    because: list[dict[str, Any]]
    state: str
    step: str | None
    cause: str | None
    advice: str | None
    attempts: int
    next_try_at: datetime | None
    created_at: datetime
    updated_at: datetime


def list_tasks(
    tx: Tx,
    *,
    hub_id: str | None = None,
    state: str | None = None,
    person_id: int | None = None,
    run_id: int | None = None,
    limit: int = 100,
) -> list[TaskView]:
    """The latest tasks first."""
    query = sa.select(*(getattr(Task, name) for name in TaskView.__dataclass_fields__))
    for column, value in (
        (Task.hub_id, hub_id),
        (Task.state, state),
        (Task.person_id, person_id),
        (Task.run_id, run_id),
    ):
        if value is not None:
            query = query.where(column == value)
    found = [TaskView(*row) for row in tx.execute(query.order_by(Task.id.desc()).limit(limit))]
    return [replace(one, advice=one.advice and one.advice.replace(NUMBER, f"{one.id}`")) for one in found]


def retry(tx: Tx, *, task_id: int | None = None, hub_id: str | None = None, actor: str, now: datetime) -> int:
    """Try failed, held and retrying tasks again now: one, all of a hub, or all there are. Returns how many.

    An invitation that was cancelled in the app, or expired too often, is forgotten, so that it is sent anew. What an
    undo holds against the rules goes on only if the task is named.
    """
    query = sa.select(Task.id, Task.hub_id, Task.person_id, Task.action, Task.key).where(
        Task.state.in_(["failed", "retrying", "held", "waiting"])
    )
    if task_id is not None:
        query = query.where(Task.id == task_id)
    if hub_id is not None:
        query = query.where(Task.hub_id == hub_id)
    rows = tx.execute(query).all()
    if task_id is not None and not rows:
        raise NotFound(f"no open task {task_id}", advice="`scim-bridge tasks list` shows them")
    for row in rows:
        if row.action == "invite":
            _forget_dead_invitation(tx, row.hub_id, row.person_id, now=now)
        if task_id is not None and row.key is not None:
            end_undone(tx, row.hub_id, row.person_id, [row.key], why="let go on", actor=actor, now=now)
        wake(tx, row.hub_id, [row.person_id], now=now, priority=REPAIRS)
        record(
            tx,
            at=now,
            actor=actor,
            action="task.retried",
            hub_id=row.hub_id,
            person_id=row.person_id,
            subject=f"task:{row.id}",
        )
    return len(rows)


def _forget_dead_invitation(tx: Tx, hub_id: str, person_id: int, *, now: datetime) -> None:
    ended = tx.execute(
        sa.update(InvitationRow)
        .where(
            InvitationRow.hub_id == hub_id,
            InvitationRow.person_id == person_id,
            InvitationRow.ended_at.is_(None),
            InvitationRow.state.in_(["vanished", "expired"]),
        )
        .values(ended_at=now)
    ).rowcount
    if ended:
        clear_applied(tx, hub_id, person_id)
