"""``scim-bridge audit``: who did what, when and why."""

from __future__ import annotations

import click
import sqlalchemy as sa

from scim_bridge.audit.tables import AuditRow
from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.hubs.operate import require_hub


@click.group()
def audit() -> None:
    """Who did what, when and why."""


@audit.command(name="list")
@click.option("--person", help="Only about this person: id (p42), userName or e-mail.")
@click.option("--hub", help="Only in this hub.")
@click.option("--action", help="Only this action, as in seat.removed.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
@pass_session
def list_(session: Session, person: str | None, hub: str | None, action: str | None, limit: int, as_json: bool) -> None:
    """List the latest entries, newest last."""
    query = sa.select(AuditRow.__table__).order_by(AuditRow.id.desc()).limit(limit)
    with session.db.read() as tx:
        if person:
            query = query.where(AuditRow.person_id == the_person(tx, person))
        if hub:
            query = query.where(AuditRow.hub_id == hub)
            if tx.execute(sa.select(AuditRow.id).where(AuditRow.hub_id == hub).limit(1)).first() is None:
                require_hub(tx, hub)  # one that was forgotten is known here still
        if action:
            query = query.where(AuditRow.action == action)
        rows = [row._asdict() for row in reversed(tx.execute(query).all())]
    for row in rows:
        row["person_id"] = f"p{row['person_id']}" if row["person_id"] is not None else None
    if as_json:
        print_json(rows)
        return
    print_table(
        ["at", "actor", "action", "person", "hub", "subject", "detail"],
        [
            (*(row[key] for key in ("at", "actor", "action", "person_id", "hub_id", "subject")), _words(row["detail"]))
            for row in rows
        ],
        empty="nothing is recorded yet",
    )


def _words(detail: dict[str, object] | None) -> list[str]:
    return [f"{key}={value}" for key, value in (detail or {}).items()]
