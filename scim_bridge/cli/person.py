"""``scim-bridge person``: may somebody new be somebody who was here before?"""

from __future__ import annotations

import click

from scim_bridge.cli.people import the_person
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import json_option, print_json, print_table
from scim_bridge.directory import returns
from scim_bridge.engine.linked import is_linked


@click.group()
def person() -> None:
    """People, and whether they were here before."""


@person.command(name="returns")
@json_option
@pass_session
def returns_(session: Session, as_json: bool) -> None:
    """List new people who have the externalId, but neither name nor address, of a deleted user."""
    with session.db.read() as tx:
        found = returns.list_returns(tx)
    if as_json:
        print_json(found)
        return
    print_table(
        ["person", "user name", "may be", "who was", "source", "deleted"],
        [
            (
                f"p{each.person_id}",
                each.user_name,
                f"p{each.earlier_person_id}",
                each.earlier_user_name,
                each.source,
                each.deleted_at,
            )
            for each in found
        ],
        empty="nobody new has the externalId of a deleted user",
    )


@person.command()
@click.argument("who", metavar="PERSON")
@pass_session
def revive(session: Session, who: str) -> None:
    """Say that PERSON is the deleted one come back: history, links and access are theirs again."""
    db = session.db
    with db.write() as tx:
        person_id = the_person(tx, who)
        earlier = returns.revive(tx, person_id, is_linked=is_linked, actor=session.actor, now=db.now())
    click.echo(f"p{person_id} is p{earlier} again")


@person.command()
@click.argument("who", metavar="PERSON")
@pass_session
def dismiss(session: Session, who: str) -> None:
    """Say that PERSON is somebody else, who was given a used externalId."""
    db = session.db
    with db.write() as tx:
        person_id = the_person(tx, who)
        returns.dismiss(tx, person_id, actor=session.actor, now=db.now())
    click.echo(f"p{person_id} is somebody new")
