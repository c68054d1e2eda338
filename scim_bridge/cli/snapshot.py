"""``scim-bridge snapshot``: what a plan needs, for a machine that has no database."""

from __future__ import annotations

from pathlib import Path

import click

from scim_bridge.cli.files import new_file
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count
from scim_bridge.engine import snapshot as snapshots
from scim_bridge.schema import head


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@pass_session
def snapshot(session: Session, out: Path) -> None:
    """Write the directory and the apps as last observed to a file, for `plan --snapshot`.

    It holds no secrets and no tokens, but people's names and addresses: keep it like a backup.
    """
    db = session.db
    with new_file(out) as file, db.moment() as tx:
        rows = snapshots.write(tx, file.write, schema=head(), now=db.now())
    click.echo(f"{out}: {count(rows, 'row')}, {out.stat().st_size:,} bytes")
