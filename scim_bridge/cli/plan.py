"""``scim-bridge plan`` and ``apply``: see what would happen, then let it happen.

A plan is worked out from the last observation, so it needs neither credentials nor an engine; its age is
shown. ``apply`` writes rows; an engine carries them out, now or whenever one starts.
"""

from __future__ import annotations

from typing import Any

import click
import sqlalchemy as sa

from scim_bridge.cli.hub import check_now
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, count, json_option, print_json, print_table
from scim_bridge.cli.waiting import Progress, wait_for_engine
from scim_bridge.db import Tx
from scim_bridge.engine.apply import Applied, apply_hub
from scim_bridge.engine.lock import is_held
from scim_bridge.engine.plan import HubPlan, plan_hub
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.errors import Transient
from scim_bridge.hubs import operate
from scim_bridge.mapping import revisions


@click.command()
@click.argument("hub", required=False)
@click.option("--refresh", is_flag=True, help="Let the engine read the hub first.")
@json_option
@click.pass_context
@pass_session
def plan(session: Session, ctx: click.Context, hub: str | None, refresh: bool, as_json: bool) -> None:
    """Show what would change in HUB (in every hub without it), and which rules say so.

    With --json one object a line and hub. Exit code 3: a change waits for a person's word.
    """
    with session.db.read() as tx:
        chosen = [hub] if hub else [each.id for each in operate.list_hubs(tx) if each.state != "detached"]
        trouble = revisions.trouble(tx)
    if trouble:
        first = next(iter(trouble.findings), "see `scim-bridge mapping lint`")
        click.echo(f"warning: the mapping files on disk are not in force: {first}", err=True)
    if refresh:
        for hub_id in chosen:
            if error := check_now(session, hub_id)["error"]:
                raise Transient(f"{hub_id} could not be read: {error}", advice="without --refresh the last one is used")
    plans = [_plan(session, hub_id) for hub_id in chosen]
    for each in plans:
        _show(session, each, as_json)
    if not plans and not as_json:
        click.echo("no hubs yet: put a mapping file into the mappings folder")
    ctx.exit(3 if any(change.held for each in plans for change in each.changes) else 0)


@click.command()
@click.argument("hub")
@click.option("--release", is_flag=True, help="Let held removals go on as well.")
@click.option("--no-wait", is_flag=True, help="Do not wait until the engine has carried it out.")
@json_option
@click.pass_context
@pass_session
def apply(session: Session, ctx: click.Context, hub: str, release: bool, no_wait: bool, as_json: bool) -> None:
    """Carry the plan of HUB out and make the hub live for good; recorded with who said so.

    Exit code 3: something remains held.
    """
    db = session.db
    planned = _plan(session, hub)
    if not as_json:
        _show(session, planned, as_json)
    with db.write() as tx:
        people = {change.person_id for change in planned.changes}
        applied = apply_hub(tx, hub, release=release, actor=session.actor, now=db.now(), people=people)
    waited = not no_wait and is_held(db)
    if waited:
        wait_for_engine(db, lambda tx: _rest(session, tx, hub))
    with db.read() as tx:
        held, backlog = _held(tx, hub), _backlog(tx, hub)
    if as_json:
        result: dict[str, Any] = {
            "run": applied.run,
            "made_live": applied.made_live,
            "pairs": applied.pairs,
            "released": applied.released,
        }
        print_json({"hub": hub, "plan": planned.to_json(), "applied": result, "backlog": backlog, "held": held})
    else:
        _tell(hub, applied, waited, backlog, held)
    ctx.exit(3 if held else 0)


def _plan(session: Session, hub_id: str) -> HubPlan:
    with session.db.read() as tx:
        return plan_hub(tx, hub_id, session.mappings(tx), session.registry, now=session.db.now())


def _show(session: Session, found: HubPlan, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json(), compact=True)
        return
    observed = age(found.observed_at, session.db.now())
    click.echo(f"{found.hub_id}: mode {found.mode}, observed {observed}, {count(len(found.changes), 'change')}")
    for warning in found.warnings:
        click.echo(f"warning: {warning}")
    if found.pending:
        click.echo(f"{count(found.pending, 'pushed change')} not worked out by the engine yet: included in this plan")
    print_table(
        ["person", "action", "what", "from", "to", "because", "held or failed"],
        [
            (
                f"{change.user_name} (p{change.person_id})",
                change.action,
                change.asset or "seat",
                change.before,
                change.after,
                [f"{each['rule']} ({each['file']}:{each['line']})" for each in change.because],
                change.held or (change.failed and f"failed: {change.failed}"),
            )
            for change in found.changes
        ],
        empty="nothing to change",
    )
    click.echo()


def _rest(session: Session, tx: Tx, hub_id: str) -> Progress[bool]:
    """At rest: nothing is under way, and nothing that has not failed once is due."""
    is_moving = sa.or_(Pair.owner.is_not(None), sa.and_(Pair.due_at <= session.db.now(), Pair.attempts == 0))
    query = sa.select(sa.func.count()).where(Pair.hub_id == hub_id, Pair.done < Pair.want, is_moving)
    left = tx.scalar(query) or 0
    return Progress(f"{hub_id}: {count(left, 'person', 'people')} left", answer=True if not left else None)


def _backlog(tx: Tx, hub_id: str) -> int:
    return tx.scalar(sa.select(sa.func.count()).where(Pair.hub_id == hub_id, Pair.done < Pair.want)) or 0


def _held(tx: Tx, hub_id: str) -> int:
    return tx.scalar(sa.select(sa.func.count()).where(Task.hub_id == hub_id, Task.state == "held")) or 0


def _tell(hub: str, applied: Applied, waited: bool, backlog: int, held: int) -> None:
    if applied.made_live:
        click.echo(f"{hub} is live now")
    if applied.pairs or applied.released:
        click.echo(f"run {applied.run}: `scim-bridge tasks list --run {applied.run}`, `scim-bridge undo {applied.run}`")
    if not waited:
        click.echo(f"{count(applied.pairs, 'person', 'people')} to look at once an engine runs (`scim-bridge serve`)")
    elif backlog:
        left = count(backlog, "person", "people")
        click.echo(f"{left} not finished: `scim-bridge tasks list --hub {hub}` says why")
    else:
        click.echo(f"done: looked at {count(applied.pairs, 'person', 'people')}")
    if held:
        click.echo(f"{count(held, 'change')} held: `scim-bridge apply {hub} --release` lets go on what may")
