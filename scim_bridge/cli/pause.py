"""``scim-bridge pause`` and ``resume``: nothing is written in the hub meanwhile; changes gather."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.hubs import operate


def _hub_or_all(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--all", "all_hubs", is_flag=True, help="Every hub.")(command)
    return click.argument("hub", required=False)(command)


@click.command()
@_hub_or_all
@pass_session
def pause(session: Session, hub: str | None, all_hubs: bool) -> None:
    """Let HUB, or every hub, rest until `scim-bridge resume`."""
    _do(operate.pause, session, hub, all_hubs)
    click.echo(f"{hub or 'every hub'} is paused; changes gather until `scim-bridge resume`")


@click.command()
@_hub_or_all
@pass_session
def resume(session: Session, hub: str | None, all_hubs: bool) -> None:
    """End the pause of HUB, or of every hub."""
    _do(operate.resume, session, hub, all_hubs)
    click.echo(f"{hub or 'every hub'} goes on")


def _do(act: Callable[..., object], session: Session, hub: str | None, all_hubs: bool) -> None:
    if (hub is None) != all_hubs:
        raise click.UsageError("name one HUB, or say --all")
    db = session.db
    with db.write() as tx:
        act(tx, hub, actor=session.actor, now=db.now())
