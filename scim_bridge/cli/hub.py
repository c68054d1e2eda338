"""``scim-bridge hub``: connected apps. What needs the app is asked of the engine, which holds the credentials."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
import sqlalchemy as sa

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, count, json_option, print_json, print_table, say
from scim_bridge.cli.waiting import Progress, need_engine, wait_for_engine
from scim_bridge.db import Tx
from scim_bridge.engine.forget import forget_hub
from scim_bridge.errors import NotFound
from scim_bridge.hubs import operate
from scim_bridge.hubs.tables import Hub
from scim_bridge.hubs.trust import untrusted
from scim_bridge.ops.status import read_hubs


@click.group()
def hub() -> None:
    """Connected apps."""


@hub.command(name="list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List hubs: what they are doing and what they wait for."""
    now = session.db.now()
    with session.db.read() as tx:
        found = operate.list_hubs(tx)
        work = read_hubs(tx, session.mappings(tx), now)
    if as_json:
        print_json(
            [
                dataclasses.asdict(each)
                | {"accounts": sum(work[each.id].accounts.values()), "linked": work[each.id].accounts.get("linked", 0)}
                | {name: getattr(work[each.id], name) for name in ("backlog", "held", "last_error", "untrusted")}
                for each in found
            ]
        )
        return
    print_table(
        ["hub", "app", "state", "mode", "observed", "trust", "accounts", "linked", "backlog", "held", "last error"],
        [
            (
                each.id,
                each.app,
                each.state,
                each.mode,
                age(each.observed_at, now),
                "untrusted" if work[each.id].untrusted else "trusted" if each.observed_at else None,
                sum(work[each.id].accounts.values()),
                work[each.id].accounts.get("linked", 0),
                work[each.id].backlog,
                work[each.id].held,
                work[each.id].last_error,
            )
            for each in found
        ],
        empty="no hubs yet: put a mapping file into the mappings folder",
    )


@hub.command()
@click.argument("hub_id", metavar="HUB")
@json_option
@pass_session
def show(session: Session, hub_id: str, as_json: bool) -> None:
    """Show HUB: what it is, how it is read, and whose its accounts are."""
    now = session.db.now()
    with session.db.read() as tx:
        operate.require_hub(tx, hub_id)
        row = tx.execute(sa.select(Hub.__table__).where(Hub.id == hub_id)).one()
        status = read_hubs(tx, session.mappings(tx), now)[hub_id]
    facts = {
        "hub": row.id,
        "app": row.app,
        "state": status.state,
        "mode": row.mode,
        "observed_at": row.observed_at,
        "next_check_at": row.check_at,
        "reading": f"{row.check_step or 'begun'}" if row.check_owner else None,
        "untrusted": status.untrusted,
        "accounts": status.accounts,
        "unmanaged": status.unmanaged,
        "leavers_unmanaged": status.leavers_unmanaged,
        "backlog": status.backlog,
        "held": status.held,
        "failed": status.failed,
        "last_error": status.last_error,
    }
    if as_json:
        print_json(facts)
        return
    counts = [f"{number} {state}" for state, number in status.accounts.items()]
    print_table(
        ["what", "is"],
        [(name.replace("_", " "), counts if name == "accounts" else value) for name, value in facts.items()],
        empty="",
    )


@hub.command()
@click.argument("hub_id", metavar="HUB")
@json_option
@click.pass_context
@pass_session
def probe(session: Session, ctx: click.Context, hub_id: str, as_json: bool) -> None:
    """Prove that the credential of HUB works and sees what it must; exit code 1 if not."""
    result = ask(session, hub_id, lambda tx, now: operate.request_probe(tx, hub_id, now=now), _probed)
    if as_json:
        print_json({"hub": hub_id, **result})
    elif result.get("ok"):
        click.echo(f"{hub_id}: connected to {result.get('name')}")
    else:
        click.echo(f"{hub_id}: {result.get('error')}" + (f"; {result['advice']}" if result.get("advice") else ""))
    if not as_json:
        for warning in result.get("warnings") or ():
            click.echo(f"warning: {warning}")
    ctx.exit(0 if result.get("ok") else 1)


