"""Carry out what was begun for one person in one hub: call, write down, call, write down.

No transaction is open during a call. Whoever runs this may die at any line: the lease ends, and the next
claim looks first.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import cast

import sqlalchemy as sa

from scim_bridge.contract.protocol import Adapter, SuspendingAdapter
from scim_bridge.contract.state import SEAT, Account, Invitation, Status
from scim_bridge.db import Database
from scim_bridge.engine.begin import HubNow, Step, Work
from scim_bridge.engine.connections import renewing
from scim_bridge.engine.outcome import invited_assets, record_failure, record_success
from scim_bridge.engine.pairs import finish, owns, renew
from scim_bridge.errors import BridgeError, Conflict, Transient
from scim_bridge.hubs.tables import Hub

log = logging.getLogger(__name__)

_CALL_NEEDS_S = 40  # no call starts with less of the lease left
# A reading that ends takes the hub's row and then those of pairs; in any other order the two would lock each other out.
_LOCK_HUB = sa.select(Hub.id).where(Hub.id == sa.bindparam("hub")).with_for_update(key_share=True)
_SUCCESS_NOTED_S = 5  # a hub's last success is not written more often


class LeaseLost(Exception):
    """Somebody else has the pair now; nothing more may be done or written."""


class Converge:
    """Carries out begun work through a hub's adapter."""

    def __init__(self, db: Database, *, lease_s: int) -> None:
        self._db = db
        self._lease_s = lease_s
        self._success_noted: dict[str, datetime] = {}

    def carry_out(self, hub: HubNow, adapter: Adapter, work: Work, lease_until: datetime) -> None:
        """Make the calls of ``work`` one after another; the last one's outcome gives the pair back."""
        lease = _Lease(self._db, work, lease_until, self._lease_s)
        try:
            with renewing(lease.renew):
                self._steps(hub, adapter, work)
        except LeaseLost:
            log.warning("pair.lease_lost", extra={"hub": work.claim.hub_id, "person": work.claim.person_id})

    def _steps(self, hub: HubNow, adapter: Adapter, work: Work) -> None:
        for step in work.steps:
            is_last = step is work.steps[-1]
            try:
                account = _call(adapter, hub, work, step)
            except BridgeError as error:
                is_last = is_last or step.change.action == "renew"  # what was not cancelled is not invited anew
                if self._failed(hub, work, step, error, is_last=is_last) or is_last:
                    return
            else:
                self._succeeded(hub, work, step, account, is_last=is_last)

    def _succeeded(self, hub: HubNow, work: Work, step: Step, account: Account | None, *, is_last: bool) -> None:
        now = self._db.clock.now()
        with self._db.write() as tx:
            noted = self._success_noted.get(work.claim.hub_id)
            if noted is None or now - noted > timedelta(seconds=_SUCCESS_NOTED_S):
                tx.execute(sa.update(Hub).where(Hub.id == work.claim.hub_id).values(last_success_at=now))
                self._success_noted[work.claim.hub_id] = now
            if not owns(tx, work.claim):
                raise LeaseLost
            record_success(tx, hub, work, step, account, now=now)
            if is_last and _has_more_to_give(work, account):
                finish(tx, work.claim, now=now, is_done=False, due_at=now)
            elif is_last:
                self._end(tx, work, now=now)
        log.info(
            "change.applied",
            extra={"hub": work.claim.hub_id, "person": work.claim.person_id, "action": step.change.action},
        )

    def _failed(self, hub: HubNow, work: Work, step: Step, error: BridgeError, *, is_last: bool) -> bool:
        now = self._db.clock.now()
        with self._db.write() as tx:
            tx.execute(_LOCK_HUB, {"hub": work.claim.hub_id})
            if not owns(tx, work.claim):
                raise LeaseLost
            stop = record_failure(tx, hub, work, step, error, now=now)
            if not stop and is_last:
                self._end(tx, work, now=now)
        log.warning(
            "change.failed",
            extra={
                "hub": work.claim.hub_id,
                "person": work.claim.person_id,
                "action": step.change.action,
                "family": type(error).__name__,
                "task": step.task_id,
            },
        )
        return stop

    def _end(self, tx: sa.Connection, work: Work, *, now: datetime) -> None:
        finish(tx, work.claim, now=now, is_done=True, due_at=work.subject.next_at, waits=work.waits)


class _Lease:
    """Keeps a claim alive while calls are made."""

    def __init__(self, db: Database, work: Work, until: datetime, lease_s: int) -> None:
        self._db = db
        self._work = work
        self._until = until
        self._lease_s = lease_s

    def renew(self) -> None:
        """Before a call: make sure that enough of the lease is left for it. Raises ``LeaseLost``."""
        now = self._db.now()
        if (self._until - now).total_seconds() > max(_CALL_NEEDS_S, self._lease_s / 2):
            return
        until = now + timedelta(seconds=self._lease_s)
        with self._db.write() as tx:
            if not renew(tx, self._work.claim, until=until):
                raise LeaseLost
        self._until = until


def _has_more_to_give(work: Work, account: Account | None) -> bool:
    """Whether a seat was just filled by an account that is there at once: its assets follow."""
    is_new = account is not None and work.subject.account is None and account.status is Status.ACTIVE
    return is_new and len(work.subject.standing.desired) > 1


def _call(adapter: Adapter, hub: HubNow, work: Work, step: Step) -> Account | None:
    try:
        return perform(adapter, hub, work, step)
    except (BridgeError, LeaseLost):
        raise
    except Exception as error:
        log.exception("call.broke", extra={"hub": work.claim.hub_id, "task": step.task_id})
        words = f"{step.change.action} broke inside the adapter"
        raise Transient(words, advice="the log has the details", maybe_done=True) from error


def perform(adapter: Adapter, hub: HubNow, work: Work, step: Step) -> Account | None:
    """Make the one call of a step. Returns the account that it made or changed, if any."""
    change, subject = step.change, work.subject
    if change.action in ("invite", "add"):
        assets = {work.scene.assets[key]: _one(roles) for key, roles in invited_assets(hub, work).items()}
        address = next(iter(subject.addresses.values()))
        return adapter.invite(Invitation(address, _one(change.after), MappingProxyType(assets), work.profile))
    if subject.account is None:
        raise Conflict("the account is not known any more")
    account = subject.account.account
    if change.action in ("cancel_invitation", "renew"):
        if not adapter.cancel(account):
            raise Conflict("the invitation is not pending any more; it may have been accepted")
        return None
    if change.action == "remove":
        adapter.remove(account)
        return None
    if change.action in ("suspend", "resume"):
        rests = cast(SuspendingAdapter, adapter)
        return rests.suspend(account) if change.action == "suspend" else rests.resume(account)
    if change.thing == SEAT:
        return adapter.change_role(account, _one(change.after))
    _change_asset(adapter, account, work, step)
    return None


def _change_asset(adapter: Adapter, account: Account, work: Work, step: Step) -> None:
    asset = work.scene.assets[step.change.thing]
    before, after = step.change.before, step.change.after
    if work.scene.roles.is_one(step.change.thing):
        if after:
            adapter.set_asset(account, asset, _one(after))
        else:
            adapter.unset_asset(account, asset, _one(before))
        return
    for role in sorted(after - before):
        adapter.set_asset(account, asset, role)
    for role in sorted(before - after):
        adapter.unset_asset(account, asset, role)


def _one(roles: frozenset[str]) -> str:
    return min(roles)
