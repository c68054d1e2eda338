"""Is the new user with a deleted user's externalId the same human? A person says so, or not.

The same externalId with the same userName or address is the same human, and they come back by themselves. The
externalId alone proves nothing: companies recycle employee numbers, and a stranger would inherit accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.changes import mark_people
from scim_bridge.directory.joining import IsLinked
from scim_bridge.directory.tables import DeletedUser, Source, User
from scim_bridge.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Return:
    """``person_id`` may be ``earlier_person_id`` come back. Names are userNames, the earlier one case-folded."""

    person_id: int
    user_name: str
    earlier_person_id: int
    earlier_user_name: str
    source: str
    deleted_at: datetime


def list_returns(tx: Tx) -> list[Return]:
    """Whoever may have come back, the longest waiting first."""
    rows = tx.execute(
        sa.select(
            DeletedUser.proposed_to,
            User.document,
            DeletedUser.person_id,
            DeletedUser.user_name_key,
            Source.name,
            DeletedUser.deleted_at,
        )
        .join(Source, Source.id == DeletedUser.source_id)
        .join(User, sa.and_(User.person_id == DeletedUser.proposed_to, User.source_id == DeletedUser.source_id))
        .order_by(DeletedUser.proposed_to)
    )
    return [Return(row[0], str(row.document["userName"]), *row[2:]) for row in rows]


def count_returns(tx: Tx) -> int:
    """How many wait for a person's word."""
    return tx.scalar(sa.select(sa.func.count()).where(DeletedUser.proposed_to.is_not(None))) or 0


def revive(tx: Tx, person_id: int, *, is_linked: IsLinked, actor: str, now: datetime) -> int:
    """The new person is the earlier one: its users get the earlier person's history and links. Returns that person.

    Raises NotFound where nothing was proposed, Conflict where the new one holds something by now, or where the
    earlier one has another user in the source: what is two people's cannot be put together.
    """
    gone = _proposed(tx, person_id)
    earlier: int = gone.person_id
    if is_linked(tx, person_id):
        raise Conflict(
            f"p{person_id} holds access of its own by now", advice=f"`scim-bridge person dismiss p{person_id}`"
        )
    theirs = sa.select(User.id).where(User.person_id == earlier, User.source_id == gone.source_id)
    if tx.execute(theirs.limit(1)).first() is not None:
        raise Conflict(
            f"p{earlier} has another user in this source", advice=f"`scim-bridge person dismiss p{person_id}`"
        )
    tx.execute(sa.update(User).where(User.person_id == person_id).values(person_id=earlier))
    tx.execute(sa.delete(DeletedUser).where(DeletedUser.id == gone.id))
    mark_people(tx, sorted((person_id, earlier)), now=now)
    detail = {"from": f"p{person_id}"}
    record(tx, at=now, actor=actor, action="person.revived", person_id=earlier, detail=detail)
    return earlier


def dismiss(tx: Tx, person_id: int, *, actor: str, now: datetime) -> None:
    """The new person is somebody else. Raises NotFound where nothing was proposed."""
    gone = _proposed(tx, person_id)
    tx.execute(sa.update(DeletedUser).where(DeletedUser.id == gone.id).values(proposed_to=None))
    detail = {"not": f"p{gone.person_id}"}
    record(tx, at=now, actor=actor, action="person.return_dismissed", person_id=person_id, detail=detail)


def _proposed(tx: Tx, person_id: int) -> sa.Row[Any]:
    query = sa.select(DeletedUser).where(DeletedUser.proposed_to == person_id).order_by(DeletedUser.id.desc()).limit(1)
    row = tx.execute(query).first()
    if row is None:
        raise NotFound(f"p{person_id} is not thought to be anybody", advice="`scim-bridge person returns` lists who is")
    return row
