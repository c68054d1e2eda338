"""``scim-bridge status``: the same truth as ``GET /status``, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import console, json_option, print_json, print_table, say
from scim_bridge.durations import format_duration
from scim_bridge.engine.lock import is_held
from scim_bridge.mapping import revisions
from scim_bridge.mapping.revisions import DOUBTS, IN_FORCE, ON_DISK
from scim_bridge.ops.status import Status, details, read_status

_BELOW = ("finding", "warning")  # all of them are printed below


@click.command()
@json_option
@click.pass_context
@pass_session
def status(session: Session, ctx: click.Context, as_json: bool) -> None:
    """Show how everything is. Exit code 1: something is not well; 3: only a person's word is missing."""
    db = session.db
    runs = is_held(db)
    with db.read() as tx:
        found = read_status(tx, mappings=session.mappings(tx), now=db.now(), engine_runs=runs)
        trouble, refused, doubts = (revisions.trouble(tx, where=where) for where in (ON_DISK, IN_FORCE, DOUBTS))
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
        for finding in trouble.findings if trouble else ():
            say(f"mappings: {finding}")
        for finding in refused.findings if refused else ():
            say(f"mappings in force: {finding}")
        for finding in doubts.findings if doubts else ():
            say(f"warning: {finding}")
    waits = any(hub.held for hub in found.hubs.values()) or found.components["approvals"]["waiting"]
    ctx.exit(1 if found.state != "ok" else 3 if waits else 0)


def _without(component: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in component.items() if name not in names}


def _print(found: Status) -> None:
    console().print(f"scim_bridge is {found.state}\n")
    print_table(
        ["component", "state", "detail"],
        [(name, each["state"], details(_without(each, _BELOW))) for name, each in found.components.items()],
        empty="",
    )
    click.echo()
    print_table(
        [
            "hub",
            "state",
            "backlog",
            "oldest waits",
            "held",
            "failed",
            "drift",
            "leaving",
            "to confirm",
            "next leaves",
            "accounts",
            "last success",
            "last error",
            "next try",
        ],
        [
            (
                hub_id,
                hub.state,
                hub.backlog or None,
                None if hub.oldest_waiting_s is None else format_duration(hub.oldest_waiting_s),
                hub.held or None,
                hub.failed or None,
                hub.drift or None,
                hub.leaving or None,
                hub.to_confirm or None,
                hub.next_leave_at,
                hub.account_words(),
                hub.last_success_at,
                hub.last_error,
                hub.next_try_at,
            )
            for hub_id, hub in found.hubs.items()
        ],
        empty="no hubs yet: put a mapping file into the mappings folder",
    )
    for hub_id, hub in found.hubs.items():
        if hub.untrusted:
            say(f"\n{hub_id} is untrusted: {hub.untrusted}")
