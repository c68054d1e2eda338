"""A probe: a source that `doctor` makes for one check-up, so that every request a provider sends can be tried on the
real instance and touch nobody.

    what it must not touch   | why it does not
    -------------------------+---------------------------------------------------------------------------
    other sources' people    | it does not join, and nobody joins it
    rules, hubs, plans       | ``load_people`` shows none of its users, so its people are due nothing
    names in mappings        | a name is bound when a person's groups are judged: its people have none
    lists of sources, groups | they leave probes out
    the audit trail          | its pushes leave no row; that a probe ran leaves one

The change rows that it leaves are worked off by fan-out like all others, and come to nothing. It goes only when they
are gone: SQLite gives the ids of deleted rows to new ones, and a fan-out that had read a probe's change must not take
somebody else's for it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from scim_bridge.audit.record import UNRECORDED, record
from scim_bridge.db import Base, Tx
from scim_bridge.directory.keys import numbers
from scim_bridge.directory.tables import DeletedUser, Group, GroupChange, Person, PersonChange, Source, User
from scim_bridge.directory.tokens import new_token

TOKEN_LIVES = timedelta(minutes=15)
LEFT_AFTER = timedelta(hours=1)
"""A probe that is older was left by a doctor that was killed."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe and the token to push into it; ``domain`` is nobody's, for its users' addresses."""

    source_id: int
    name: str
    token: str

    @property
    def domain(self) -> str:
        return f"{self.name}.invalid"


def make_probe(tx: Tx, *, kind: str, now: datetime, actor: str) -> Probe:
    """Make a probe that pushes as ``kind`` does; the audit trail keeps that it was."""
    name = f"probe-{secrets.token_hex(6)}"
    made = {"name": name, "kind": kind, "joins": False, "created_at": now, "is_probe": True}
    source_id = tx.execute(sa.insert(Source).values(made).returning(Source.id)).scalar_one()
    token = new_token(tx, source_id, now=now, expires_after=TOKEN_LIVES, actor=UNRECORDED)
    record(tx, at=now, actor=actor, action="source.probed", subject=f"source:{name}", detail={"kind": kind})
    return Probe(source_id, name, token)


def changes_left(tx: Tx, source_id: int) -> int:
    """How many change rows of the probe fan-out has not worked off."""
    people = sa.select(sa.func.count()).where(PersonChange.person_id.in_(_people(source_id)))
    groups = sa.select(sa.func.count()).where(GroupChange.group_id.in_(_groups(source_id)))
    return int(tx.execute(sa.select(people.scalar_subquery() + groups.scalar_subquery())).scalar_one())


def remove_probe(tx: Tx, source_id: int) -> None:
    """Remove a probe and every row that hangs on it, in whatever table. A source that is no probe stays."""
    found = sa.select(Source.id).where(Source.id == source_id, Source.is_probe).with_for_update()
    if tx.execute(found).first() is None:
        return
    # The order in which fan-out takes them: group changes, people, changes of people.
    tx.execute(sa.delete(GroupChange).where(GroupChange.group_id.in_(_groups(source_id))))
    locked = sa.select(Person.id).where(Person.id.in_(_people(source_id))).order_by(Person.id).with_for_update()
    people = tx.execute(locked).scalars().all()
    tx.execute(sa.delete(PersonChange).where(PersonChange.person_id.in_(numbers(tx, people))))
    for table in reversed(Base.metadata.sorted_tables):  # whoever hangs on another first
        for key in table.foreign_keys:
            if key.column is Source.__table__.c.id:
                tx.execute(sa.delete(table).where(key.parent == source_id))
    tx.execute(sa.delete(Person).where(Person.id.in_(numbers(tx, people))))
    tx.execute(sa.delete(Source).where(Source.id == source_id))


def drop_left_probes(tx: Tx, *, now: datetime) -> None:
    """Remove the probes that doctors left behind."""
    left = sa.select(Source.id).where(Source.is_probe, Source.created_at < now - LEFT_AFTER)
    for source_id in tx.execute(left).scalars().all():
        remove_probe(tx, source_id)


def _people(source_id: int) -> sa.CompoundSelect[int]:
    return sa.union(
        sa.select(User.person_id).where(User.source_id == source_id),
        sa.select(DeletedUser.person_id).where(DeletedUser.source_id == source_id),
    )


def _groups(source_id: int) -> sa.Select[int]:
    return sa.select(Group.id).where(Group.source_id == source_id)
