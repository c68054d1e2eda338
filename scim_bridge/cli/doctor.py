"""``scim-bridge doctor``: would a provider's requests arrive, and do what they should?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, console, count, json_option, print_json, print_table, when
from scim_bridge.directory.sources import SourceView
from scim_bridge.directory.tokens import TokenView
from scim_bridge.doctor.checks import Result
from scim_bridge.doctor.examine import Addresses, examine
from scim_bridge.doctor.source import find_source, last_use, look_at
from scim_bridge.errors import InvalidInput
from scim_bridge.scim.service import PREFIX
from scim_bridge.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (where it listens; asked is loopback)


@click.command()
@click.argument("source", required=False)
@click.option("--url", help="The instance's address, in place of BASE_URL or HOST and PORT.")
@click.option("--verbose", "-v", is_flag=True, help="Show every check, not only those that failed.")
@json_option
@click.pass_context
@pass_session
def doctor(
    session: Session, ctx: click.Context, source: str | None, url: str | None, verbose: bool, as_json: bool
) -> None:
    """Send what Okta and Entra send, into a probe that leaves nothing behind, and say what to do where it fails.

    With SOURCE: what its provider sends, and the source itself. Exit code 1: something was found.
    """
    db = session.db
    addresses = _addresses(session.settings, url)
    view, results = None, list[Result]()
    now = db.now()
    if source is not None:
        with db.read() as tx:
            view = find_source(tx, source, now)
            results += look_at(tx, view, now)
    kind = view.kind if view else "generic"
    asked = closing(examine(db, addresses, kind=kind, actor=session.actor))  # Ctrl-C removes the probe
    with asked as checks, console(stderr=True).status("asking") as line:
        for result in checks:
            results.append(result)
            line.update(f"{result.name}: {'fine' if result.is_fine else 'failed'}")
    findings = [each for each in results if not each.is_fine]
    if as_json:
        print_json(_json(addresses, view, results))
    else:
        where = f"scim_bridge at {addresses.base}"
        click.echo(f"{where}, as {view.name} ({view.kind}) has it\n" if view else f"{where}\n")
        if view:
            _print_source(view, now=now)
        _print(results, findings, verbose=verbose)
    ctx.exit(1 if findings else 0)


def _addresses(settings: Settings, url: str | None) -> Addresses:
    host = _EVERYWHERE.get(settings.host, settings.host)
    direct = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{PREFIX}"
    public = f"{settings.base_url}{PREFIX}" if settings.base_url else ""
    if url is None:
        return Addresses(public or direct, direct, public)
    root = url.rstrip("/").removesuffix(PREFIX)
    if urlsplit(root).scheme not in ("http", "https") or not urlsplit(root).hostname:
        raise InvalidInput(f'--url "{url}" is no web address', advice="write https://bridge.example")
    return Addresses(f"{root}{PREFIX}", direct, public)


def _print_source(view: SourceView, *, now: datetime) -> None:
    tokens = [_token(token) for token in view.tokens]
    print_table(
        ["users", "groups", "last used", "tokens", "may come from"],
        [(view.users, view.groups, age(last_use(view), now), tokens, view.networks or "anywhere")],
        empty="",
    )
    click.echo()


def _token(token: TokenView) -> str:
    return f"{token.public_id} ({f'ends {when(token.expires_at)}' if token.expires_at else 'no end'})"


def _print(results: Sequence[Result], findings: Sequence[Result], *, verbose: bool) -> None:
    if verbose:
        rows = [(each.name, "fine" if each.is_fine else "failed", _ms(each.slowest_ms), each.why) for each in results]
        print_table(["check", "state", "slowest", "because"], rows, empty="")
    else:
        families: dict[str, list[Result]] = {}
        for each in results:
            families.setdefault(each.name.partition(".")[0], []).append(each)
        print_table(
            ["checks", "fine", "failed", "slowest"],
            [
                (name, sum(each.is_fine for each in some), sum(not each.is_fine for each in some), _slowest(some))
                for name, some in families.items()
            ],
            empty="",
        )
    for each in findings:
        click.echo(f"\n{each.name}\n  saw     {each.saw}\n  why     {each.why}\n  do      {each.advice}")
    click.echo(f"\n{count(len(findings), 'finding')}" if findings else "\nall is fine")


def _slowest(results: Sequence[Result]) -> str:
    return _ms(max(each.slowest_ms for each in results))


def _ms(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds else "-"


def _json(addresses: Addresses, view: SourceView | None, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "url": addresses.base,
        "source": view,
        "ok": all(each.is_fine for each in results),
        "slowest_ms": max((each.slowest_ms for each in results), default=0),
        "requests": sum(each.requests for each in results),
        "checks": [
            {
                "name": each.name,
                "ok": each.is_fine,
                "why": each.why,
                "saw": each.saw,
                "advice": each.advice,
                "requests": each.requests,
                "slowest_ms": each.slowest_ms,
            }
            for each in results
        ],
    }
