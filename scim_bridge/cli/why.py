"""``scim-bridge why``: why somebody has something, or does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, when
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
    who = found["person"]
    click.echo(f"{who['user_name']} ({who['id']}){', disabled' if who['disabled'] else ''}")
    if who["attention"]:
        click.echo(f"needs attention: {who['attention'].replace('_', ' ')}")
    for each in found["hubs"]:
        click.echo(f"\n{each['hub']}")
        for title, lines in _sections(each):
            for number, line in enumerate(lines):
                click.echo(f"  {title if number == 0 else '':<14}{line}")


def _sections(hub: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A title and its lines; what there is nothing to say about has none."""
    yield "should have", _things(hub["desired"]) or ["nothing"]
    yield "was given", _things(hub["applied"]) or ["nothing"]
    yield "the app shows", _account(hub["observed"]) if hub["observed"] else ["no account"]
    yield "because", [line for each in hub["grants"] for line in _because(each, hub["desired"])]
    yield "waits", hub["waits"]
    yield "differs", hub["drift"]
    yield "changes", [_change(each) for each in hub["tasks"]]
    yield "nearest rules", [f"{_place(each)}: {each['missing']}" for each in hub["near"]]


def _things(state: Mapping[str, list[str]]) -> list[str]:
    return [_thing(thing, state) for thing in state]


def _thing(thing: str, state: Mapping[str, list[str]]) -> str:
    return " ".join((thing, ", ".join(state.get(thing, ())))).rstrip()


def _account(observed: Mapping[str, Any]) -> list[str]:
    seen = when(datetime.fromisoformat(observed["seen_at"]))
    return [f"{observed['account']}, {observed['status']} (seen {seen})", *_things(observed["things"])]


def _because(grant: Mapping[str, Any], desired: Mapping[str, list[str]]) -> Iterator[str]:
    yield f"{_place(grant)} gives {_thing(grant['thing'], desired)}"
    for each in grant["through"]:
        what = f"in group {each['group']}" if each["group"] is not None else "by attributes of the user"
        yield f"  {what} ({each['source']}): {_request(each['request']) if each['request'] else each['missing']}"


def _request(request: Mapping[str, Any]) -> str:
    at = when(datetime.fromisoformat(request["at"]))
    return f"{request['method']} {request['path']}, {at}, request {request['request_id']}"


def _place(rule: Mapping[str, Any]) -> str:
    return f"{rule['rule']} ({rule['file']}:{rule['line']})"


def _change(task: Mapping[str, Any]) -> str:
    words = "; ".join(each for each in (task["cause"], task["advice"]) if each)
    at = when(datetime.fromisoformat(task["updated_at"]))
    return f"{at}  {task['action'].replace('_', ' ')} {task['thing']}: {task['state']}{f' ({words})' if words else ''}"
