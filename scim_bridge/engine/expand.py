"""Changes of groups and of rules become changes of people.

In slices, so that a group of 100,000 never holds the write lock for long.
"""

from __future__ import annotations

import sqlalchemy as sa

from scim_bridge.db import Database, Tx
from scim_bridge.directory.changes import mark_group, mark_people
from scim_bridge.directory.keys import slices
from scim_bridge.directory.memberships import people_in
from scim_bridge.directory.tables import Group, GroupChange, Person
from scim_bridge.engine.runs import name_run, run_of_revision
from scim_bridge.mapping.tables import RevisionChange

_SLICE = 2000
_GROUP_CHANGES = sa.select(GroupChange).order_by(GroupChange.id).limit(50)
_EXPANDED = sa.delete(GroupChange).where(GroupChange.id == sa.bindparam("change"))


def expand_groups(db: Database) -> None:
    """Fifty at most."""
    with db.read() as tx:
        rows = tx.execute(_GROUP_CHANGES).all()
    if not rows:  # a probe's were taken away with it
        return
    now = db.clock.now()
    with db.write() as tx:
        few: set[int] = set()
        for row in rows:
            people = row.person_ids if row.person_ids is not None else people_in(tx, row.group_id)
            if len(people) <= _SLICE or not _exists(tx, row.group_id):
                few.update(people)
            else:
                for some in slices(people, _SLICE):
                    mark_group(tx, row.group_id, person_ids=some, now=now)
        mark_people(tx, sorted(few), now=now)
        tx.execute(_EXPANDED, [{"change": row.id} for row in rows])


def expand_revision(db: Database) -> None:
    """One slice of everybody."""
    with db.read() as tx:
        row = tx.execute(sa.select(RevisionChange)).first()
        if row is None:
            return
        people = (
            tx.execute(sa.select(Person.id).where(Person.id > row.after_person_id).order_by(Person.id).limit(_SLICE))
            .scalars()
            .all()
        )
    same = sa.and_(RevisionChange.revision_id == row.revision_id, RevisionChange.after_person_id == row.after_person_id)
    with db.write() as tx:
        if people:
            mark_people(tx, people, now=db.clock.now())
            name_run(tx, people, run_of_revision(tx, row.revision_id))
            tx.execute(sa.update(RevisionChange).where(same).values(after_person_id=people[-1]))
        else:
            tx.execute(sa.delete(RevisionChange).where(same))


def _exists(tx: Tx, group_id: int) -> bool:
    return tx.execute(sa.select(Group.id).where(Group.id == group_id)).first() is not None
