"""The mapping set in force, read from the database: every process acts on the same revision."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from scim_bridge.contract.registry import Registry
from scim_bridge.db import Tx, UTCDateTime
from scim_bridge.engine.approvals import withdraw
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.pairs import wake
from scim_bridge.engine.runs import start_run
from scim_bridge.engine.schedule import LOSES, REPAIRS
from scim_bridge.engine.sync import sync_hubs
from scim_bridge.engine.tables import AccessRow, AppliedRow, DriftRow, Pair, Task
from scim_bridge.engine.unmanaged_holds import withdraw_settled
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.mapping import revisions
from scim_bridge.mapping.load import MappingSet, load_set, load_taken
from scim_bridge.mapping.tables import RevisionChange
from scim_bridge.mapping.work_tree import Commit


@dataclass(frozen=True, slots=True)
class InForce:
    """A revision and what its files say; hubs whose file is not valid any more are in ``mappings.refused``."""

    revision: int
    mappings: MappingSet


class Rules:
    """Reads the revision in force; parses each one once."""

    def __init__(self, registry: Registry, environment: str, traits: Traits = CORE_TRAITS) -> None:
        """``traits``: what is known of the attributes of users, declared ones included."""
        self.registry = registry
        self._environment = environment
        self._traits = traits
        self._last: InForce | None = None
        self._lock = threading.Lock()

    def load(self, files: dict[str, str], *, today: date | None = None) -> MappingSet:
        """Read and check a set of files; ``today``: earlier dates are doubted. Raises ``MappingError``."""
        return load_set(files, registry=self.registry, environment=self._environment, today=today, traits=self._traits)

    def in_force(self, tx: Tx) -> InForce:
        """The set that holds now; before the first one: an empty set as revision 0. Raises nothing for its content."""
        revision = revisions.in_force_id(tx) or 0
        with self._lock:
            if self._last is None or self._last.revision != revision:
                ref = revisions.in_force(tx)
                self._last = InForce(revision, self._taken(ref.files if ref else {}))
            return self._last

    def _taken(self, files: Mapping[str, str]) -> MappingSet:
        return load_taken(files, registry=self.registry, environment=self._environment, traits=self._traits)

    def publish(
        self,
        tx: Tx,
        files: dict[str, str],
        *,
        actor: str,
        now: datetime,
        commit: Commit | None = None,
        restores: int | None = None,
    ) -> InForce | None:
        """Put a set of files in force. None: it is already. Raises ``MappingError`` and changes nothing.

        ``restores``: the revision whose content this is, where it is rolled back to.
        """
        mappings = self.load(files, today=now.date())
        revision = revisions.publish(tx, files, actor=actor, now=now, commit=commit, restores=restores)
        if revision is None:
            return None
        run_id = start_run(tx, "revision", actor=actor, now=now, revision=revision)
        synced = sync_hubs(tx, mappings, actor=actor, now=now)
        for hub_id in synced.detached:
            cancel_hub(tx, hub_id, now=now)
        for hub_id in synced.attached:
            everybody = sa.select(Pair.person_id).where(Pair.hub_id == hub_id)
            wake(tx, hub_id, everybody, now=now, priority=REPAIRS, run_id=run_id)
        for hub_id, mapping in mappings.hubs.items():
            withdraw_settled(tx, mapping, now=now)
            wake_hub(tx, hub_id, fixes=mapping.safety.drift == "fix", now=now, run_id=run_id)
        tx.execute(sa.delete(RevisionChange).where(RevisionChange.revision_id != revision))
        return InForce(revision, mappings)


def wake_hub(tx: Tx, hub_id: str, *, fixes: bool, now: datetime, run_id: int | None = None) -> None:
    """Other rules: what was held is judged anew, and so are timers of `leave`; with ``fixes`` also all drift."""
    held = sa.select(Task.person_id).where(Task.hub_id == hub_id, Task.state == "held")
    leaving = (
        sa.select(AccessRow.person_id)
        .join(AppliedRow, sa.and_(AppliedRow.hub_id == AccessRow.hub_id, AppliedRow.person_id == AccessRow.person_id))
        .where(AccessRow.hub_id == hub_id, AccessRow.role.is_(None))
    )
    wake(tx, hub_id, held.union(leaving), now=now, priority=LOSES, run_id=run_id)
    if fixes:
        drifts = sa.select(DriftRow.person_id).where(DriftRow.hub_id == hub_id)
        wake(tx, hub_id, drifts, now=now, priority=REPAIRS, run_id=run_id)


def cancel_hub(tx: Tx, hub_id: str, *, now: datetime) -> None:
    """Nothing more is done in this hub: its open tasks are cancelled; its seats stay.

    What was under way may have had its effect: when the hub returns it is looked for first.
    """
    tx.execute(
        sa.update(Task)
        .where(Task.hub_id == hub_id, Task.state.not_in(["done", "cancelled"]))
        .values(
            state="cancelled",
            cause="the hub is detached: its mapping file is gone",
            advice=None,
            next_try_at=None,
            updated_at=now,
        )
    )
    asked = sa.select(ApprovalRow.id).where(
        ApprovalRow.hub_id == hub_id, ApprovalRow.state.in_(["pending", "approved"])
    )
    withdraw(tx, asked, why="the hub is detached", now=now)
    tx.execute(sa.delete(AccountRemoval).where(AccountRemoval.hub_id == hub_id))
    looks = sa.case((Pair.owner.is_not(None), sa.literal(now, UTCDateTime())), else_=Pair.look_after)
    left = {"due_at": None, "owner": None, "lease_until": None, "waits": None, "look_after": looks}
    tx.execute(sa.update(Pair).where(Pair.hub_id == hub_id).values(left))
