"""``scim-bridge undo``: take back what was done, after a look at what that would be.

The plan is shown first. In a terminal a question follows; without one nothing is done unless ``--yes`` says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import click
import sqlalchemy as sa

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json, print_table
from scim_bridge.cli.waiting import Progress, wait_for_engine
from scim_bridge.db import Tx
from scim_bridge.durations import parse_duration
from scim_bridge.engine.chosen import Chosen, choose, choose_between
from scim_bridge.engine.lock import is_held
from scim_bridge.engine.runs import run_number
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.engine.undo import Stays, UndoPlan, carry_out, plan_undo
from scim_bridge.errors import Conflict


@click.command()
@click.argument("what", metavar="RUN|TASK", required=False)
@click.option("--hub", help="Only in this hub; with --since, everything that was done there.")
@click.option("--since", help="In place of RUN|TASK: what was done in the last 90s, 10m, 2h or 7d.")
@click.option("--until", help="With --since: but not in the last 90s, 10m, 2h or 7d.")
@click.option("--yes", is_flag=True, help="Carry it out without a question.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the engine has carried it out.")
@json_option
@click.pass_context
@pass_session
def undo(
    session: Session,
    ctx: click.Context,
    what: str | None,
    hub: str | None,
    since: str | None,
    until: str | None,
    yes: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Take a run (r12) or a task (34) back: show what that changes, and do it if you say so.

    The rules do not change with it, so what is undone is kept against them until they want something else or
    `scim-bridge tasks retry` lets them have their way. Exit code 3: something waits for a person's word.
    """
    window = _window(session, what, hub, since, until)

    def chosen(tx: Tx) -> Chosen:
        if what is not None:
            return choose(tx, what, hub_id=hub)
        assert hub is not None
        return choose_between(tx, hub, *window)

    with session.db.read() as tx:
        plan = _plan(session, tx, chosen(tx))
    if not as_json:
        _show(plan)
    goes_on = not plan.is_empty and (yes or (not as_json and sys.stdin.isatty() and click.confirm("Carry it out?")))
    run = None
    if goes_on:
        run = _carry_out(session, plan, chosen)
        _wait(session, run, no_wait=no_wait)
    waiting = _waiting(session, run) if run else sum(step.held is not None for step in plan.steps)
    if as_json:
        print_json(plan.to_json() | {"run": run})
    else:
        _tell(session, plan, run)
    ctx.exit(3 if waiting else 0)


def _window(
    session: Session, what: str | None, hub: str | None, since: str | None, until: str | None
) -> tuple[datetime, datetime]:
    now = session.db.now()
    if what is not None and (since or until):
        raise click.UsageError("name a RUN or TASK, or --since, not both")
    if what is None and (since is None or hub is None):
        raise click.UsageError("name a RUN (r12) or a TASK (34), or a stretch of time: --hub HUB --since 2h")
    begin = now - timedelta(seconds=parse_duration(since)) if since else now
    return begin, now - timedelta(seconds=parse_duration(until)) if until else now


def _plan(session: Session, tx: Tx, chosen: Chosen) -> UndoPlan:
    mappings = session.mappings(tx)
    return plan_undo(tx, chosen, mappings, session.registry, actor=session.actor, now=session.db.now())


def _carry_out(session: Session, shown: UndoPlan, chosen: Callable[[Tx], Chosen]) -> str:
    with session.db.write() as tx:
        plan = _plan(session, tx, chosen(tx))
        if plan.steps != shown.steps:
            raise Conflict("something changed since the plan was made", advice="look at it again: the same command")
        return carry_out(tx, plan, actor=session.actor, now=session.db.now())


def _wait(session: Session, run: str, *, no_wait: bool) -> None:
    if not no_wait and is_held(session.db):
        wait_for_engine(session.db, lambda tx: _rest(session, tx, run))


def _rest(session: Session, tx: Tx, run: str) -> Progress[bool]:
    """At rest: nothing of the run is under way, and nothing that has not failed once is due."""
    is_moving = sa.or_(Pair.owner.is_not(None), sa.and_(Pair.due_at <= session.db.now(), Pair.attempts == 0))
    query = sa.select(sa.func.count()).where(Pair.run_id == run_number(run), Pair.done < Pair.want, is_moving)
    left = tx.scalar(query) or 0
    return Progress(f"{run}: {count(left, 'person', 'people')} left", answer=True if not left else None)


def _waiting(session: Session, run: str) -> int:
    with session.db.read() as tx:
        query = sa.select(sa.func.count()).where(Task.run_id == run_number(run), Task.state == "held")
        return tx.scalar(query) or 0


def _show(plan: UndoPlan) -> None:
    click.echo(f"to undo {plan.what}: {count(len(plan.steps), 'change')}")
    print_table(
        ["hub", "person", "action", "what", "from", "to", "undoes", "held or failed"],
        [
            (
                step.hub_id,
                f"{step.user_name} (p{step.person_id})",
                step.action.replace("_", " "),
                step.thing,
                step.before,
                step.after,
                f"task {step.task}" if step.task else None,
                step.held or (step.failed and f"failed: {step.failed}"),
            )
            for step in plan.steps
        ],
        empty="nothing to change now",
    )
    _list("comes back later", plan.follows)
    _list("does not come back", plan.stays)
    for remark in plan.remarks:
        click.echo(f"remark: {remark}")


def _list(title: str, entries: Sequence[Stays]) -> None:
    if not entries:
        return
    click.echo(f"\n{title}:")
    print_table(
        ["hub", "person", "what", "undoes", "why"],
        [
            (
                each.hub_id,
                f"{each.user_name} (p{each.person_id})",
                each.thing,
                f"task {each.task}" if each.task else None,
                each.why,
            )
            for each in entries
        ],
        empty="nothing",
    )


def _tell(session: Session, plan: UndoPlan, run: str | None) -> None:
    if plan.is_empty:
        click.echo("there is nothing to undo")
    elif run is None:
        click.echo("nothing was changed: `--yes` carries it out")
    elif any(plan.kept.values()):
        click.echo(
            f"{run}: kept against the rules until they want something else; `scim-bridge undo {run}` lets them have "
            "their way"
        )
    else:
        click.echo(f"{run}: the rules have their way again")
    if run is not None and not is_held(session.db):
        click.echo("no engine runs: it is carried out once one does (`scim-bridge serve`)")