@hub.command()
@click.argument("hub_id", metavar="HUB")
@click.option("--trust", is_flag=True, help="Believe it though it shows far fewer accounts or is not proven.")
@json_option
@click.pass_context
@pass_session
def check(session: Session, ctx: click.Context, hub_id: str, trust: bool, as_json: bool) -> None:
    """Check for updates: read the users, roles and assets of HUB now.

    Exit code 1: it could not be read; 3: it was read, but is not trusted, so nothing was taken away.
    """
    result = check_now(session, hub_id, trust=trust)
    if as_json:
        print_json(result)
    elif error := result["error"]:
        click.echo(f"{hub_id}: {error}")
    else:
        click.echo(f"{hub_id}: {count(result['accounts'], 'account')} read")
        if result["untrusted"]:
            say(f"{hub_id} is untrusted: {result['untrusted']}")
    ctx.exit(1 if result["error"] else 3 if result["untrusted"] else 0)


@hub.command()
@click.argument("hub_id", metavar="HUB")
@pass_session
def forget(session: Session, hub_id: str) -> None:
    """Drop all that is known of a detached HUB. Its seats in the app stay."""
    db = session.db
    with db.write() as tx:
        forget_hub(tx, hub_id, actor=session.actor, now=db.now())
    click.echo(f"{hub_id} is forgotten; its seats in the app stay as they are")


def check_now(session: Session, hub_id: str, *, trust: bool = False) -> dict[str, Any]:
    """Let the engine read the hub now: ``{"hub", "observed_at", "accounts", "untrusted", "error"}``.

    ``error`` None: it was read; ``untrusted`` None: and nothing speaks against it.
    """
    by = session.actor if trust else None
    return ask(session, hub_id, lambda tx, now: operate.request_check(tx, hub_id, trust_by=by, now=now), _checked)


def ask(
    session: Session,
    hub_id: str,
    request: Callable[[Tx, datetime], Any],
    look: Callable[[Any, Any, datetime], Progress[dict[str, Any]]],
) -> dict[str, Any]:
    """Write a request into the hub's row and wait for the engine's answer there.

    ``look`` gets the row, what ``request`` returned and the time of asking.
    """
    db = session.db
    need_engine(db)
    now = db.now()
    with db.write() as tx:
        wanted = request(tx, now)
    query = sa.select(Hub.__table__).where(Hub.id == hub_id)

    def answer(tx: Tx) -> Progress[dict[str, Any]]:
        row = tx.execute(query).first()
        if row is None:
            raise NotFound(f"no hub {hub_id}", advice="`scim-bridge hub list` shows them")
        return look(row, wanted, now)

    return wait_for_engine(db, answer)


def _probed(row: Any, _wanted: Any, asked_at: datetime) -> Progress[dict[str, Any]]:
    if row.probed_at is not None and row.probed_at >= asked_at:
        return Progress("", dict(row.probe_result or {}))
    return Progress(f"probing {row.id}")


def _checked(row: Any, wanted: int, asked_at: datetime) -> Progress[dict[str, Any]]:
    if row.observation < wanted or row.check_owner is not None:
        step = f"{row.check_step}; " if row.check_step else ""
        return Progress(f"checking {row.id}: {step}{count(row.check_progress, 'account')} read")
    is_doubted = row.doubt_kind != "failed" and row.doubt_at is not None and row.doubt_at >= asked_at
    is_read = is_doubted or (row.observed_at is not None and row.observed_at >= asked_at)
    return Progress(
        "",
        {
            "hub": row.id,
            "observed_at": row.observed_at,
            "accounts": row.check_progress,
            "untrusted": untrusted(row.id, row.doubt_kind, row.doubt) if is_doubted else None,
            "error": None if is_read else row.attention or row.last_error or "it could not be read",
        },
    )
