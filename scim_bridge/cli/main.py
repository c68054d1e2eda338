"""``scim-bridge``: every command, and the one place where errors become exit codes.

    0  fine
    1  findings, or it did not work
    2  wrong usage, name or setting: another command line mends it
    3  it waits for a person's word

One line on stderr says what is wrong and the way out; a traceback is for the log (``LOG_LEVEL=debug``).
"""

from __future__ import annotations

import logging
import os
from typing import Any

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from scim_bridge.cli.lazy import LazyGroup
from scim_bridge.cli.session import Session
from scim_bridge.errors import BridgeError, Held, InvalidInput, NeedsAttention, NotFound
from scim_bridge.logs import redact

log = logging.getLogger(__name__)

FAILED, USAGE, WAITS = 1, 2, 3

_COMMANDS = {
    "serve": ("scim_bridge.cli.serve:serve", "Answer SCIM and carry changes out."),
    "source": ("scim_bridge.cli.source:source", "Identity sources and their tokens."),
    "group": ("scim_bridge.cli.group:group", "Groups that were pushed."),
    "mapping": ("scim_bridge.cli.mapping:mapping", "The mapping files."),
    "plan": ("scim_bridge.cli.plan:plan", "Show what would change in a hub, and why."),
    "apply": ("scim_bridge.cli.apply:apply", "Carry a hub's plan out and make the hub live."),
    "undo": ("scim_bridge.cli.undo:undo", "Take back what was done: a run, a task."),
    "snapshot": ("scim_bridge.cli.snapshot:snapshot", "What a plan needs, as a file without secrets."),
    "why": ("scim_bridge.cli.why:why", "Show why somebody has something, or does not."),
    "who": ("scim_bridge.cli.who:who", "Show who holds something in a hub, and who should."),
    "hub": ("scim_bridge.cli.hub:hub", "Connected apps."),
    "drift": ("scim_bridge.cli.drift:drift", "What was changed inside an app by hand."),
    "binding": ("scim_bridge.cli.binding:binding", "What names in mappings mean."),
    "person": ("scim_bridge.cli.person:person", "People, and whether they were here before."),
    "account": ("scim_bridge.cli.account:account", "Accounts in a hub, and whose they are."),
    "approvals": ("scim_bridge.cli.approvals:approvals", "Changes that wait for a person's word."),
    "pause": ("scim_bridge.cli.pause:pause", "Let a hub rest until it is resumed."),
    "resume": ("scim_bridge.cli.pause:resume", "End a pause."),
    "status": ("scim_bridge.cli.status:status", "How everything is."),
    "doctor": ("scim_bridge.cli.doctor:doctor", "Try what Okta and Entra send, and say what is in the way."),
    "tasks": ("scim_bridge.cli.tasks:tasks", "Changes that are being carried out."),
    "requests": ("scim_bridge.cli.requests:requests", "What identity sources asked, and what they were told."),
    "audit": ("scim_bridge.cli.audit:audit", "Who did what, when and why."),
    "backup": ("scim_bridge.cli.backup:backup", "Copy the database while it is in use."),
    "db": ("scim_bridge.cli.database:database", "The database's schema."),
    "simulate": ("scim_bridge.cli.simulate:simulate", "A copy of an app's API, to try things out."),
    "demo": ("scim_bridge.cli.demo:demo", "The whole flow in a minute, without keys or network."),
}


class Root(LazyGroup):
    """Translates error families into exit codes, for the shell and for tests alike."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            log.debug("command.failed", exc_info=error)
            click.echo(f"scim-bridge: {_line(error)}", err=True)
            ctx.exit(_code(error))


def _line(error: Exception) -> str:
    if isinstance(error, BridgeError):
        text = str(error)
    elif isinstance(error, DBAPIError):
        text = f"the database does not answer: {redact(str(error.orig))}; check DATABASE_URL and that it is up"
    elif isinstance(error, SQLAlchemyError | OSError):
        text = f"{redact(str(error))}; check the settings"
    else:
        text = f"unexpected {type(error).__name__}; run it again with SCIM_BRIDGE_LOG_LEVEL=debug for the details"
    return " ".join(text.split())


def _code(error: Exception) -> int:
    if isinstance(error, InvalidInput | NotFound):
        return USAGE
    return WAITS if isinstance(error, Held | NeedsAttention) else FAILED


@click.group(cls=Root, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scim-bridge")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """SCIM 2.0 in, seats out: give and take back seats in apps that an identity provider cannot reach."""
    ctx.obj = ctx.with_resource(Session(os.environ))
