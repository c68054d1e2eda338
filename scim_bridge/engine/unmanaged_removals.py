"""Remove accounts of nobody's that a person said should go: the same guard, reservation, lease and audit as a seat's.

A row of ``account_removals`` is to such an account what a pair is to a person's seat: due, claimed with a lease,
given back. Everything is judged anew under the hub's lock before the call, for days may lie between the question
and the answer.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.protocol import Adapter
from scim_bridge.contract.state import SEAT, Account, Status
from scim_bridge.db import Database, Tx
from scim_bridge.engine import reservations
from scim_bridge.engine.approvals import withdraw
from scim_bridge.engine.asks import Answer
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.connections import Connections, renewing
from scim_bridge.engine.diff import Change
from scim_bridge.engine.guard import Hold, held_because
from scim_bridge.engine.outcome import judge_failure, tell_hub
from scim_bridge.engine.removal_tasks import HELD_ALL_THE_SAME
from scim_bridge.engine.reservations import hub_counts
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.scene import roles_of
from scim_bridge.engine.tables import Reservation
from scim_bridge.engine.unmanaged_holds import IS_HELD, assets_of, is_spared, names_of, removal_of
from scim_bridge.errors import BridgeError, Conflict, Transient
from scim_bridge.hubs.tables import AccountRow, HoldingRow, Hub
from scim_bridge.mapping.model import HubMapping
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_AGAIN_AFTER = timedelta(minutes=10)  # what the guard holds is judged anew, until the yes is void


def due_removals(now: datetime) -> sa.Select[str]:
    """Hubs that may act and where an approved removal is due, or was left by somebody who died."""
    is_due = sa.or_(
        sa.and_(AccountRemoval.due_at <= now, AccountRemoval.owner.is_(None)), AccountRemoval.lease_until < now
    )
    return (
        sa.select(Hub.id)
        .where(
            Hub.mode == "live",
            Hub.detached_at.is_(None),
            Hub.paused_at.is_(None),
            Hub.removals_paused_at.is_(None),
            Hub.attention.is_(None),
            sa.or_(Hub.resting_until.is_(None), Hub.resting_until <= now),
            sa.exists().where(AccountRemoval.hub_id == Hub.id, is_due),
        )
        .order_by(Hub.id)
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """An account whose removal is ours to carry out now."""

    row_id: int
    approval_id: int
    owner: str
    attempts: int
    account: Account
    change: Change
    reservation_id: int


class Removals:
    """Carries out the approved removals of a hub, one after another."""

    def __init__(self, db: Database, rules: Rules, connections: Connections, settings: Settings) -> None:
        self._db = db
        self._rules = rules
        self._connections = connections
        self._settings = settings

    def run(self, hub_id: str) -> None:
        """Remove what is due in the hub, until nothing is or the hub may act no longer."""
        with self._db.read() as tx:
            mapping = self._rules.in_force(tx).mappings.hubs.get(hub_id)
        if mapping is None:
            return
        while True:
            now = self._db.now()
            due = due_removals(now).where(Hub.id == hub_id)
            with self._db.write() as tx:
                if tx.execute(due.with_for_update(of=Hub, key_share=True)).first() is None:
                    return
                found = self._claim(tx, mapping, now=now)
            if found is not None:
                self._carry_out(mapping, found)

    def _claim(self, tx: Tx, mapping: HubMapping, *, now: datetime) -> _Taken | None:
        """Take one that is due and judge it; None: it is settled without a call."""
        removal = tx.execute(
            sa.select(AccountRemoval)
            .where(
                AccountRemoval.hub_id == mapping.hub_id,
                sa.or_(
                    sa.and_(AccountRemoval.due_at <= now, AccountRemoval.owner.is_(None)),
                    AccountRemoval.lease_until < now,
                ),
            )
            .order_by(AccountRemoval.due_at, AccountRemoval.account_id)
            .limit(1)
        ).first()
        if removal is None:
            return None
        approval = tx.execute(sa.select(ApprovalRow).where(ApprovalRow.id == removal.approval_id)).one()
        account = tx.execute(sa.select(AccountRow).where(AccountRow.id == removal.account_id)).one()
        if account.gone_at is not None and removal.reservation_id is not None:
            self._gone(tx, mapping.hub_id, removal, approval, account.ref, now=now)
            return None
        names = names_of(tx, [account.id])[account.id]
        is_held = tx.execute(sa.select(AccountRow.id).where(AccountRow.id == account.id, IS_HELD)).first() is not None
        change = removal_of(account.status, account.role)
        is_same = ", ".join(sorted(change.before)) == approval.before and change.action == approval.action
        wants = mapping.safety.unmanaged == "hold" and approval.state == "approved"
        if not (wants and is_held and is_same) or is_spared(mapping, names):
            reservations.release(tx, removal.reservation_id)
            tx.execute(sa.delete(AccountRemoval).where(AccountRemoval.account_id == account.id))
            withdraw(tx, [approval.id], why="the account is another than the one that was asked about", now=now)
            return None
        hold = self._judge(tx, mapping, change, names, account.status, removal.reservation_id, now=now)
        if hold is not None:
            self._wait(tx, removal, approval, hold, now=now)
            return None
        return self._take(tx, mapping.hub_id, removal, account, change, now=now)

    def _judge(
        self,
        tx: Tx,
        mapping: HubMapping,
        change: Change,
        names: list[str],
        status: str,
        reservation_id: int | None,
        *,
        now: datetime,
    ) -> Hold | None:
        """What the guard says; `keep_at_least` wants a reading that is fresh enough to count holders."""
        is_active = status == Status.ACTIVE
        hub = tx.execute(sa.select(Hub.observed_at, Hub.check_owner).where(Hub.id == mapping.hub_id)).one()
        fresh = timedelta(seconds=self._settings.look_after_s)
        counts_holders = is_active and any(mapping.safety.keep_at_least.get(role) for role in change.before)
        if counts_holders and (hub.observed_at is None or now - hub.observed_at > fresh):
            soon = sa.and_(Hub.check_owner.is_(None), Hub.check_attempts == 0)
            tx.execute(sa.update(Hub).where(Hub.id == mapping.hub_id, soon).values(check_at=now))
            return Hold("a reading of the app counts the holders first", "")
        besides = [] if reservation_id is None else [reservation_id]
        counts = hub_counts(tx, mapping, besides_ids=besides, now=now, is_locked=False)()
        said = Answer(0, ("takes", SEAT, "", ""), "unmanaged", "", "approved")
        return held_because(
            change,
            names=names,
            is_active=is_active,
            held_before=(),
            answer=said,
            loss=None,
            is_paused=False,
            safety=mapping.safety,
            counts=counts,
            roles=roles_of(mapping),
        )

    def _wait(self, tx: Tx, removal: Any, approval: Any, hold: Hold, *, now: datetime) -> None:
        reservations.release(tx, removal.reservation_id)
        again_at = now + _AGAIN_AFTER if hold.advice else now + timedelta(seconds=5)
        self._give_back(tx, removal.account_id, removal.attempts, hold.cause, due_at=again_at)
        why = f"{HELD_ALL_THE_SAME}{hold.cause}"
        tx.execute(sa.update(ApprovalRow).where(ApprovalRow.id == approval.id).values(why=why))

    def _take(self, tx: Tx, hub_id: str, removal: Any, row: Any, change: Change, *, now: datetime) -> _Taken:
        owner = str(uuid4())
        is_active = row.status == Status.ACTIVE
        reserved = removal.reservation_id
        if reserved is None:
            values = {"hub_id": hub_id, "person_id": None, "thing": SEAT, "ends_seat": True, "is_open": True, "at": now}
            values["role"] = row.role if is_active else None
            reserved = tx.execute(sa.insert(Reservation).values(values).returning(Reservation.id)).scalar_one()
        tx.execute(
            sa.update(AccountRemoval)
            .where(AccountRemoval.account_id == row.id)
            .values(
                owner=owner,
                lease_until=now + timedelta(seconds=self._settings.lease_s),
                due_at=None,
                reservation_id=reserved,
            )
        )
        emails = tuple(name for name in names_of(tx, [row.id])[row.id] if name != row.login)
        account = Account(row.ref, Status(row.status), row.role, row.login, emails, row.detail)
        return _Taken(row.id, removal.approval_id, owner, removal.attempts, account, change, reserved)

    def _carry_out(self, mapping: HubMapping, taken: _Taken) -> None:
        try:
            adapter = self._connections.get(mapping).adapter
            with renewing(lambda: self._renew(taken)):
                _call(adapter, taken)
        except BridgeError as error:
            self._failed(mapping.hub_id, taken, error)
        except Exception:
            log.exception("removal.broke", extra={"hub": mapping.hub_id, "approval": taken.approval_id})
            broke = Transient("the removal broke inside the adapter", advice="the log has the details", maybe_done=True)
            self._failed(mapping.hub_id, taken, broke)
        else:
            self._write_down(mapping.hub_id, taken, self._gone)

    def _renew(self, taken: _Taken) -> None:
        until = self._db.now() + timedelta(seconds=self._settings.lease_s)
        with self._db.write() as tx:
            mine = sa.update(AccountRemoval).where(AccountRemoval.owner == taken.owner)
            if not tx.execute(mine.values(lease_until=until)).rowcount:
                raise Transient("somebody else removes the account by now")

    def _gone(self, tx: Tx, hub_id: str, removal: Any, approval: Any, ref: str, *, now: datetime) -> None:
        reservations.close(tx, removal.reservation_id)
        tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(last_success_at=now))
        mine = AccountRow.id == removal.account_id
        had = assets_of(tx, removal.account_id)
        tx.execute(sa.update(AccountRow).where(mine, AccountRow.gone_at.is_(None)).values(gone_at=now, seen_at=now))
        tx.execute(sa.delete(HoldingRow).where(HoldingRow.account_id == removal.account_id))
        tx.execute(sa.delete(AccountRemoval).where(AccountRemoval.account_id == removal.account_id))
        tx.execute(sa.update(ApprovalRow).where(ApprovalRow.id == approval.id).values(state="used", ended_at=now))
        record(
            tx,
            at=now,
            actor="engine",
            action="account.removed",
            hub_id=hub_id,
            subject=f"account:{ref}",
            detail={"from": approval.before, "had": had, "approval": approval.id, "approved_by": approval.answered_by},
        )

    def _failed(self, hub_id: str, taken: _Taken, error: BridgeError) -> None:
        failure = judge_failure(error, attempt=taken.attempts + 1, jitter=random.random())

        def write(tx: Tx, hub_id: str, removal: Any, approval: Any, ref: str, *, now: datetime) -> None:
            tell_hub(tx, hub_id, error, now=now)
            due_at = now + (_AGAIN_AFTER if failure.again_in_s is None else timedelta(seconds=failure.again_in_s))
            if failure.look:
                tx.execute(sa.update(Hub).where(Hub.id == hub_id, Hub.check_owner.is_(None)).values(check_at=now))
            if failure.surely_not:
                reservations.release(tx, removal.reservation_id)
            self._give_back(
                tx, removal.account_id, removal.attempts + 1, error.message, due_at=due_at, keeps=not failure.surely_not
            )
            why = f"approved, and not done yet: {error.message}"
            tx.execute(sa.update(ApprovalRow).where(ApprovalRow.id == approval.id).values(why=why))

        self._write_down(hub_id, taken, write)
        extra = {"hub": hub_id, "approval": taken.approval_id, "family": type(error).__name__}
        log.warning("removal.failed", extra=extra)

    def _write_down(self, hub_id: str, taken: _Taken, write: Callable[..., None]) -> None:
        """In one transaction, fenced by the claim."""
        now = self._db.clock.now()
        with self._db.write() as tx:
            tx.execute(sa.select(Hub.id).where(Hub.id == hub_id).with_for_update(key_share=True))
            removal = tx.execute(sa.select(AccountRemoval).where(AccountRemoval.owner == taken.owner)).first()
            if removal is None:
                log.warning("removal.lease_lost", extra={"hub": hub_id, "approval": taken.approval_id})
                return
            approval = tx.execute(sa.select(ApprovalRow).where(ApprovalRow.id == taken.approval_id)).one()
            write(tx, hub_id, removal, approval, taken.account.ref, now=now)

    def _give_back(
        self, tx: Tx, account_id: int, attempts: int, error: str, *, due_at: datetime, keeps: bool = False
    ) -> None:
        values: dict[str, Any] = {"owner": None, "lease_until": None, "due_at": due_at, "error": error}
        if not keeps:
            values["reservation_id"] = None
        tx.execute(
            sa.update(AccountRemoval).where(AccountRemoval.account_id == account_id).values(attempts=attempts, **values)
        )


def _call(adapter: Adapter, taken: _Taken) -> None:
    if taken.change.action == "remove":
        adapter.remove(taken.account)
    elif not adapter.cancel(taken.account):
        raise Conflict("the invitation is not pending any more; it may have been accepted")
