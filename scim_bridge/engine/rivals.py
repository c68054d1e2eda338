"""Whose seat would go though somebody else's access matches the account: such a removal waits for a person.

An address that moved from one person to another (a shared mailbox, a name taken over) must not cost its new
bearer the account. One statement for any number of people who lose a seat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.directory.keys import bound_texts, numbers
from scim_bridge.directory.tables import User, UserEmail
from scim_bridge.engine.scene import Subject
from scim_bridge.engine.tables import AccessRow


def wanted_by_others(
    tx: Tx, subjects: Iterable[Subject], has_seat: Callable[[Collection[int]], Collection[int]]
) -> frozenset[int]:
    """Those of ``subjects`` without a wanted seat whose account bears the address of somebody who wants one.

    ``has_seat`` tells who of some people should have a seat here.
    """
    accounts = {
        subject.person_id: subject.account.account.emails
        for subject in subjects
        if subject.account is not None and SEAT not in subject.standing.desired and subject.account.account.emails
    }
    if not accounts:
        return frozenset()
    bearers = _bearers(tx, {email for emails in accounts.values() for email in emails})
    rivals = {
        person_id: {other for email in emails for other in bearers.get(email, ()) if other != person_id}
        for person_id, emails in accounts.items()
    }
    asked = set().union(*rivals.values())
    seated_ones = set(has_seat(asked)) if asked else set()
    return frozenset(person_id for person_id, others in rivals.items() if others & seated_ones)


def seated(tx: Tx, hub_id: str, people: Collection[int]) -> set[int]:
    """Who of these should have a seat, as fan-out left it."""
    query = sa.select(AccessRow.person_id).where(
        AccessRow.hub_id == hub_id, AccessRow.role.is_not(None), AccessRow.person_id.in_(numbers(tx, sorted(people)))
    )
    return set(tx.execute(query).scalars())


def _bearers(tx: Tx, emails: Collection[str]) -> dict[str, set[int]]:
    chosen = bound_texts(tx.dialect.name, "emails")
    by_address = (
        sa.select(UserEmail.value_key, User.person_id)
        .join(User, User.id == UserEmail.user_id)
        .where(UserEmail.value_key.in_(chosen))
    )
    by_name = sa.select(User.join_key, User.person_id).where(User.join_key.in_(chosen))
    found: dict[str, set[int]] = {}
    row: Any
    for row in tx.execute(sa.union(by_address, by_name), {"emails": sorted(emails)}):
        found.setdefault(row.value_key, set()).add(row.person_id)
    return found
