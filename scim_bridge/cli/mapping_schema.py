"""``scim-bridge mapping schema``: what an editor needs to complete and underline. Needs no database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count
from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import BridgeError, InvalidInput
from scim_bridge.mapping.schema import mapping_schema


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@pass_session
def schema(session: Session, out: Path | None) -> None:
    """Print a JSON Schema of the mapping format, with the catalogue of every adapter that is installed.

    Beside mapping files as mapping.schema.json it is what their first line names, and editors use it:

    \b
        scim-bridge mapping schema --out mappings/mapping.schema.json
    """
    text = schema_text(session.registry)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{out} cannot be written: {error.strerror}", advice="name a file in a folder of yours"
        ) from error
    click.echo(f"{out}: {count(len(session.registry.apps()), 'app')}; the first line of a mapping beside it:")
    click.echo(f"# yaml-language-server: $schema={out.name}")


def schema_text(registry: Registry) -> str:
    """The schema as it is written to a file."""
    apps = {app: _abilities(registry, app) for app in registry.apps()}
    return json.dumps(mapping_schema(apps), indent=2, ensure_ascii=False) + "\n"


def _abilities(registry: Registry, app: str) -> Abilities | None:
    try:
        return registry.adapter(app).abilities
    except BridgeError:  # the lint says what is wrong with it
        return None
