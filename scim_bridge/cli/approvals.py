"""``scim-bridge approvals``: changes that wait for a person's word, and saying it.

A yes lets exactly the change go on that is shown; it is void after seven days. Every answer wants a reason, which
the audit trail keeps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import age, count, json_option, print_json, print_table
from scim_bridge.db import Tx
from scim_bridge.directory.people import user_names
from scim_bridge.engine import answering
from scim_bridge.engine.answering import ApprovalView, Verdict
from scim_bridge.engine.losses import approve_loss, braked_sources
from scim_bridge.engine.unmanaged_holds import first_names
from scim_bridge.hubs.operate import require_hub

_STATES = ["pending", "approved", "rejected", "used", "void", "withdrawn"]


@click.group()
def approvals() -> None:
    """Changes that wait for a person's word."""


@approvals.command(name="list")
@click.option("--hub", help="Only in this hub.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only in this state.")
@click.option("--all", "all_states", is_flag=True, help="Those that are over, too.")
@json_option
@pass_session
def list_(session: Session, hub: str | None, states: Sequence[str], all_states: bool, as_json: bool) -> None:
    """List what was asked, why, and what was said; sources that lost many people first."""
    now = session.db.now()
    chosen = _STATES if all_states else states or _STATES[:3]
    with session.db.read() as tx:
        if hub is not None:
            require_hub(tx, hub)
        losses = braked_sources(tx)
        found = answering.list_approvals(tx, hub_id=hub, states=chosen)
        whose = _whose(tx, found)
    if as_json:
        print_json([_plain(each, whose) for each in found])
        return
    for loss in losses:
        way_out = f"`scim-bridge approvals approve --source {loss.source} --reason WHY` lets them go"
        click.echo(f"source {loss.source} lost {loss.lost} of {loss.of} active people within an hour: {way_out}")
    print_table(
        ["id", "hub", "whose", "action", "what", "from", "to", "state", "asked", "why", "answer"],
        [
            (
                each.id,
                each.hub_id,
                whose[each.id],
                each.action,
                each.label,
                each.before,
                each.after,
                each.state,
                f"{age(each.asked_at, now)}{f', {each.asked} times' if each.asked > 1 else ''}",
                each.why,
                f"{each.answered_by}: {each.reason}" if each.answered_by else None,
            )
            for each in found
        ],
        empty="nothing waits for a person's word",
    )


def _answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    reason = click.option("--reason", required=True, help="Why; kept in the audit trail.")
    all_waiting = click.option("--all", "all_waiting", is_flag=True, help="All that wait, with --hub those of a hub.")
    command = click.option("--hub", help="Only in this hub.")(all_waiting(reason(command)))
    return click.argument("ids", nargs=-1, type=int, metavar="[ID]...")(command)


@approvals.command()
@_answer_options
@click.option("--source", help="Let all removals go on that the sudden loss of this source holds.")
@pass_session
def approve(
    session: Session, ids: tuple[int, ...], all_waiting: bool, hub: str | None, reason: str, source: str | None
) -> None:
    """Let exactly these changes go on."""
    if source is None:
        _answer(session, "approved", ids, all_waiting, hub, reason)
        return
    if ids or all_waiting or hub:
        raise click.UsageError("say --source alone, without ids, --all or --hub")
    db = session.db
    with db.write() as tx:
        gone_on = approve_loss(tx, source, actor=session.actor, reason=_reason(reason), now=db.now())
    click.echo(f"the people of source {source} may go: {count(gone_on, 'held change')} approved")


@approvals.command()
@_answer_options
@pass_session
def reject(session: Session, ids: tuple[int, ...], all_waiting: bool, hub: str | None, reason: str) -> None:
    """Hold these changes until something else is wanted; they are not asked again."""
    _answer(session, "rejected", ids, all_waiting, hub, reason)


def _answer(
    session: Session, verdict: Verdict, ids: tuple[int, ...], all_waiting: bool, hub: str | None, reason: str
) -> None:
    if bool(ids) == all_waiting:
        raise click.UsageError("name ids (`scim-bridge approvals list` shows them), or say --all")
    if ids and hub is not None:
        raise click.UsageError("name ids, or say --all --hub HUB, not both")
    db, actor, why = session.db, session.actor, _reason(reason)
    with db.write() as tx:
        if hub is not None:
            require_hub(tx, hub)
        if all_waiting:
            answered = answering.answer_all(tx, verdict, hub_id=hub, actor=actor, reason=why, now=db.now())
        else:
            answered = answering.answer(tx, ids, verdict, actor=actor, reason=why, now=db.now())
        whose = _whose(tx, answered)
    for each in answered:
        what = "" if each.label == "seat" else f" {each.label}"
        click.echo(f"{verdict}: {each.id}, {each.action}{what} of {whose[each.id]} in {each.hub_id}")
    if not answered:
        click.echo(f"nothing waits for a word{f' in {hub}' if hub else ''}" if all_waiting else f"already {verdict}")


def _reason(text: str) -> str:
    if not text.strip():
        raise click.UsageError("--reason is empty: say why")
    return text.strip()


def _whose(tx: Tx, found: Sequence[ApprovalView]) -> dict[int, str]:
    """``ana@acme.example (p7)``, or the name of an account of nobody's, by the question's id."""
    names = user_names(tx, [one.person_id for one in found if one.person_id is not None])
    accounts = [one.account_id for one in found if one.account_id is not None]
    logins = {account_id: f"account {name}" for account_id, name in first_names(tx, accounts).items()}
    return {
        one.id: logins.get(one.account_id or 0, "an account that is gone")
        if one.person_id is None
        else f"{names.get(one.person_id, '?')} (p{one.person_id})"
        for one in found
    }


def _plain(one: ApprovalView, whose: dict[int, str]) -> dict[str, Any]:
    person = f"p{one.person_id}" if one.person_id is not None else None
    return dataclasses.asdict(one) | {"person_id": person, "whose": whose[one.id]}
