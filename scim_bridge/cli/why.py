"""``scim-bridge why``: why somebody has something, or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json
from scim_bridge.engine.why import why as explain


@click.command()
@click.argument("person")
@click.argument("hub", required=False)
@json_option
@pass_session
def why(session: Session, person: str, hub: str | None, as_json: bool) -> None:
    """Show what PERSON (id, userName or e-mail) should have, was given and has, why, and what it waits for."""
    with session.db.read() as tx:
        person_id = the_person(tx, person)
        found = explain(tx, person_id, hub, session.mappings(tx), session.registry, now=session.db.now()).to_json()
    if as_json:
        print_json(found)
        return
    click.echo(f"person: {_words(found['person'])}")
    for each in found["hubs"]:
        click.echo(f"\n{each['hub']}")
        for key, value in each.items():
            if key != "hub" and value not in (None, [], {}, ""):
                _print(key, value)


def _print(key: str, value: Any) -> None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        for number, item in enumerate(value):
            click.echo(f"  {key if number == 0 else '':<10}{_words(item)}")
    else:
        click.echo(f"  {key:<10}{_words(value)}")


def _words(value: Any) -> str:
    """Nested values in a line: ``role member, assets team/core member``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(each)}" for key, each in value.items() if each not in (None, [], {}, ""))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_words(each) for each in value)
    return str(value)
