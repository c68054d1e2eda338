"""``scim-bridge apply``: let a hub's plan happen, or just the plan in a file.

It writes rows; an engine carries them out, now or whenever one starts.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
import sqlalchemy as sa

from scim_bridge.cli.files import read_file
from scim_bridge.cli.plan import show_plans, unswept
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json, print_table
from scim_bridge.cli.waiting import Progress, wait_for_engine
from scim_bridge.db import Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.tables import GroupChange, PersonChange
from scim_bridge.engine.apply import Applied, apply_filed, apply_hub
from scim_bridge.engine.compare import Comparison
from scim_bridge.engine.filed import examine
from scim_bridge.engine.lock import is_held
from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.plan_file import FiledPlan, PlanFile, read_text
from scim_bridge.engine.planned import HubPlan
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.engine.waits import stopped_by
from scim_bridge.errors import InvalidInput, Transient
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.tables import RevisionChange


@click.command()
@click.argument("hub", required=False)
@click.option(
    "--from", "file", type=click.Path(path_type=Path, dir_okay=False), help="Just the plan in this file (`plan --out`)."
)
@click.option("--rest", is_flag=True, help="With --from: do what still holds, though something moved.")
@click.option("--release", is_flag=True, help="Let held removals go on as well.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the engine has carried it out.")
@json_option
@click.pass_context
@pass_session
def apply(
    session: Session,
    ctx: click.Context,
    hub: str | None,
    file: Path | None,
    rest: bool,
    release: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Carry the plan of HUB out and make the hub live for good; recorded with who said so.

    With --from: do exactly what the file says, or nothing where something of it moved; a hub in plan mode stays in
    plan mode. Exit code 3: something remains held.
    """
    if file is not None:
        _apply_file(session, ctx, file, hub, rest=rest, release=release, no_wait=no_wait, as_json=as_json)
        return
    if hub is None:
        raise click.UsageError("name a HUB, or a file with --from")
    if rest:
        raise click.UsageError("--rest goes with --from")
    db = session.db
    planned = _plan(session, hub)
    if not as_json:
        show_plans([planned], "text", db.now())
    people = {change.person_id for change in planned.changes}
    _catch_up(session, people, no_wait=no_wait)
    with db.write() as tx:
        applied = apply_hub(tx, hub, release=release, actor=session.actor, now=db.now(), people=people)
    left = _wait(session, hub, no_wait=no_wait)
    if as_json:
        result: dict[str, object] = {
            "run": applied.run,
            "made_live": applied.made_live,
            "pairs": applied.pairs,
            "released": applied.released,
        }
        counts = {"backlog": left.backlog, "held": left.held}
        print_json({"hub": hub, "plan": planned.to_json(), "applied": result, **counts})
    else:
        _tell(hub, applied, left)
    ctx.exit(3 if left.held else 0)


