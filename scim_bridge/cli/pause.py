"""``scim-bridge pause`` and ``resume``: nothing is written, or nothing taken away, in the hub meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.engine.apply import go_on
from scim_bridge.hubs import operate


def _hub_or_all(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--all", "all_hubs", is_flag=True, help="Every hub.")(command)
    return click.argument("hub", required=False)(command)


@click.command()
@_hub_or_all
@click.option("--removals", is_flag=True, help="Only what takes away waits; additions go on.")
@pass_session
def pause(session: Session, hub: str | None, all_hubs: bool, removals: bool) -> None:
    """Let HUB, or every hub, rest until `scim-bridge resume`."""
    if (hub is None) != all_hubs:
        raise click.UsageError("name one HUB, or say --all")
    db = session.db
    with db.write() as tx:
        operate.pause(tx, hub, removals_only=removals, actor=session.actor, now=db.now())
    if removals:
        click.echo(f"removals wait in {hub or 'every hub'} until `scim-bridge resume`; additions go on")
        return
    click.echo(f"{hub or 'every hub'} is paused; changes gather until `scim-bridge resume`")


@click.command()
@_hub_or_all
@pass_session
def resume(session: Session, hub: str | None, all_hubs: bool) -> None:
    """End the pause of HUB, or of every hub that is paused."""
    if hub is not None and all_hubs:
        raise click.UsageError("name one HUB, or say --all")
    db = session.db
    with db.write() as tx:
        now = db.now()
        resumed = operate.resume(tx, hub, actor=session.actor, now=now)
        for hub_id in resumed:
            go_on(tx, hub_id, now=now)
    for hub_id in resumed:
        click.echo(f"{hub_id} goes on")
    if not resumed:
        click.echo(f"{hub} was not paused" if hub else "no hub was paused")
