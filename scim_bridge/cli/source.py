"""``scim-bridge source``: who may push to us."""

from __future__ import annotations

from datetime import timedelta

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, json_option, print_json, print_table, when
from scim_bridge.directory import sources
from scim_bridge.durations import parse_duration
from scim_bridge.scim.service import PREFIX


@click.group()
def source() -> None:
    """Identity sources and their tokens."""


@source.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["okta", "entra", "generic"]), required=True, help="What pushes.")
@click.option("--no-join", is_flag=True, help="Its users never join another source's people.")
@json_option
@pass_session
def add(session: Session, name: str, kind: str, no_join: bool, as_json: bool) -> None:
    """Add an identity source; prints the base URL and the token to type in there. The token is shown once."""
    db = session.db
    with db.write() as tx:
        now = db.now()
        source_id = sources.add_source(tx, name=name, kind=kind, joins=not no_join, now=now, actor=session.actor)
        token = sources.new_token(tx, source_id, now=now, actor=session.actor)
    _show(session, token, as_json)


@source.command(name="list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List identity sources with their live tokens."""
    now = session.db.now()
    with session.db.read() as tx:
        found = sources.list_sources(tx, now)
    if as_json:
        print_json(found)
        return
    print_table(
        ["source", "kind", "joins", "users", "groups", "state", "tokens"],
        [
            (
                each.name,
                each.kind,
                each.joins,
                each.users,
                each.groups,
                "disabled" if each.disabled_at else "enabled",
                [f"{token.public_id} (used {age(token.last_used_at, now)})" for token in each.tokens],
            )
            for each in found
        ],
        empty="no identity source yet: `scim-bridge source add okta --kind okta`",
    )


@source.command()
@click.argument("name")
@click.option("--old-ends-after", default="24h", show_default=True, help="How long the old token still works.")
@json_option
@pass_session
def rotate(session: Session, name: str, old_ends_after: str, as_json: bool) -> None:
    """Make a second token; the old one ends by itself. The new token is shown once."""
    db = session.db
    after = timedelta(seconds=parse_duration(old_ends_after))
    with db.write() as tx:
        made = sources.rotate(tx, name, now=db.now(), old_ends_after=after, actor=session.actor)
    _show(session, made.token, as_json, old_ends_at=made.old_ends_at.isoformat() if made.old_ends_at else None)
    if made.old_ends_at and not as_json:
        click.echo(
            f"the old token ends at {when(made.old_ends_at)}; `scim-bridge source revoke {name} TOKEN_ID` ends it now"
        )


@source.command()
@click.argument("name")
@click.argument("token_id", required=False)
@pass_session
def revoke(session: Session, name: str, token_id: str | None) -> None:
    """End a token now; without TOKEN_ID every token of the source."""
    db = session.db
    with db.write() as tx:
        sources.revoke(tx, name, token_id, now=db.now(), actor=session.actor)
    click.echo(f"revoked {token_id or 'every token'} of {name}")


@source.command()
@click.argument("name")
@pass_session
def disable(session: Session, name: str) -> None:
    """Refuse the source's requests from now on. Nobody's access changes."""
    db = session.db
    with db.write() as tx:
        sources.disable(tx, name, now=db.now(), actor=session.actor)
    click.echo(f"{name} is disabled until `scim-bridge source enable {name}`; its users and groups stay as they are")


@source.command()
@click.argument("name")
@pass_session
def enable(session: Session, name: str) -> None:
    """Take the source's requests again; its tokens are the old ones."""
    db = session.db
    with db.write() as tx:
        sources.enable(tx, name, now=db.now(), actor=session.actor)
    click.echo(f"{name} is enabled")


def _show(session: Session, token: str, as_json: bool, **more: str | None) -> None:
    settings = session.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base_url = f"{settings.base_url or f'http://{host}:{settings.port}'}{PREFIX}"
    if as_json:
        print_json({"base_url": base_url, "token": token, **more})
        return
    click.echo(f"base URL  {base_url}\ntoken     {token}\n\nThe token is shown only now.")
