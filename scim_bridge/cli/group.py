"""``scim-bridge group``: what was pushed, with the ids that mappings may name."""

from __future__ import annotations

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.directory.groups import list_groups


@click.group()
def group() -> None:
    """Groups that were pushed."""


@group.command(name="list")
@click.argument("text", required=False)
@json_option
@pass_session
def list_(session: Session, text: str | None, as_json: bool) -> None:
    """List groups (those with TEXT in their name) with the ids for `group: {id: ...}`."""
    with session.db.read() as tx:
        found = list_groups(tx, text=text)
    if as_json:
        print_json(found)
        return
    print_table(
        ["group", "source", "members", "id", "external id"],
        [(each.name, each.source, each.members, each.id, each.external_id) for each in found],
        empty="no group was pushed yet" if text is None else f'no group has "{text}" in its name',
    )
