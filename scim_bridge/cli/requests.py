"""``scim-bridge requests``: what identity sources asked, and what they were told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table, when
from scim_bridge.db import Tx
from scim_bridge.directory.sources import list_sources
from scim_bridge.directory.subjects import find_subjects, subject_names
from scim_bridge.durations import parse_duration
from scim_bridge.errors import InvalidInput, NotFound
from scim_bridge.journal.read import RequestDetail, RequestView, Wanted, find_requests, list_requests
from scim_bridge.spelling import did_you_mean

_OFF = "the journal is off (setting `journal`): new requests leave no entry"


@click.group(invoke_without_command=True)
@click.option("--source", help="Only from this identity source.")
@click.option(
    "--about", "--subject", "about", metavar="TEXT", help="Only about this user, person or group: name or any id."
)
@click.option("--method", help="Only GET, POST, PUT, PATCH or DELETE.")
@click.option("--status", help="Only answered with this: 409, or 4xx.")
@click.option("--since", help="Only of the last 90s, 10m, 2h or 7d.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@json_option
@pass_session
def requests(session: Session, /, limit: int, as_json: bool, **chosen: str | None) -> None:
    """List the latest SCIM requests, newest last; `requests show ID` shows one whole.

    A write's entry is committed with the write. Those of reads and of refused requests follow within a second; that
    last second is lost where the server is killed. Those that the gate turns away (401, 403, 429) have none.
    """
    if click.get_current_context().invoked_subcommand is None:
        _list(session, chosen, limit, as_json=as_json)
    elif as_json or any(chosen.values()):
        raise click.UsageError("options of the list go with the list; `scim-bridge requests show ID --json` shows one")


@requests.command()
@click.argument("request_id", metavar="ID")
@json_option
@pass_session
def show(session: Session, request_id: str, as_json: bool) -> None:
    """Show one request whole: its number in the list, or the X-Request-Id that its answer carried."""
    with session.db.read() as tx:
        found = find_requests(tx, request_id)
        shown = _rows(tx, found)
    if not found:
        kept = session.settings.retention_days.journal
        reason = f"it keeps {kept} days" if kept else "nothing is cleared away"
        raise NotFound(
            f'no request "{request_id}" in the journal ({reason})',
            advice="`scim-bridge requests` lists them",
        )
    for row, each in zip(shown, found, strict=True):
        row["body"] = _parsed(each.body)
        row["body_is_cut"] = each.is_cut
        row["answer"] = _parsed(each.answer)
    if as_json:
        print_json(shown)
        return
    click.echo("\n\n".join(_whole(row) for row in shown))


def _list(session: Session, chosen: dict[str, str | None], limit: int, *, as_json: bool) -> None:
    with session.db.read() as tx:
        found = list_requests(tx, _wanted(session, tx, chosen), limit=limit)[::-1]
        rows = _rows(tx, found)
    if not session.settings.journal:
        click.echo(f"scim-bridge: {_OFF}", err=True)
    if as_json:
        print_json(rows)
        return
    print_table(
        ["id", "at", "source", "request", "status", "ms", "about", "said"],
        [
            (
                *(row["id"], row["at"], row["source"], f"{row['method']} {row['path']}", row["status"]),
                f"{row['took_us'] / 1000:.1f}",
                row["about"],
                row["said"],
            )
            for row in rows
        ],
        empty="no such request is in the journal",
    )
    for row in rows:
        if row["lost"]:
            click.echo(f"{row['lost']} entries before {row['id']} were lost: the database was away", err=True)


def _wanted(session: Session, tx: Tx, chosen: dict[str, str | None]) -> Wanted:
    source, about, since = chosen["source"], chosen["about"], chosen["since"]
    return Wanted(
        source_id=_source(tx, source) if source else None,
        subjects=_subjects(tx, about) if about else None,
        method=chosen["method"],
        status=_status(chosen["status"]) if chosen["status"] else None,
        since=session.db.now() - timedelta(seconds=parse_duration(since)) if since else None,
    )


def _source(tx: Tx, name: str) -> int:
    known = {each.name: each.id for each in list_sources(tx)}
    if name not in known:
        raise NotFound(f"there is no source {name}", advice=did_you_mean(name, known))
    return known[name]


def _subjects(tx: Tx, text: str) -> Sequence[str]:
    if not (found := find_subjects(tx, text)):
        raise NotFound(
            f'no user or group "{text}"', advice="name a userName, an e-mail address, a group's name, or an id"
        )
    return found


def _status(text: str) -> tuple[int, int]:
    if re.fullmatch(r"[1-5]xx", text.lower()):
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    if re.fullmatch(r"[1-5][0-9]{2}", text):
        return int(text), int(text)
    raise InvalidInput(f'"{text}" is no status', advice="write 409, or 4xx")


def _rows(tx: Tx, found: Sequence[RequestDetail]) -> list[dict[str, Any]]:
    """What ``--json`` prints of a request; ``about`` has the name where there is one."""
    sources = {each.id: each.name for each in list_sources(tx)}
    names = subject_names(tx, [each.view.subject for each in found if each.view.subject])
    return [_row(each.view, sources, names, _said(each.answer)) for each in found]


def _row(view: RequestView, sources: dict[int, str], names: dict[str, str], said: str | None) -> dict[str, Any]:
    return {
        "id": view.id,
        "at": view.at,
        "source": sources.get(view.source_id),
        "method": view.method,
        "path": view.target,
        "status": view.status,
        "took_us": view.took_us,
        "request_id": view.request_id,
        "subject": view.subject,
        "about": names.get(view.subject or "", view.subject),
        "said": said,
        "body_bytes": view.size,
        "lost": view.lost,
    }


def _said(answer: bytes | None) -> str | None:
    """The ``detail`` of an error."""
    body = _parsed(answer)
    return body.get("detail") if isinstance(body, dict) else body


def _parsed(raw: bytes | None) -> Any:
    """JSON as what it says; anything else (cut, or refused as no JSON) as text."""
    if raw is None:
        return None
    text = raw.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _whole(row: dict[str, Any]) -> str:
    lines = [
        f"{row['method']} {row['path']}",
        f"  at          {when(row['at'])}, answered within {row['took_us'] / 1000:.1f} ms",
        f"  source      {row['source'] or 'a source that is gone'}",
        f"  status      {row['status']}",
        f"  about       {_about(row)}",
        f"  request     {row['request_id']} (number {row['id']})",
    ]
    if row["body"] is not None:
        cut = ", of which this is the beginning" if row["body_is_cut"] else ""
        lines += ["", f"sent ({row['body_bytes']} bytes{cut}):", _pretty(row["body"])]
    if row["answer"] is not None:
        lines += ["", "answered:", _pretty(row["answer"])]
    return "\n".join(lines)


def _about(row: dict[str, Any]) -> str:
    if row["subject"] is None:
        return "-"
    return row["subject"] if row["about"] == row["subject"] else f"{row['about']} ({row['subject']})"


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
