"""``scim-bridge mapping list``, ``show`` and ``diff``: what was in force, and what is different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table, when
from scim_bridge.db import Tx
from scim_bridge.errors import NotFound
from scim_bridge.mapping import revisions
from scim_bridge.mapping.check import hub_id_of
from scim_bridge.mapping.difference import unified_diff
from scim_bridge.mapping.load import read_folder
from scim_bridge.mapping.revisions import RevisionRef
from scim_bridge.spelling import did_you_mean

_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}
revision_number = click.IntRange(1, 2**31 - 1)


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The newest so many.")
@json_option
@pass_session
def list_(session: Session, limit: int, as_json: bool) -> None:
    """Every revision of the mapping files, the newest first; that one is in force."""
    with session.db.read() as tx:
        found = revisions.newest_first(tx, at_most=limit)
        newest = revisions.in_force_id(tx)
    if as_json:
        print_json([_json(ref, newest) for ref in found])
        return
    print_table(
        ["revision", "when", "who", "hubs", "commit", "note"],
        [(ref.id, ref.at, ref.actor, len(ref.files), ref.commit, _note(ref, newest)) for ref in found],
        empty="no revision yet: `scim-bridge mapping publish`, or start `scim-bridge serve`",
    )
    if any(ref.commit and ref.commit.is_dirty for ref in found):
        click.echo("+ the files were not, or not all, what the commit has", err=True)


@click.command()
@click.argument("revision", metavar="[N]", required=False, type=revision_number)
@click.argument("hub", required=False)
@json_option
@pass_session
def show(session: Session, revision: int | None, hub: str | None, as_json: bool) -> None:
    """Show the files of revision N (the one in force), or the file of one HUB alone, as it was."""
    with session.db.read() as tx:
        ref = _get(tx, revision)
        newest = revisions.in_force_id(tx)
    if hub is not None:
        click.echo(_file_of(ref, hub), nl=False)
    elif as_json:
        print_json(_json(ref, newest) | {"files": ref.files})
    else:
        for line in _about(ref, newest):
            click.echo(click.style(f"# {line}", fg="cyan"))
        for name, text in ref.files.items():
            click.echo(click.style(f"\n# {name}", fg="cyan"))
            click.echo(text, nl=not text.endswith("\n"))


@click.command()
@click.argument("first", metavar="[A]", required=False, type=revision_number)
@click.argument("second", metavar="[B]", required=False, type=revision_number)
@pass_session
def diff(session: Session, first: int | None, second: int | None) -> None:
    """What changes from revision A to B; from A to the folder on disk; or from the one in force to the folder."""
    with session.db.read() as tx:
        before = _get(tx, first)
        after = _get(tx, second) if second else None
    if after is None:
        folder = session.settings.mappings
        files: Mapping[str, str] = read_folder(folder)
        names = (f"revision {before.id}", "on disk")
    else:
        files, names = after.files, (f"revision {before.id}", f"revision {after.id}")
    lines = list(unified_diff(before.files, files, names=names))
    for line in lines:
        click.echo(_coloured(line))
    if not lines:
        click.echo(f"no difference: {names[0]} and {names[1]}", err=True)


def _get(tx: Tx, revision: int | None) -> RevisionRef:
    if revision is not None:
        return revisions.get_revision(tx, revision)
    ref = revisions.in_force(tx)
    if ref is None:
        raise NotFound("no revision is in force", advice="`scim-bridge mapping publish` makes the first")
    return ref


def _file_of(ref: RevisionRef, hub: str) -> str:
    texts = {hub_id_of(name): text for name, text in ref.files.items()}
    if hub not in texts:
        raise NotFound(f'revision {ref.id} has no hub "{hub}"', advice=did_you_mean(hub, texts))
    return texts[hub]


def _note(ref: RevisionRef, newest: int | None) -> str:
    notes = ["in force"] if ref.id == newest else []
    if ref.restores:
        notes.append(f"{ref.restores} again")
    return ", ".join(notes)


def _about(ref: RevisionRef, newest: int | None) -> list[str]:
    note = _note(ref, newest)
    lines = [f"revision {ref.id}" + (f" ({note})" if note else ""), f"{when(ref.at)} by {ref.actor}"]
    if ref.commit:
        lines.append(f"commit {ref.commit.id}" + (", with changes that it does not have" * ref.commit.is_dirty))
    return [*lines, f"digest {ref.digest}"]


def _json(ref: RevisionRef, newest: int | None) -> dict[str, Any]:
    return {
        "revision": ref.id,
        "in_force": ref.id == newest,
        "at": ref.at,
        "actor": ref.actor,
        "digest": ref.digest,
        "commit": ref.commit.id if ref.commit else None,
        "is_dirty": ref.commit.is_dirty if ref.commit else None,
        "restores": ref.restores,
        "files": sorted(ref.files),
    }


def _coloured(line: str) -> str:
    is_head = line.startswith(("--- ", "+++ "))
    colour = _COLOURS.get(line[:1])
    return click.style(line, bold=True) if is_head else click.style(line, fg=colour) if colour else line
