"""``scim-bridge source``: who may push to us, with what, from where."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, json_option, print_json, print_table, when
from scim_bridge.directory import sources
from scim_bridge.directory.source_settings import KEEP, SourceChange, change_source
from scim_bridge.directory.sources import SourceView
from scim_bridge.directory.tokens import BEARER, CLIENT, TokenView, new_token, public_id_of
from scim_bridge.durations import parse_duration
from scim_bridge.errors import InvalidInput
from scim_bridge.scim.auth import TOKEN_PATH
from scim_bridge.scim.service import PREFIX

_expires_option = click.option(
    "--expires-after", metavar="DURATION", help="It ends by itself after 90d, 12h, ... Without: it does not."
)


@click.group()
def source() -> None:
    """Identity sources, their tokens and limits."""


@source.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["okta", "entra", "generic"]), required=True, help="What pushes.")
@click.option("--no-join", is_flag=True, help="Its users never join another source's people.")
@click.option("--tenant-id", help="Take the JWTs of this Entra tenant instead of a token (Secret Token left empty).")
@_expires_option
@json_option
@pass_session
def add(
    session: Session,
    name: str,
    kind: str,
    no_join: bool,
    tenant_id: str | None,
    expires_after: str | None,
    as_json: bool,
) -> None:
    """Add an identity source; prints the base URL and the token to type in there. The token is shown once."""
    db = session.db
    token = None
    with db.write() as tx:
        now = db.now()
        source_id = sources.add_source(tx, name=name, kind=kind, joins=not no_join, now=now, actor=session.actor)
        if tenant_id is not None:
            if expires_after is not None:
                raise InvalidInput("with --tenant-id no token is made that could end", advice="leave out one of them")
            change_source(tx, name, SourceChange(tenant_id=tenant_id), now=now, actor=session.actor)
        else:
            token = new_token(tx, source_id, now=now, expires_after=_span(expires_after), actor=session.actor)
    _show(session, BEARER, token, as_json)


@source.command(name="list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List identity sources with their live tokens and clients, and what holds for their requests."""
    now = session.db.now()
    with session.db.read() as tx:
        found = sources.list_sources(tx, now)
    if as_json:
        print_json(found)
        return
    print_table(
        ["source", "kind", "joins", "users", "groups", "state", "tokens", "limits"],
        [
            (
                each.name,
                each.kind,
                each.joins,
                each.users,
                each.groups,
                "disabled" if each.disabled_at else "enabled",
                _credentials(each, now),
                _limits(each, session.settings.requests_per_second),
            )
            for each in found
        ],
        empty="no identity source yet: `scim-bridge source add okta --kind okta`",
    )


def _credentials(each: SourceView, now: datetime) -> list[str]:
    shown = [_credential(token, now) for token in each.tokens]
    if each.tenant_id:
        shown.append(f"tenant {each.tenant_id} for {each.audience} (used {age(each.tenant_used_at, now)})")
    return shown


def _credential(token: TokenView, now: datetime) -> str:
    name = f"client {token.public_id}" if token.kind == CLIENT else token.public_id
    end = f", ends {when(token.expires_at)}" if token.expires_at else ""
    return f"{name} (used {age(token.last_used_at, now)}{end})"


def _limits(each: SourceView, default: int) -> list[str]:
    basic = ["HTTP basic on"] if each.takes_basic else []
    return [f"{each.requests_per_second or default}/s", *(f"from {one}" for one in each.networks), *basic]


@source.command(name="set")
@click.argument("name")
@click.option("--tenant-id", help="Take the JWTs of this Entra tenant, or `none`.")
@click.option("--audience", help="The application id that these JWTs are for, or `default` (every non-gallery app).")
@click.option("--network", "networks", multiple=True, help="Where it may come from (CIDR); repeat it for several.")
@click.option("--any-network", is_flag=True, help="It may come from anywhere.")
@click.option("--requests-per-second", metavar="NUMBER", help="How fast it may ask, or `default`.")
@click.option("--basic", type=click.Choice(["on", "off"]), help="HTTP basic with a client's id and secret.")
@pass_session
def set_(
    session: Session,
    name: str,
    tenant_id: str | None,
    audience: str | None,
    networks: tuple[str, ...],
    any_network: bool,
    requests_per_second: str | None,
    basic: str | None,
) -> None:
    """Change what holds for a source's requests; it does so within a second. What is not named stays."""
    if networks and any_network:
        raise InvalidInput("--network and --any-network contradict each other", advice="leave out one of them")
    change = SourceChange(
        tenant_id=KEEP if tenant_id is None else None if tenant_id == "none" else tenant_id,
        audience=KEEP if audience is None else None if audience == "default" else audience,
        networks=networks if networks or any_network else KEEP,
        requests_per_second=KEEP if requests_per_second is None else _rate(requests_per_second),
        takes_basic=KEEP if basic is None else basic == "on",
    )
    db = session.db
    with db.write() as tx:
        change_source(tx, name, change, now=db.now(), actor=session.actor)
    click.echo(f"{name} is changed; `scim-bridge source list` shows what holds")


