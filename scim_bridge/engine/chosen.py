"""What is to be taken back: the tasks of a run, one task, or what was done in a hub between two moments.

A run that is an undo itself is taken back by letting go of what it keeps against the rules, done or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.clock import format_time
from scim_bridge.db import Tx
from scim_bridge.engine.inverse import Deed
from scim_bridge.engine.removal_tasks import refuse_undo
from scim_bridge.engine.runs import run_name, run_number
from scim_bridge.engine.tables import Run, Task, UndoneRow
from scim_bridge.errors import Conflict, InvalidInput, NotFound
from scim_bridge.hubs.operate import require_hub

_DEED = (Task.id, Task.run_id, Task.hub_id, Task.person_id, Task.action, Task.key, Task.thing, Task.had)


@dataclass(frozen=True, slots=True)
class Chosen:
    """``what`` names it for people. ``is_undo``: the deeds are what an undo keeps, ``had`` the rules' wish."""

    what: str
    deeds: Sequence[Deed]
    is_undo: bool = False


def choose(tx: Tx, text: str, *, hub_id: str | None = None) -> Chosen:
    """What ``r12`` (a run) or ``34`` (a task) means; ``hub_id`` narrows a run to one hub.

    Raises ``InvalidInput``, ``NotFound``, or ``Conflict`` where nothing was done that could be taken back.
    """
    if hub_id is not None:
        require_hub(tx, hub_id)
    refuse_undo(tx, text)
    number = run_number(text)
    if number is not None:
        return _run(tx, number, hub_id)
    if text.isascii() and text.isdigit() and len(text) < 10:
        chosen = _task(tx, int(text))
        where = chosen.deeds[0].hub_id
        if hub_id not in (None, where):
            raise NotFound(f"task {text} is none of hub {hub_id}", advice=f"it is one of {where}")
        return chosen
    raise InvalidInput(
        f'"{text}" is neither a run nor a task', advice="name a run (r12) or a task (34): `scim-bridge tasks list`"
    )


def choose_between(tx: Tx, hub_id: str, since: datetime, until: datetime) -> Chosen:
    """Everything that was done in a hub between two moments. Raises ``NotFound``, ``Conflict`` for nothing."""
    require_hub(tx, hub_id)
    within = sa.and_(Task.hub_id == hub_id, Task.updated_at >= since, Task.updated_at <= until)
    deeds = _done(tx, within)
    what = f"{hub_id}, {format_time(since)} to {format_time(until)}"
    if not deeds:
        raise Conflict(f"nothing was done in {what}", advice=f"`scim-bridge tasks list --hub {hub_id}` shows what was")
    return Chosen(what, deeds)


def later_deeds(tx: Tx, hub_id: str, person_ids: Sequence[int], deeds: Iterable[Deed]) -> list[Deed]:
    """What was done to these people in this hub after the first of ``deeds``, besides them."""
    ids = {deed.id for deed in deeds}
    if not ids:
        return []
    after = sa.and_(Task.hub_id == hub_id, Task.person_id.in_(list(person_ids)), Task.id > min(ids))
    return [deed for deed in _done(tx, after) if deed.id not in ids]


def _run(tx: Tx, number: int, hub_id: str | None) -> Chosen:
    run = tx.execute(sa.select(Run).where(Run.id == number)).first()
    name = f"r{number}"
    if run is None:
        raise NotFound(f"no run {name}", advice="`scim-bridge tasks list` names the run of each task")
    if run.kind == "undo":
        return _undo_run(tx, number, hub_id)
    mine = Task.run_id == number
    if hub_id is not None:
        mine = sa.and_(mine, Task.hub_id == hub_id)
    deeds = _done(tx, mine)
    if not deeds:
        states = sorted(set(tx.execute(sa.select(Task.state).where(mine)).scalars()))
        why = f"its tasks are {', '.join(states)}" if states else "it has no tasks (finished ones are kept for a while)"
        raise Conflict(f"nothing was done in run {name}: {why}", advice=f"`scim-bridge tasks list --run {name}`")
    return Chosen(name, deeds)


def _undo_run(tx: Tx, number: int, hub_id: str | None) -> Chosen:
    query = sa.select(UndoneRow).where(UndoneRow.run_id == number).order_by(UndoneRow.hub_id, UndoneRow.person_id)
    if hub_id is not None:
        query = query.where(UndoneRow.hub_id == hub_id)
    name = f"r{number}"
    deeds = [_kept(row) for row in tx.execute(query)]
    if not deeds:
        raise Conflict(
            f"run {name} was an undo, and keeps nothing against the rules any more",
            advice="the rules have their way already",
        )
    return Chosen(name, deeds, is_undo=True)


def _kept(row: Any) -> Deed:
    had = {row.thing: frozenset(row.against.get(row.thing, ()))}
    return Deed(0, run_name(row.run_id), row.hub_id, row.person_id, "undo", row.thing, row.thing, had)


def _task(tx: Tx, task_id: int) -> Chosen:
    row = tx.execute(
        sa.select(*_DEED, Task.state, Run.kind).outerjoin(Run, Run.id == Task.run_id).where(Task.id == task_id)
    ).first()
    if row is None:
        raise NotFound(f"no task {task_id}", advice="`scim-bridge tasks list` shows them; a run is named r12")
    if row.state != "done":
        raise Conflict(
            f"task {task_id} is {row.state}, not done: there is nothing to take back",
            advice="`scim-bridge tasks list` shows what it waits for",
        )
    if row.kind == "undo":
        mine = sa.and_(
            UndoneRow.run_id == row.run_id, UndoneRow.person_id == row.person_id, UndoneRow.hub_id == row.hub_id
        )
        kept = [_kept(each) for each in tx.execute(sa.select(UndoneRow).where(mine, UndoneRow.thing == row.key))]
        if kept:
            return Chosen(f"task {task_id}", kept, is_undo=True)
    return Chosen(f"task {task_id}", [_deed(row)])


def _done(tx: Tx, which: sa.ColumnElement[bool]) -> list[Deed]:
    return [_deed(row) for row in tx.execute(sa.select(*_DEED).where(which, Task.state == "done").order_by(Task.id))]


def _deed(row: Any) -> Deed:
    had = None if row.had is None else {thing: frozenset(roles) for thing, roles in row.had.items()}
    return Deed(row.id, run_name(row.run_id), row.hub_id, row.person_id, row.action, row.key, row.thing, had)
