"""What happens by the clock: watch the mapping folder, read hubs when it is time, probe, clear away.

One sweep a second, a few indexed statements each, however many hubs there are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import sqlalchemy as sa

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.directory.changes import mark_people
from scim_bridge.directory.memberships import drop_old_pending, take_in_missed
from scim_bridge.directory.probe import drop_left_probes
from scim_bridge.engine import answering
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.check import Check
from scim_bridge.engine.connections import Connections
from scim_bridge.engine.doubts import doubts
from scim_bridge.engine.losses import braked_sources, clear_departures, end_losses
from scim_bridge.engine.probe import probe_hub
from scim_bridge.engine.publishing import take_folder
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.standstill import Standstill
from scim_bridge.engine.tables import AccessRow, InvitationRow, Reservation, Run, Task
from scim_bridge.engine.unmanaged_removals import Removals, due_removals
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.journal.clear import clear_slice
from scim_bridge.mapping import revisions
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.watch import FolderWatch
from scim_bridge.mapping.work_tree import find_commit
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_CLEAR_EVERY = timedelta(hours=1)
_RESERVATIONS_KEPT = timedelta(days=2)
_JUDGED_AT_ONCE = 2000
_DOUBTS_EVERY = timedelta(minutes=1)
_DOUBTS_KEPT = 100
_AT_ONCE = 4  # hubs read or probed at the same time


class Keeper:
    """Does what is due by the clock."""

    def __init__(
        self,
        db: Database,
        rules: Rules,
        connections: Connections,
        settings: Settings,
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._db = db
        self._rules = rules
        self._connections = connections
        self._settings = settings
        self._check = Check(db, rules, connections, settings, on_read)
        self._removals = Removals(db, rules, connections, settings)
        self._watch = FolderWatch(settings.mappings)
        self._standstill = Standstill()
        self._doubts_at: int | None = None  # the revision whose doubts are known
        self._doubts_due = db.now()
        self._is_trouble_known = False
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keeper")
        self._busy: set[str] = set()
        self._begun: set[Future[None]] = set()
        self._clear_at: datetime | None = None
        self._journal_before: datetime | None = None  # what is older is being cleared away

    def step(self) -> bool:
        """One sweep. True: something was set going that others may want to know of."""
        now = self._db.now()
        moved = self.watch_mappings(now)
        moved = self.watch_rules(now) or moved
        self.note_doubts(now)
        moved = self._judge_anew(now) or moved
        self._invitations_soon(now)
        with self._db.read() as tx:
            checks = list(tx.execute(_due_checks(now)).scalars())
            probes = list(tx.execute(_due_probes(now)).scalars())
            removals = list(tx.execute(due_removals(now)).scalars())
        for hub_id in probes:
            self._start(f"probe {hub_id}", probe_hub, self._db, self._rules, self._connections, hub_id)
        for hub_id in checks:
            self._start(f"check {hub_id}", self._check.run, hub_id)
        for hub_id in removals:
            self._start(f"removals {hub_id}", self._removals.run, hub_id)
        self._ask_again(now)
        self._clear(now)
        self._clear_journal()
        return moved

    def watch_mappings(self, now: datetime) -> bool:
        """Put changed files in force, if the whole set is valid; else say why they are not."""
        if not self._settings.watch_mappings:
            self._forget_trouble()
            return False
        try:
            return self._publish_changes(now)
        except Exception:
            self._watch = FolderWatch(self._settings.mappings)  # what it showed was not dealt with: look again
            raise

    def _publish_changes(self, now: datetime) -> bool:
        try:
            files = self._watch.poll()
            if files is None:
                return False
            commit = find_commit(self._settings.mappings, files)
            with self._db.write() as tx:
                published = take_folder(tx, self._rules, files, actor="engine", now=now, commit=commit)
        except MappingError as error:
            with self._db.write() as tx:
                revisions.note_trouble(tx, error.findings, now)
            log.warning("mapping.invalid", extra={"findings": len(error.findings)})
            return False
        if published is not None:
            log.info("mapping.published", extra={"revision": published})
        return published is not None

    def watch_rules(self, now: datetime) -> bool:
        """Hubs whose rules in force are not valid any more stand still, and go on when they are again."""
        with self._db.read() as tx:
            refused = self._rules.in_force(tx).mappings.refused
            if not refused and revisions.trouble(tx, where=revisions.IN_FORCE) is None:
                return False
        with self._db.write() as tx:
            return self._standstill.step(tx, self._rules.in_force(tx), now=now)

    def note_doubts(self, now: datetime) -> None:
        """What the rules in force name and nobody knows: looked up after each revision, and now and then."""
        with self._db.read() as tx:
            in_force = self._rules.in_force(tx)
            if self._doubts_at == in_force.revision and now < self._doubts_due:
                return
            found = doubts(tx, in_force.mappings.hubs.values())[:_DOUBTS_KEPT]
            known = revisions.trouble(tx, where=revisions.DOUBTS)
        self._doubts_at, self._doubts_due = in_force.revision, now + _DOUBTS_EVERY
        if tuple(map(str, found)) == (known.findings if known else ()):
            return
        with self._db.write() as tx:
            if found:
                revisions.note_trouble(tx, found, now, where=revisions.DOUBTS)
            else:
                revisions.clear_trouble(tx, where=revisions.DOUBTS)

    def _forget_trouble(self) -> None:
        """What an earlier process noted of the folder says nothing where the folder counts for nothing."""
        if not self._is_trouble_known:
            with self._db.write() as tx:
                revisions.clear_trouble(tx)
            self._is_trouble_known = True

    def stop(self, timeout_s: float = 0.0) -> None:
        """Take nothing more; let what is under way end for a while."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(tuple(self._begun), timeout=timeout_s)

    def _start(self, name: str, do: Callable[..., None], *args: object) -> None:
        if name in self._busy:
            return
        self._busy.add(name)
        future = self._pool.submit(do, *args)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        future.add_done_callback(lambda _: self._busy.discard(name))

    def _invitations_soon(self, now: datetime) -> None:
        """A hub with pending invitations is read more often than others."""
        soon = now + self._settings.invitation_check
        waiting = sa.select(InvitationRow.hub_id).where(InvitationRow.ended_at.is_(None))
        late = sa.and_(Hub.check_at > soon, Hub.id.in_(waiting))
        with self._db.read() as tx:
            if tx.execute(sa.select(Hub.id).where(late)).first() is None:
                return
        with self._db.write() as tx:
            tx.execute(sa.update(Hub).where(late).values(check_at=soon))

    def _ask_again(self, now: datetime) -> None:
        """What nobody answered is asked again; a yes that was not used is void; a loss whose people are back, over."""
        remind = self._settings.approval_reminder
        with self._db.read() as tx:
            if not answering.is_due(tx, remind=remind, now=now) and not braked_sources(tx):
                return
        with self._db.write() as tx:
            answering.sweep(tx, remind=remind, now=now)
            end_losses(tx, now=now)

    def _judge_anew(self, now: datetime) -> bool:
        """Whoever holds something by a rule that has ended by its date goes through fan-out again, in slices."""
        is_due = AccessRow.reevaluate_at <= now
        with self._db.read() as tx:
            if tx.execute(sa.select(AccessRow.person_id).where(is_due).limit(1)).first() is None:
                return False
        chosen = sa.select(AccessRow.person_id).where(is_due).order_by(AccessRow.reevaluate_at).limit(_JUDGED_AT_ONCE)
        with self._db.write() as tx:
            people = sorted(set(tx.execute(chosen).scalars()))
            mark_people(tx, people, now=now)  # first: fan-out locks people before their rows, too
            of_them = AccessRow.person_id.in_(people)
            tx.execute(sa.update(AccessRow).where(is_due, of_them).values(reevaluate_at=None))
        return True

    def _clear(self, now: datetime) -> None:
        if self._clear_at is not None and now < self._clear_at:
            return
        self._clear_at = now + _CLEAR_EVERY
        kept = self._settings.retention_days
        with self._db.write() as tx:
            if kept.tasks:
                before = now - timedelta(days=kept.tasks)
                is_over = Task.state.in_(["done", "cancelled"])
                tx.execute(sa.delete(Task).where(is_over, Task.updated_at < before))
                has_tasks = sa.exists().where(Task.run_id == Run.id)
                tx.execute(sa.delete(Run).where(Run.at < before, ~has_tasks))
                tx.execute(sa.delete(InvitationRow).where(InvitationRow.ended_at < before))
                tx.execute(sa.delete(AccountRow).where(AccountRow.gone_at < before))
                tx.execute(sa.delete(ApprovalRow).where(ApprovalRow.ended_at < before))
            if kept.audit:
                tx.execute(sa.delete(AuditRow).where(AuditRow.at < now - timedelta(days=kept.audit)))
            tx.execute(sa.delete(Reservation).where(~Reservation.is_open, Reservation.at < now - _RESERVATIONS_KEPT))
            take_in_missed(tx, now=now)
            drop_old_pending(tx, now - timedelta(days=self._settings.pending_member_days))
            drop_left_probes(tx, now=now)
            clear_departures(tx, now=now)
        if kept.journal:
            self._journal_before = now - timedelta(days=kept.journal)

    def _clear_journal(self) -> None:
        """A slice each sweep: a busy day's entries are too many for one transaction that pushes wait for."""
        if self._journal_before is not None:
            with self._db.write() as tx:
                if not clear_slice(tx, self._journal_before):
                    self._journal_before = None


def _due_checks(now: datetime) -> sa.Select[str]:
    is_due = sa.and_(Hub.check_at <= now, Hub.check_owner.is_(None))
    is_left = sa.and_(Hub.check_owner.is_not(None), Hub.check_lease_until < now)  # by somebody who died
    return sa.select(Hub.id).where(
        sa.or_(is_due, is_left),
        Hub.detached_at.is_(None),
        Hub.attention.is_(None),
        sa.or_(Hub.resting_until.is_(None), Hub.resting_until <= now),
    )


def _due_probes(now: datetime) -> sa.Select[str]:
    return sa.select(Hub.id).where(Hub.probe_at <= now, Hub.detached_at.is_(None))