def _rate(text: str) -> int | None:
    if text == "default":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(f'"{text}" is no number of requests', advice="use a whole number, or default")
    return int(text)


@source.command()
@click.argument("name")
@_expires_option
@json_option
@pass_session
def client(session: Session, name: str, expires_after: str | None, as_json: bool) -> None:
    """Make a client (OAuth 2.0 client credentials, HTTP basic). Its secret is shown once."""
    db = session.db
    with db.write() as tx:
        source_id = sources.enabled_source_id_of(tx, name)
        secret = new_token(
            tx, source_id, now=db.now(), kind=CLIENT, expires_after=_span(expires_after), actor=session.actor
        )
    _show(session, CLIENT, secret, as_json)


@source.command()
@click.argument("name")
@click.option("--client", "is_client", is_flag=True, help="The client, not the token.")
@click.option("--old-ends-after", default="24h", show_default=True, help="How long the old one still works.")
@_expires_option
@json_option
@pass_session
def rotate(
    session: Session, name: str, is_client: bool, old_ends_after: str, expires_after: str | None, as_json: bool
) -> None:
    """Make a second token (or client); the old one ends by itself. The new one is shown once."""
    db = session.db
    kind, noun = (CLIENT, "client") if is_client else (BEARER, "token")
    with db.write() as tx:
        made = sources.rotate(
            tx,
            name,
            now=db.now(),
            old_ends_after=timedelta(seconds=parse_duration(old_ends_after)),
            kind=kind,
            expires_after=_span(expires_after),
            actor=session.actor,
        )
    _show(session, kind, made.token, as_json, old_ends_at=made.old_ends_at.isoformat() if made.old_ends_at else None)
    if made.old_ends_at and not as_json:
        click.echo(
            f"the old {noun} ends at {when(made.old_ends_at)}; `scim-bridge source revoke {name} TOKEN_ID` ends it now"
        )


@source.command()
@click.argument("name")
@click.argument("token_id", required=False)
@pass_session
def revoke(session: Session, name: str, token_id: str | None) -> None:
    """End a token or client now; without TOKEN_ID every one of the source."""
    db = session.db
    with db.write() as tx:
        sources.revoke(tx, name, token_id, now=db.now(), actor=session.actor)
    click.echo(f"revoked {token_id or 'every token and client'} of {name}")


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


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if not (seconds := parse_duration(text)):
        raise InvalidInput("it would end at once", advice="give --expires-after 90d, or leave it out")
    return timedelta(seconds=seconds)


def _show(session: Session, kind: str, secret: str | None, as_json: bool, **more: str | None) -> None:
    """What to type in at the other side."""
    settings = session.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    root = settings.base_url or f"http://{host}:{settings.port}"
    shown: dict[str, str | None] = {"base_url": f"{root}{PREFIX}"}
    if kind == CLIENT and secret:
        shown |= {"token_url": f"{root}{TOKEN_PATH}", "client_id": public_id_of(secret), "client_secret": secret}
    else:
        shown["token"] = secret
    if as_json:
        print_json({**shown, **more})
        return
    for name, value in shown.items():
        click.echo(f"{_LABELS[name]:<{14 if kind == CLIENT else 10}}{value or 'none: leave the Secret Token empty'}")
    if secret:
        click.echo(f"\nThe {'secret' if kind == CLIENT else 'token'} is shown only now.")


_LABELS = {
    "base_url": "base URL",
    "token": "token",
    "token_url": "token URL",
    "client_id": "client ID",
    "client_secret": "client secret",
}
