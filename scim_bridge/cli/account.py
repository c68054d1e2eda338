"""``scim-bridge account``: what the app shows, and whose it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.db import Tx
from scim_bridge.directory.people import user_names
from scim_bridge.engine import link as words
from scim_bridge.engine.account_list import FILTERS, list_accounts
from scim_bridge.errors import InvalidInput
from scim_bridge.hubs.accounts import end_exemption
from scim_bridge.hubs.operate import require_hub


@click.group()
def account() -> None:
    """Accounts in a hub, and whose they are."""


@account.command(name="list")
@click.argument("hub")
@click.option(
    "--state",
    type=click.Choice(FILTERS),
    help="Only those; unmanaged: not ours; leaver: and a leaver's; ignored: what `safety.ignore` names.",
)
@click.option("--unlinked", is_flag=True, help="The same as --state unmatched.")
@json_option
@pass_session
def list_(session: Session, hub: str, state: str | None, unlinked: bool, as_json: bool) -> None:
    """List the accounts that the app showed last, those that wait for somebody's word first."""
    state = state or ("unmatched" if unlinked else None)
    with session.db.read() as tx:
        require_hub(tx, hub)
        found = list_accounts(tx, hub, state=state, ignore=_ignored(session, tx, hub))
        names = user_names(tx, sorted({who for each in found if (who := each.person_id or each.proposed_to)}))
    if as_json:
        people = ("person_id", "proposed_to")
        print_json(
            [dataclasses.asdict(each) | {name: _person(getattr(each, name)) for name in people} for each in found]
        )
        return
    print_table(
        ["account", "login", "status", "role", "e-mails", "state", "person", "how or why", "remark"],
        [
            (
                each.ref,
                each.login,
                each.status,
                each.role,
                each.emails,
                each.state,
                _named(names, each.person_id or each.proposed_to),
                each.reason or each.linked_how,
                each.remark,
            )
            for each in found
        ],
        empty=f"{hub} has shown no {state + ' ' if state else ''}account",
    )


@account.command()
@click.argument("hub")
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("person")
@pass_session
def link(session: Session, hub: str, account_name: str, person: str) -> None:
    """Say that ACCOUNT (its login or id) in HUB is PERSON's."""
    db = session.db
    with db.write() as tx:
        person_id = the_person(tx, person)
        words.link_account(
            tx, hub, account_name, person_id, ignore=_ignored(session, tx, hub), actor=session.actor, now=db.now()
        )
    click.echo(f"{account_name} in {hub} is p{person_id}'s")


@account.command()
@click.argument("hub")
@click.argument("account_name", metavar="ACCOUNT")
@pass_session
def unlink(session: Session, hub: str, account_name: str) -> None:
    """Say that ACCOUNT in HUB is not its person's. It stays, and no rule links the two again."""
    db = session.db
    with db.write() as tx:
        person_id = words.unlink_account(tx, hub, account_name, actor=session.actor, now=db.now())
    click.echo(f"{account_name} in {hub} is not p{person_id}'s any more")


@account.command()
@click.argument("hub")
@click.argument("account_name", metavar="ACCOUNT")
@click.option("--reason", default="", help="Why nobody has it; it is shown wherever the account is.")
@click.option("--service", is_flag=True, help="A machine has it.")
@click.option("--end", is_flag=True, help="End the exemption: the account is matched like any other.")
@pass_session
def exempt(session: Session, hub: str, account_name: str, reason: str, service: bool, end: bool) -> None:
    """Say that ACCOUNT in HUB is nobody's on purpose: never matched, removed or counted as unmanaged."""
    if end and (reason or service):
        raise InvalidInput("--end goes with neither --reason nor --service", advice="say one of the two")
    db = session.db
    with db.write() as tx:
        if end:
            end_exemption(tx, hub, account_name, actor=session.actor, now=db.now())
        else:
            kind = words.SERVICE if service else words.EXEMPT
            words.exempt_account(tx, hub, account_name, kind=kind, reason=reason, actor=session.actor, now=db.now())
    click.echo(f"{account_name} in {hub} is {'no longer exempt' if end else 'exempt'}")


@account.command()
@click.argument("hub")
@click.argument("account_name", metavar="ACCOUNT")
@pass_session
def accept(session: Session, hub: str, account_name: str) -> None:
    """Say that the proposal for ACCOUNT in HUB is right: it is that person's."""
    db = session.db
    with db.write() as tx:
        ignore = _ignored(session, tx, hub)
        person_id = words.accept_proposal(tx, hub, account_name, ignore=ignore, actor=session.actor, now=db.now())
    click.echo(f"{account_name} in {hub} is p{person_id}'s")


@account.command()
@click.argument("hub")
@click.argument("account_name", metavar="ACCOUNT")
@pass_session
def refuse(session: Session, hub: str, account_name: str) -> None:
    """Say that the proposal for ACCOUNT in HUB is wrong; it is not made again."""
    db = session.db
    with db.write() as tx:
        person_id = words.refuse_proposal(tx, hub, account_name, actor=session.actor, now=db.now())
    click.echo(f"{account_name} in {hub} is not p{person_id}'s")


def _ignored(session: Session, tx: Tx, hub_id: str) -> Sequence[str]:
    """`safety.ignore` of the hub."""
    return session.mappings(tx).ignores.get(hub_id, ())


def _named(names: Mapping[int, str], person_id: int | None) -> str | None:
    return None if person_id is None else f"{names.get(person_id, '?')} (p{person_id})"


def _person(person_id: int | None) -> str | None:
    return None if person_id is None else f"p{person_id}"
