"""``scim-bridge binding``: a plain name in a mapping means the id that it first met, until somebody says otherwise."""

from __future__ import annotations

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.engine.names import confirm_binding
from scim_bridge.hubs import bindings
from scim_bridge.hubs.operate import require_hub


@click.group()
def binding() -> None:
    """What names in mappings mean."""


@binding.command(name="list")
@click.argument("hub", required=False)
@json_option
@pass_session
def list_(session: Session, hub: str | None, as_json: bool) -> None:
    """List bound names; those that another thing bears now come first."""
    with session.db.read() as tx:
        if hub is not None:
            require_hub(tx, hub)
        found = bindings.list_bindings(tx, hub)
    if as_json:
        print_json(found)
        return
    print_table(
        ["id", "hub", "kind", "source", "name", "means", "to be confirmed"],
        [
            (
                each.id,
                each.hub_id,
                each.kind,
                each.source,
                f"{each.type}/{each.name}" if each.type else each.name,
                f"{each.target_name or 'gone'} ({each.target_id})",
                f"{each.candidate_name or each.candidate_id} ({each.candidate_id})" if each.candidate_id else None,
            )
            for each in found
        ],
        empty="no name is bound yet",
    )


@binding.command()
@click.argument("binding_id", type=int)
@pass_session
def confirm(session: Session, binding_id: int) -> None:
    """Let the name of BINDING_ID mean what bears it now."""
    db = session.db
    with db.write() as tx:
        confirm_binding(tx, binding_id, actor=session.actor, now=db.now())
    click.echo(f"binding {binding_id} is confirmed")
