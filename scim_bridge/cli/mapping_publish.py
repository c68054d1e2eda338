"""``scim-bridge mapping publish`` and ``rollback``: put a set of files in force, and say what that changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from scim_bridge.cli.mapping_findings import print_findings, print_refused, to_json
from scim_bridge.cli.mapping_revisions import revision_number
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json
from scim_bridge.db import Database, Tx
from scim_bridge.engine.publishing import Published, publish_files, roll_back
from scim_bridge.mapping.compare import HubChange
from scim_bridge.mapping.findings import Finding, MappingError
from scim_bridge.mapping.load import read_folder
from scim_bridge.mapping.revisions import digest_of
from scim_bridge.mapping.work_tree import find_commit

_SHOWN: Final = 20  # rules of one hub

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


class _Undone(Exception):
    """Ends a transaction without its effect."""


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@_dry_run
@json_option
@click.pass_context
@pass_session
def publish(session: Session, ctx: click.Context, folder: Path | None, dry_run: bool, as_json: bool) -> None:
    """Put the mapping files of DIR (setting MAPPINGS) in force, as a new revision.

    Exit code 1: a file is wrong; every finding is shown, and nothing was changed.
    """
    db, watched = session.db, session.settings.mappings
    folder = folder or watched
    rules = session.rules
    try:
        files = read_folder(folder)
        commit = find_commit(folder, files)
        is_watched = os.path.realpath(folder) == os.path.realpath(watched)
        now = db.now()

        def put(tx: Tx) -> Published:
            return publish_files(tx, rules, files, actor=session.actor, now=now, commit=commit, is_watched=is_watched)

        _tell(_in_one(db, put, dry_run=dry_run), dry_run=dry_run, as_json=as_json)
    except MappingError as error:
        _refuse(ctx, [_as_asked(folder, finding) for finding in error.findings], str(folder), as_json=as_json)


@click.command()
@click.argument("revision", metavar="[N]", required=False, type=revision_number)
@_dry_run
@json_option
@click.pass_context
@pass_session
def rollback(session: Session, ctx: click.Context, revision: int | None, dry_run: bool, as_json: bool) -> None:
    """Put what revision N said in force again, as a new revision; without N what was in force before.

    A second rollback without N goes further back. The files in the folder stay as they are, and count again
    from their next change on.

    Exit code 1: revision N is not valid with today's adapters; every finding is shown, and nothing was changed.
    """
    db, watched = session.db, session.settings.mappings
    rules = session.rules
    on_disk: list[str] = []
    with suppress(MappingError):
        on_disk = [digest_of(read_folder(watched))]
    now = db.now()

    def put(tx: Tx) -> Published:
        return roll_back(tx, rules, revision, actor=session.actor, now=now, on_disk=on_disk)

    try:
        _tell(_in_one(db, put, dry_run=dry_run), dry_run=dry_run, as_json=as_json)
    except MappingError as error:
        what = f"revision {revision}" if revision else "the revision before"
        _refuse(ctx, error.findings, f"{what} is not valid any more", as_json=as_json)


def _in_one(db: Database, put: Callable[[Tx], Published], *, dry_run: bool) -> Published:
    """One transaction; a dry run does all of it and keeps none, so that it meets whatever the real one would."""
    found: list[Published] = []
    with suppress(_Undone), db.write() as tx:
        found.append(put(tx))
        if dry_run:
            raise _Undone
    return found[0]


def _as_asked(folder: Path, finding: Finding) -> Finding:
    """With its file as it can be opened from here; in a revision the folder has its last name only."""
    here = folder / Path(finding.place.file).name
    return replace(finding, place=replace(finding.place, file=str(here))) if here.is_file() else finding


def _refuse(ctx: click.Context, findings: Sequence[Finding], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "findings": [to_json(finding) for finding in findings]})
    else:
        print_refused(findings, what=what)
    ctx.exit(1)


def _tell(done: Published, *, dry_run: bool, as_json: bool) -> None:
    restored = done.restored.id if done.restored else None
    if as_json:
        revision = None if dry_run else done.revision
        print_json(
            {
                "ok": True,
                "is_new": done.revision is not None,
                "revision": revision,
                "restores": restored,
                "changes": list(done.changes),
                "findings": [to_json(finding) for finding in done.warnings],
            }
        )
        return
    print_findings(done.warnings)
    if done.revision is None:
        click.echo("these files are in force already")
        return
    for change in done.changes:
        for line in _lines(done, change):
            click.echo(line)
    if not done.changes:
        click.echo("no hub or rule changes: only places, comments or spelling")
    what = f"revision {done.revision} {'would be' if dry_run else 'is'} in force"
    click.echo(what + (f", with the files of revision {restored}" if restored else ""))
    if restored and not dry_run:
        click.echo("the files in the folder count again from their next change on: mend them there, too")
    if done.changes and not dry_run:
        click.echo("who gains and loses by it: `scim-bridge plan HUB`")


def _lines(done: Published, change: HubChange) -> Iterator[str]:
    match change.what:
        case "detached":
            yield f"{change.hub_id}: detached; nothing is written there any more, its seats stay"
            return
        case "added" if done.hubs[change.hub_id].safety.start == "plan":
            yield f"{change.hub_id}: added; gathers changes until `scim-bridge apply {change.hub_id}`"
        case "added":
            yield f"{change.hub_id}: added; live at once"
        case _:
            yield f"{change.hub_id}: changed"
    marked = [("+", name) for name in change.added]
    marked += [("-", name) for name in change.removed]
    marked += [("~", name) for name in change.changed]
    for sign, name in marked[:_SHOWN]:
        yield click.style(f"  {sign} rule {name}", fg={"+": "green", "-": "red"}.get(sign, "yellow"))
    if len(marked) > _SHOWN:
        yield f"  ... and {count(len(marked) - _SHOWN, 'more rule')}"
    for key in change.keys:
        yield click.style(f"  ~ {key}", fg="yellow")
