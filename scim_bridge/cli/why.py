"""``scim-bridge why``: why somebody has something, or does not. Made to be understood in one reading."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, console, json_option, print_json, print_table, when
from scim_bridge.contract.state import SEAT
from scim_bridge.engine.why import WhyHub
from scim_bridge.engine.why import why as explain
from scim_bridge.mapping.evaluate import HUB_ROLE

Lines = Sequence[tuple[int, str]]
"""An indentation in steps, and a text."""


@click.command()
@click.argument("person")
@click.argument("hub", required=False)
@json_option
@pass_session
def why(session: Session, person: str, hub: str | None, as_json: bool) -> None:
    """Show what PERSON (id, userName or e-mail) should have, was given and has, why, and what it waits for."""
    now = session.db.now()
    with session.db.read() as tx:
        person_id = the_person(tx, person)
        found = explain(tx, person_id, hub, session.in_force(tx), session.registry, now=now)
    if as_json:
        print_json(found.to_json())
        return
    _write([(0, f"{found.user_name} (p{found.person_id}){', has left' if found.disabled else ''}")])
    _write([(1, _user(each)) for each in found.users])
    if found.attention:
        _write([(1, f"needs attention: {found.attention.replace('_', ' ')}")])
    _write([(0, _rules(found.rules))])
    empty = [each.hub for each in found.hubs if hub is None and len(found.hubs) > 1 and each.is_nothing]
    for each in found.hubs:
        if each.hub not in empty:
            _show(each, now)
    if empty:
        _write([(0, ""), (0, f"nothing in {', '.join(empty)}: `scim-bridge why {person} HUB` says what is missing")])


def _user(user: Mapping[str, Any]) -> str:
    state = f"deleted at {_when(user['deleted_at'])}" if user["deleted_at"] else user["state"]
    last = f"; last request: {_request(user['last_request'])}" if user["last_request"] else ""
    return f"{user['user_name']} in {user['source']}: {state}{last}"


def _rules(rules: Mapping[str, Any]) -> str:
    if not rules["revision"]:
        return "no mapping files are in force"
    commit = f", commit {rules['commit'][:12]}" if rules["commit"] else ""
    return f"rules: revision {rules['revision']}, {_when(rules['published_at'])}, by {rules['published_by']}{commit}"


def _show(hub: WhyHub, now: datetime) -> None:
    read = f"read {age(datetime.fromisoformat(hub.read_at), now)}" if hub.read_at else "never read"
    _title(f"{hub.hub} ({hub.mode}, {read})")
    shown = hub.observed.get("things", {})
    things = sorted({*hub.desired, *hub.applied, *shown}, key=lambda thing: (thing != SEAT, thing))
    print_table(
        ["what", "should have", "was given", "the app shows"],
        [(thing, *(state.get(thing) for state in (hub.desired, hub.applied, shown))) for thing in things],
        empty="nothing should be held, was given or shows here",
    )
    if hub.observed:
        seen = _when(hub.observed["seen_at"])
        _write([(0, f"account: {hub.observed['account']}, {hub.observed['status']}, seen {seen}")])
    if hub.hub_role:
        _write([(0, f"hub role: {hub.hub_role}")])
    for title, lines in _sections(hub):
        if lines:
            _title(title)
            _write(lines)


def _sections(hub: WhyHub) -> Iterator[tuple[str, Lines]]:
    """A title and its lines; what there is nothing to say about has none."""
    yield "because", [(1, _because(each)) for each in hub.grants]
    yield "kept against the rules", [(1, _undone(each)) for each in hub.undone]
    yield "memberships, and what brought them", [(1, line) for line in _memberships(hub.grants)]
    yield "nearest rules, and what is missing", [(1, f"{_place(each)}: {each['missing']}") for each in hub.near]
    yield "waits", [(1, _wait(each)) for each in hub.waits]
    yield "differs", [(1, each) for each in hub.drift]
    yield "done and tried, latest first", [(1, _task(each)) for each in hub.tasks]
    yield "the app's answers", list(_answers(hub.answers))


def _because(grant: Mapping[str, Any]) -> str:
    lost = "" if grant["won"] else f"; outranked by {grant['outranked_by']}"
    through = " and ".join(dict.fromkeys(_path(each) for each in grant["through"]))
    until = f", until {grant['until']}" if grant["until"] else ""
    thing = grant["thing"].replace("_", " ") if grant["thing"] == HUB_ROLE else grant["thing"]
    return f"{thing} {grant['role']}: {_place(grant)}, {through}{until}{lost}"


def _undone(undone: Mapping[str, Any]) -> str:
    roles = ", ".join(undone["roles"]) or "nothing"
    return f"{undone['thing']} {roles}: undone by {undone['by']} at {_when(undone['at'])} ({undone['run']})"


def _path(through: Mapping[str, Any]) -> str:
    if through["group"] is None:
        return f"by attributes of the user in {through['source']}"
    return "in " + ", which is in ".join(f'"{link["group"]}"' for link in through["path"])


def _memberships(grants: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each link from a user to a rule's group once, however many rules go by it."""
    found: dict[str, None] = {}
    for through in (each for grant in grants for each in grant["through"] if each["group"] is not None):
        inner = ""
        for link in through["path"]:
            brought = _request(link["request"]) if link["request"] else link["missing"]
            where = f'{inner} in "{link["group"]}"' if inner else f'"{link["group"]}" in {through["source"]}'
            found[f"{where}: {brought}"] = None
            inner = f'"{link["group"]}"'
    return list(found)


def _request(request: Mapping[str, Any]) -> str:
    return f"{request['method']} {request['path']} at {_when(request['at'])} (request {request['id']})"


def _place(rule: Mapping[str, Any]) -> str:
    return f"{rule['rule']} ({rule['file']}:{rule['line']})" if rule["rule"] else f"{rule['file']}:{rule['line']}"


def _wait(wait: Mapping[str, Any]) -> str:
    task = f" (task {wait['task']})" if wait["task"] else ""
    until = f"until {_when(wait['until'])}: " if wait["until"] else ""
    return f"{until}{wait['text']}{task}"


def _task(task: Mapping[str, Any]) -> str:
    words = "; ".join(each for each in (task["cause"], task["advice"]) if each)
    change = " to ".join(each for each in (task["from"], task["to"]) if each)
    run = f", {task['run']}" if task["run"] else ""
    what = f"{task['action'].replace('_', ' ')} {task['thing']}{f' ({change})' if change else ''}"
    said = f": {words}" if words and task["state"] not in ("held", "failed") else ""
    return f"{_when(task['updated_at'])} {what}: {task['state']}, task {task['id']}{run}{said}"


def _answers(answers: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    if answers["last_success_at"]:
        yield 1, f"last call that worked: {_when(answers['last_success_at'])}"
    if answers["last_error"]:
        yield 1, f"last error: {_when(answers['last_error_at'])}, {answers['last_error']}"


def _when(text: str | None) -> str:
    return when(datetime.fromisoformat(text) if text else None)


def _title(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)


def _write(lines: Lines) -> None:
    """Wrapped to the terminal, further lines of a text indented below its first."""
    width = console().width
    for steps, text in lines:
        indent = "  " * steps
        wrapped = textwrap.wrap(
            text,
            width,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        click.echo("\n".join(wrapped))
