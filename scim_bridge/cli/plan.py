"""``scim-bridge plan``: see what would happen, in a terminal, as JSON, as a comment, or as a file to apply later.

A plan is worked out from the last observation, so it needs neither credentials nor an engine; its age is
shown. From a snapshot it needs no database either: a machine that checks change requests has none.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from scim_bridge.cli.files import new_file
from scim_bridge.cli.hub import check_now
from scim_bridge.cli.plan_markdown import markdown
from scim_bridge.cli.plan_text import plan_lines
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import print_json
from scim_bridge.db import Database, Tx
from scim_bridge.engine.plan import plan_hub
from scim_bridge.engine.plan_file import to_text
from scim_bridge.engine.planned import HubPlan
from scim_bridge.engine.snapshot import opened
from scim_bridge.errors import Transient
from scim_bridge.hubs import operate
from scim_bridge.mapping import revisions
from scim_bridge.mapping.load import MappingSet
from scim_bridge.schema import head

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What plans stand on: a database, the rules, the present, and what is to be said beside them."""

    db: Database
    mappings: MappingSet
    now: datetime
    in_force: bool
    notes: tuple[str, ...]


@click.command()
@click.argument("hub", required=False)
@click.option("--refresh", is_flag=True, help="Let the engine read the hub first.")
@click.option("--out", type=_FILE, help="Keep the plan in this file, for `apply --from`.")
@click.option("--snapshot", type=_FILE, help="Plan from this snapshot; no database is needed.")
@click.option("--mappings", type=_FOLDER, help="Plan by the files of this folder instead of those in force.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
@pass_session
def plan(
    session: Session,
    ctx: click.Context,
    hub: str | None,
    refresh: bool,
    out: Path | None,
    snapshot: Path | None,
    mappings: Path | None,
    form: str,
    as_json: bool,
) -> None:
    """Show what would change in HUB (in every hub without it), and which rules say so.

    JSON: one object a line and hub. Markdown: a comment for a change request. Exit code 3: a change waits for a
    person's word.
    """
    if snapshot is not None and refresh:
        raise click.UsageError("--refresh needs an engine, --snapshot has none: name one of the two")
    form = "json" if as_json else form
    with _ground(session, snapshot, mappings) as ground:
        with ground.db.read() as tx:
            chosen = [hub] if hub else _hubs(tx, ground.mappings)
        if refresh:
            for hub_id in chosen:
                if error := check_now(session, hub_id)["error"]:
                    advice = "without --refresh the last one is used"
                    raise Transient(f"{hub_id} could not be read: {error}", advice=advice)
        plans = [_plan(session, ground, hub_id) for hub_id in chosen]
    if out is not None:
        by = f"snapshot {snapshot.name}" if snapshot else session.actor
        with new_file(out) as file:
            file.write(to_text(plans, made_by=by, made_at=ground.now))
    show_plans(plans, form, ground.now, ground.notes)
    if out is not None and form == "text":
        click.echo(f"{out}: apply just this with `scim-bridge apply --from {out}`")
    ctx.exit(3 if any(each.waits for each in plans) else 0)


def show_plans(plans: Sequence[HubPlan], form: str, now: datetime, notes: Sequence[str] = ()) -> None:
    """Print plans as ``text``, ``json`` or ``markdown``; notes to stderr, in a comment on top."""
    if form == "markdown":
        click.echo(markdown(plans, notes=notes), nl=False)
        return
    for note in notes:
        click.echo(f"warning: {note}", err=True)
    for each in plans:
        if form == "json":
            print_json(each.to_json(), compact=True)
        else:
            click.echo("\n".join(plan_lines(each, now)) + "\n")
    if not plans and form == "text":
        click.echo("no hubs yet: put a mapping file into the mappings folder")


@contextmanager
def unswept() -> Iterator[None]:
    """No look for garbage meanwhile: a plan is hundreds of thousands of values that all live until they are shown."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _ground(session: Session, snapshot: Path | None, folder: Path | None) -> Iterator[_Ground]:
    if snapshot is not None:
        files = session.load([folder or session.settings.mappings])
        with opened(snapshot, files, schema=head()) as found:
            yield _Ground(found.db, files, found.taken_at, False, found.notes)
        return
    db = session.db
    if folder is not None:
        files = session.load([folder])
        with db.read() as tx:
            known = {each.id for each in operate.list_hubs(tx)}
        new = tuple(
            f"hub {hub_id} is new: it is planned once it is published" for hub_id in sorted(files.hubs.keys() - known)
        )
        gone = tuple(
            f"hub {hub_id} has no file there: it would be detached" for hub_id in sorted(known - files.hubs.keys())
        )
        yield _Ground(db, files, db.now(), False, (*new, *gone))
        return
    with db.read() as tx:
        in_force, trouble = session.mappings(tx), revisions.trouble(tx)
    notes: tuple[str, ...] = ()
    if trouble:
        first = next(iter(trouble.findings), "see `scim-bridge mapping lint`")
        notes = (f"the mapping files on disk are not in force: {first}",)
    notes += tuple(f"hub {hub_id} stands still: {found[0]}" for hub_id, found in in_force.refused.items())
    yield _Ground(db, in_force, db.now(), True, notes)


def _hubs(tx: Tx, mappings: MappingSet) -> list[str]:
    return [each.id for each in operate.list_hubs(tx) if each.state != "detached" and each.id in mappings.hubs]


def _plan(session: Session, ground: _Ground, hub_id: str) -> HubPlan:
    with unswept(), ground.db.read() as tx:
        return plan_hub(tx, hub_id, ground.mappings, session.registry, now=ground.now, in_force=ground.in_force)
