"""``scim-bridge serve``."""

from __future__ import annotations

import dataclasses

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.logs import configure_logs
from scim_bridge.serve import serve as run


@click.command()
@click.option("--host", help="Address to listen on (setting HOST).")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on (setting PORT); 0: any free one.")
@click.option("--no-engine", is_flag=True, help="Answer requests only; an engine runs elsewhere.")
@click.pass_context
@pass_session
def serve(session: Session, ctx: click.Context, host: str | None, port: int | None, no_engine: bool) -> None:
    """Answer SCIM and carry changes out, until Ctrl-C or SIGTERM."""
    settings = session.settings
    configure_logs(settings.log_level)
    settings = dataclasses.replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    ctx.exit(run(settings, with_engine=not no_engine))
