"""``scim-bridge account``: what the app shows, and whose it is."""

from __future__ import annotations

import dataclasses

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.engine.link import link_account
from scim_bridge.hubs import accounts
from scim_bridge.hubs.operate import require_hub


@click.group()
def account() -> None:
    """Accounts in a hub, and whose they are."""


@account.command(name="list")
@click.argument("hub")
@click.option("--unlinked", is_flag=True, help="Only those that are nobody's.")
@json_option
@pass_session
def list_(session: Session, hub: str, unlinked: bool, as_json: bool) -> None:
    """List the accounts that the app showed last, unmatched ones first."""
    with session.db.read() as tx:
        require_hub(tx, hub)
        found = accounts.list_accounts(tx, hub, unlinked_only=unlinked)
    if as_json:
        print_json([dataclasses.asdict(each) | {"person_id": _person(each.person_id)} for each in found])
        return
    print_table(
        ["account", "login", "status", "role", "e-mails", "person", "link"],
        [
            (
                each.ref,
                each.login,
                each.status,
                each.role,
                each.emails,
                _person(each.person_id),
                each.linked_how or each.state,
            )
            for each in found
        ],
        empty=f"{hub} has shown no {'unmatched ' if unlinked else ''}account",
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
        link_account(tx, hub, account_name, person_id, actor=session.actor, now=db.now())
    click.echo(f"{account_name} in {hub} is p{person_id}'s")


def _person(person_id: int | None) -> str | None:
    return None if person_id is None else f"p{person_id}"
