"""``scim-bridge drift``: what somebody changed inside an app by hand."""

from __future__ import annotations

import dataclasses

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.engine.drift import list_drift
from scim_bridge.hubs.operate import require_hub


@click.group()
def drift() -> None:
    """What was changed inside an app by hand."""


@drift.command(name="list")
@click.argument("hub", required=False)
@json_option
@pass_session
def list_(session: Session, hub: str | None, as_json: bool) -> None:
    """List rights in HUB (in every hub without it) that are not as the bridge left them, the latest first.

    What was there before the account became ours stays, whatever `safety.drift` says.
    """
    with session.db.read() as tx:
        if hub is not None:
            require_hub(tx, hub)
        found = list_drift(tx, hub, ignores=session.mappings(tx).ignores)
    if as_json:
        print_json([dataclasses.asdict(each) | {"person_id": f"p{each.person_id}"} for each in found])
        return
    print_table(
        ["hub", "person", "what", "ours", "the app shows", "there before", "since"],
        [
            (
                each.hub_id,
                f"{each.user_name} (p{each.person_id})",
                each.thing,
                each.ours or "nothing",
                each.shown or "nothing",
                each.was_there,
                each.since,
            )
            for each in found
        ],
        empty="no drift: every app that was read is as the bridge left it",
    )
