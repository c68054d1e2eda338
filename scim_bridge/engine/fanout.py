"""From change rows to what each person should hold, and which pairs have work to do.

A group's or a revision's change first becomes changes of people; then each person is read, evaluated and compared
with what they should have held before. Only where the net access moved is a pair wanted, or where something failed
for them: what was pushed may be what it lacked (an e-mail address, say).

Per person: the generation is read first, the revision and the snapshot after it, so that an answer is never older
than the change it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import sqlalchemy as sa

from scim_bridge.db import Database
from scim_bridge.directory.people import load_people
from scim_bridge.directory.tables import GroupChange, PersonChange
from scim_bridge.engine.desired import looked_at, write_desired
from scim_bridge.engine.expand import expand_groups, expand_revision
from scim_bridge.engine.judging import judge
from scim_bridge.engine.losses import notice
from scim_bridge.engine.rules import Rules
from scim_bridge.hubs.bindings import bind, group_bindings, propose
from scim_bridge.mapping.tables import RevisionChange

_PEOPLE_AT_ONCE = 250

_WAITING = sa.select(
    sa.exists(sa.select(GroupChange.id)),
    sa.exists(sa.select(RevisionChange.revision_id)),
    sa.exists(sa.select(PersonChange.person_id)),
)
_PERSON_CHANGES = (
    sa.select(PersonChange.person_id, PersonChange.generation, PersonChange.run_id)
    .order_by(PersonChange.changed_at, PersonChange.person_id)
    .limit(_PEOPLE_AT_ONCE)
)


class Work(IntEnum):
    """What a step found: nothing, something, or as much as it takes at once, so that more is left."""

    NONE = 0
    SOME = 1
    FULL = 2


class Fanout:
    """Works off change rows; ``step`` does one bounded piece and says whether more may be left."""

    def __init__(
        self, db: Database, rules: Rules, on_want: Callable[[], None] = lambda: None, *, loss_percent: int = 20
    ) -> None:
        """``on_want`` is called when pairs were wanted. ``loss_percent``: what a source may lose within an hour."""
        self._loss_percent = loss_percent
        self._db = db
        self._rules = rules
        self._on_want = on_want

    def step(self) -> Work:
        """Do one piece of each kind of work."""
        with self._db.read() as tx:
            groups, revision, people = tx.execute(_WAITING).one()
        if groups:
            expand_groups(self._db)
        if revision:
            expand_revision(self._db)
        if not (groups or revision or people):
            return Work.NONE
        return Work.FULL if self._people() >= _PEOPLE_AT_ONCE else Work.SOME

    def _people(self) -> int:
        """How many people were looked at."""
        with self._db.read() as tx:
            changes = tx.execute(_PERSON_CHANGES).all()
            generations = {row.person_id: row.generation for row in changes}
            runs = {row.person_id: row.run_id for row in changes}
            if not generations:
                return 0
            in_force = self._rules.in_force(tx)
            hubs = in_force.mappings.hubs
            people = load_people(tx, list(generations)) if hubs else {}
            bound = group_bindings(tx) if hubs else {}
        verdicts, met, refused = judge(hubs, people, bound, self._db.clock.now().date())
        with self._db.write() as tx:
            if not hubs:  # nobody can be due anything
                looked_at(tx, generations)
                return len(generations)
            now = self._db.clock.now()
            bind(tx, met, now=now)
            propose(tx, refused)
            notice(tx, list(generations), percent=self._loss_percent, now=now)
            wanted = write_desired(tx, in_force, generations, runs, verdicts, now=now)
        if wanted:
            self._on_want()
        return len(generations)
