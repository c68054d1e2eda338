"""``scim-bridge db``."""

from __future__ import annotations

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.schema import current, head, upgrade


@click.group(name="db")
def database() -> None:
    """The database's schema."""


@database.command(name="upgrade")
@pass_session
def upgrade_(session: Session) -> None:
    """Bring the schema to this version; makes a new one where there is none. Back up first."""
    db = session.any_db
    before = current(db)
    upgrade(db)
    click.echo(f"the schema is at revision {head()}" + ("" if before == head() else f" (was: {before or 'none'})"))
