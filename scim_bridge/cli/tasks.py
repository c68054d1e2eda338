"""``scim-bridge tasks``: changes that are being carried out, and those that were not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json, print_table
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.engine.removal_tasks import RemovalTask, removal_tasks
from scim_bridge.engine.runs import run_name, run_number
from scim_bridge.engine.tasks import TaskView, list_tasks
from scim_bridge.engine.tasks import retry as retry_tasks
from scim_bridge.errors import InvalidInput
from scim_bridge.hubs.operate import require_hub

_STATES = ["queued", "running", "waiting", "retrying", "held", "done", "failed", "cancelled"]


@click.group()
def tasks() -> None:
    """Changes that are being carried out."""


@tasks.command(name="list")
@click.option("--hub", help="Only in this hub.")
@click.option("--state", type=click.Choice(_STATES), help="Only in this state.")
@click.option("--person", help="Only this person's: id (p42), userName or e-mail.")
@click.option("--run", help="Only those of this run (r12).")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
@pass_session
def list_(
    session: Session,
    hub: str | None,
    state: str | None,
    person: str | None,
    run: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List changes with the step they are at, the cause and what to do."""
    run_id = run_number(run) if run else None
    if run and run_id is None:
        raise InvalidInput(f'"{run}" is no run', advice="a run is named as in r12")
    with session.db.read() as tx:
        if hub is not None:
            require_hub(tx, hub)
        person_id = the_person(tx, person) if person else None
        found = _lines(tx, hub_id=hub, state=state, person_id=person_id, run_id=run_id, limit=limit)
    if as_json:
        print_json([each.as_json for each in found])
        return
    print_table(
        [
            "task",
            "run",
            "hub",
            "person",
            "action",
            "what",
            "from",
            "to",
            "state",
            "step",
            "cause",
            "advice",
            "next try",
        ],
        [each.cells for each in found],
        empty="no tasks",
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A task as a line: of a person's, or the removal of an account that is nobody's."""

    created_at: datetime
    cells: Sequence[Any]
    as_json: dict[str, Any]


def _lines(
    tx: Tx, *, hub_id: str | None, state: str | None, person_id: int | None, run_id: int | None, limit: int
) -> list[_Line]:
    """The latest first."""
    found = [
        _of_person(each)
        for each in list_tasks(tx, hub_id=hub_id, state=state, person_id=person_id, run_id=run_id, limit=limit)
    ]
    if run_id is None:
        removals = removal_tasks(tx, hub_id=hub_id, state=state, person_id=person_id, limit=limit)
        found += [_of_account(each) for each in removals]
    return sorted(found, key=lambda line: line.created_at, reverse=True)[:limit]


def _of_person(task: TaskView) -> _Line:
    shown = dataclasses.asdict(task) | {"person_id": f"p{task.person_id}", "run": run_name(task.run_id)}
    del shown["run_id"]
    cells = (
        task.id,
        run_name(task.run_id),
        task.hub_id,
        f"p{task.person_id}",
        task.action,
        task.thing,
        task.before,
        task.after,
        task.state,
        task.step,
        task.cause,
        task.advice,
        task.next_try_at,
    )
    return _Line(task.created_at, cells, shown | {"account": None})


def _of_account(task: RemovalTask) -> _Line:
    """Whose it is where a person stands; it belongs to no run."""
    person = f"p{task.person_id}" if task.person_id is not None else None
    shown = dataclasses.asdict(task) | {"person_id": person, "run": None, "thing": SEAT, "after": None}
    cells = (
        task.id,
        None,
        task.hub_id,
        f"account {task.account}" + (f" ({person})" if person else ""),
        task.action,
        SEAT,
        task.before,
        None,
        task.state,
        None,
        task.cause,
        task.advice,
        task.next_try_at,
    )
    return _Line(task.created_at, cells, shown)


@tasks.command()
@click.argument("task_id", type=int, required=False)
@click.option("--hub", help="Only those of this hub.")
@pass_session
def retry(session: Session, task_id: int | None, hub: str | None) -> None:
    """Try again now what failed, is held or is retried: TASK_ID, or all there are."""
    if task_id is not None and hub is not None:
        raise click.UsageError("name a TASK_ID or a hub, not both")
    db = session.db
    with db.write() as tx:
        if hub is not None:
            require_hub(tx, hub)
        tried = retry_tasks(tx, task_id=task_id, hub_id=hub, actor=session.actor, now=db.now())
    click.echo(f"trying again: {count(tried, 'change')}" if tried else "there is nothing to try again")
