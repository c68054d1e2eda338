"""``scim-bridge who``: who holds something in a hub now, who should, and by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_pages
from scim_bridge.engine.standstill import get_mapping
from scim_bridge.engine.who import PAGE, Holder, holders, wanted
from scim_bridge.hubs.operate import require_hub


@click.command()
@click.argument("hub")
@click.argument("what", metavar="[ROLE|ASSET]", required=False)
@json_option
@pass_session
def who(session: Session, hub: str, what: str | None, as_json: bool) -> None:
    """Show who holds a seat role (admin) or an asset (team/core, team/*) of HUB, who should, and why.

    With --json one object a line, as they are read: for hubs of any size.
    """
    with session.db.read() as tx:
        require_hub(tx, hub)
        mapping = get_mapping(tx, session.mappings(tx), hub)
        invites = session.registry.adapter(mapping.app).abilities.invites
        pages = holders(tx, mapping, wanted(tx, mapping, what), invites=invites, now=session.db.now())
        if as_json:
            for holder in (holder for page in pages for holder in page):
                print_json(holder.to_json(), compact=True)
            return
        print_pages(
            ["person", "account", "what", "holds", "should hold", "because"],
            _tables(pages),
            empty="nobody holds it, and nobody should" if what else "nobody holds anything here, and nobody should",
        )


def _tables(pages: Iterable[list[Holder]]) -> Iterator[list[Sequence[Any]]]:
    """Rows for tables of about a page each: a small hub is one table."""
    rows: list[Sequence[Any]] = []
    for page in pages:
        rows += [_row(holder) for holder in page]
        if len(rows) >= PAGE:
            yield rows
            rows = []
    yield rows


def _row(holder: Holder) -> Sequence[Any]:
    account = f"{holder.account} ({holder.status})" if holder.account else None
    return (
        f"{holder.user_name} (p{holder.person_id})" if holder.person_id is not None else None,
        account,
        holder.thing,
        holder.holds,
        holder.should,
        [*(f"{why['rule']} ({why['file']}:{why['line']})" for why in holder.because), *filter(None, [holder.note])],
    )