def _apply_file(
    session: Session,
    ctx: click.Context,
    path: Path,
    hub: str | None,
    *,
    rest: bool,
    release: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    db, file = session.db, read_text(read_file(path), path.name)
    plans = _chosen(file, hub, path.name)
    found = {plan.hub_id: _examine(session, plan, release=release) for plan in plans}
    moved = sum(len(each.moved) for each in found.values())
    if moved and not rest:
        _refuse(ctx, found, as_json=as_json)
        return
    _catch_up(session, {person for each in found.values() for person in each.holds}, no_wait=no_wait)
    with db.write() as tx:
        runs = {
            plan.hub_id: apply_filed(
                tx,
                plan.hub_id,
                found[plan.hub_id].holds,
                mode=plan.mode,
                release=release,
                actor=session.actor,
                digest=file.digest,
                now=db.now(),
            )
            for plan in plans
        }
    left = {plan.hub_id: _wait(session, plan.hub_id, no_wait=no_wait) for plan in plans}
    if as_json:
        print_json([_json(plan, found[plan.hub_id], left[plan.hub_id], runs[plan.hub_id]) for plan in plans])
    else:
        for plan in plans:
            _tell_filed(plan, found[plan.hub_id], left[plan.hub_id], runs[plan.hub_id])
    ctx.exit(3 if any(each.held for each in left.values()) else 0)


def _chosen(file: PlanFile, hub: str | None, name: str) -> list[FiledPlan]:
    plans = [plan for plan in file.plans if hub in (None, plan.hub_id)]
    if not file.plans:
        raise InvalidInput(f"{name} is a plan of no hub: there was none yet", advice="make a new one")
    if not plans:
        hubs = ", ".join(plan.hub_id for plan in file.plans)
        raise InvalidInput(f"{name} is a plan of {hubs}, not of {hub}", advice="name the file of that hub")
    return plans


def _examine(session: Session, plan: FiledPlan, *, release: bool) -> Comparison:
    with unswept(), session.db.read() as tx:
        return examine(tx, plan, session.mappings(tx), session.registry, is_released=release, now=session.db.now())


def _refuse(ctx: click.Context, found: dict[str, Comparison], *, as_json: bool) -> None:
    """Nothing is done; what moved is named."""
    rows = [(hub_id, each) for hub_id, comparison in found.items() for each in comparison.moved]
    if as_json:
        print_json({"applied": False, "moved": [_moved_json(hub_id, each) for hub_id, each in rows]})
    else:
        print_table(
            ["hub", "person", "what", "was planned", "is now"],
            [
                (hub_id, f"{each.user_name} (p{each.person_id})", each.thing, each.was, each.now)
                for hub_id, each in rows
            ],
            empty="",
        )
    holds = sum(each.steps for each in found.values())
    click.echo(
        f"scim-bridge: {count(len(rows), 'planned change')} moved since, so nothing was done; make a new plan, or let "
        f"--rest do the {count(holds, 'change')} that still hold{'s' * (holds == 1)}",
        err=True,
    )
    ctx.exit(1)


def _moved_json(hub_id: str, moved: object) -> dict[str, object]:
    return {"hub": hub_id, **{name: getattr(moved, name) for name in ("person_id", "user_name", "thing", "was", "now")}}


def _json(plan: FiledPlan, found: Comparison, left: _Left, run: str) -> dict[str, object]:
    return {
        "hub": plan.hub_id,
        "run": run,
        "applied": True,
        "changes": found.steps,
        "people": len(found.holds),
        "done_before": found.done,
        "held_in_plan": found.left_out,
        "not_in_plan": found.new,
        "moved": [_moved_json(plan.hub_id, each) for each in found.moved],
        "backlog": left.backlog,
        "held": left.held,
    }


def _tell_filed(plan: FiledPlan, found: Comparison, left: _Left, run: str) -> None:
    people = count(len(found.holds), "person", "people")
    done = f"; {count(found.done, 'change')} {'was' if found.done == 1 else 'were'} done before" if found.done else ""
    verb = "applied"
    if left.stopped:
        verb = f"to do once the hub goes on ({left.stopped})"
    elif not left.waited:
        verb = "to do once an engine runs (`scim-bridge serve`)"
    click.echo(f"{plan.hub_id}: {count(found.steps, 'change')} for {people} {verb}{done}")
    if found.steps:
        click.echo(f"  {_way_back(run)}")
    for moved in found.moved:
        click.echo(f"  left out: {moved.user_name} (p{moved.person_id}): was {moved.was}; is {moved.now}")
    if found.left_out:
        click.echo(f"  {count(found.left_out, 'change')} held in the plan: --release lets go on what may")
    if found.new:
        click.echo(f"  {count(found.new, 'change')} came up since, beside the plan: not done by it")
    if left.held:
        click.echo(f"  {count(left.held, 'change')} held: `scim-bridge tasks list --state held` says why")
    if plan.mode == "plan":
        click.echo(f"  {plan.hub_id} stays in plan mode: `scim-bridge apply {plan.hub_id}` makes it live")


def _plan(session: Session, hub_id: str) -> HubPlan:
    with unswept(), session.db.read() as tx:
        return plan_hub(tx, hub_id, session.mappings(tx), session.registry, now=session.db.now())


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left after the engine had its time, if there is one and the hub lets it."""

    waited: bool
    backlog: int
    held: int
    stopped: str | None  # why the hub writes nothing at all


def _wait(session: Session, hub_id: str, *, no_wait: bool) -> _Left:
    db = session.db
    with db.read() as tx:
        columns = (Hub.id, Hub.paused_at, Hub.paused_by, Hub.attention)
        stopped = "; ".join(stopped_by(*tx.execute(sa.select(*columns).where(Hub.id == hub_id)).one())) or None
    waited = not no_wait and stopped is None and is_held(db)
    if waited:
        wait_for_engine(db, lambda tx: _rest(session, tx, hub_id))
    backlog = sa.select(sa.func.count()).where(Pair.hub_id == hub_id, Pair.done < Pair.want)
    held = sa.select(sa.func.count()).where(Task.hub_id == hub_id, Task.state == "held")
    with db.read() as tx:
        return _Left(waited, tx.scalar(backlog) or 0, tx.scalar(held) or 0, stopped)


def _catch_up(session: Session, people: Collection[int], *, no_wait: bool) -> None:
    """A plan sees pushes before fan-out has worked them out; only what it has can be carried out now."""
    db = session.db
    if no_wait or not is_held(db):
        return
    with db.read() as tx:
        newest = tx.scalar(sa.select(sa.func.max(GroupChange.id))) or 0

    def look(tx: Tx) -> Progress[bool]:
        waiting = (
            sa.select(sa.func.count()).where(PersonChange.person_id.in_(numbers(tx, sorted(people)))),
            sa.select(sa.func.count()).where(GroupChange.id <= newest),
            sa.select(sa.func.count()).select_from(RevisionChange),
        )
        left = sum(tx.scalar(each) or 0 for each in waiting)
        return Progress(f"{count(left, 'pushed change')} to work out", answer=True if not left else None)

    with suppress(Transient):  # a change that comes again and again is worked out once it rests
        wait_for_engine(db, look)


def _rest(session: Session, tx: Tx, hub_id: str) -> Progress[bool]:
    """At rest: nothing is under way, and nothing that has not failed once is due; nor is the app read for it first."""
    now = session.db.now()
    hub = tx.execute(
        sa.select(Hub.check_owner, Hub.check_at, Hub.check_attempts, Hub.check_step).where(Hub.id == hub_id)
    ).one()
    is_moving = sa.or_(Pair.owner.is_not(None), sa.and_(Pair.due_at <= now, Pair.attempts == 0))
    is_due = hub.check_at is not None and hub.check_at <= now
    if hub.check_attempts == 0 and (hub.check_owner is not None or is_due):
        is_moving = sa.or_(is_moving, sa.and_(Pair.due_at.is_(None), Pair.look_after.is_not(None)))
    may_act = sa.or_(Pair.allowed.is_not(None), sa.exists().where(Hub.id == hub_id, Hub.mode == "live"))
    query = sa.select(sa.func.count()).where(Pair.hub_id == hub_id, Pair.done < Pair.want, is_moving, may_act)
    left = tx.scalar(query) or 0
    step = f", reading {hub.check_step}" if hub.check_step else ""
    return Progress(f"{hub_id}: {count(left, 'person', 'people')} left{step}", answer=True if not left else None)


def _way_back(run: str) -> str:
    return f"run {run}: `scim-bridge tasks list --run {run}` shows it, `scim-bridge undo {run}` takes it back"


def _tell(hub: str, applied: Applied, left: _Left) -> None:
    if applied.made_live:
        click.echo(f"{hub} is live now")
    if applied.pairs or applied.released:
        click.echo(_way_back(applied.run))
    if left.stopped:
        click.echo(f"{count(applied.pairs, 'person', 'people')} to look at once the hub goes on: {left.stopped}")
    elif not left.waited:
        click.echo(f"{count(applied.pairs, 'person', 'people')} to look at once an engine runs (`scim-bridge serve`)")
    elif left.backlog:
        people = count(left.backlog, "person", "people")
        click.echo(f"{people} not finished: `scim-bridge tasks list --hub {hub}` says why")
    else:
        click.echo(f"done: looked at {count(applied.pairs, 'person', 'people')}")
    if left.held:
        click.echo(f"{count(left.held, 'change')} held: `scim-bridge tasks list --hub {hub} --state held` says why")
