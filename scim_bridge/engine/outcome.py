"""Write down what a call brought about, or why it did not: one transaction after each call.

Every write is fenced by the claim: whoever lost the pair meanwhile writes nothing, and the one who has it
now has looked at the app.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.contract.state import SEAT, SUSPENSION, Account, Status
from scim_bridge.db import Tx, UTCDateTime, upsert
from scim_bridge.engine import reservations
from scim_bridge.engine.applied import clear_applied, set_applied
from scim_bridge.engine.approvals import end_answered
from scim_bridge.engine.begin import HubNow, Step, Work
from scim_bridge.engine.decide import because_of
from scim_bridge.engine.diff import NOTHING
from scim_bridge.engine.drift import brought_back
from scim_bridge.engine.invitations import forget_invitation, mark_sent, not_sent
from scim_bridge.engine.pairs import finish
from scim_bridge.engine.schedule import backoff_s, probe_wait
from scim_bridge.engine.tables import Task
from scim_bridge.engine.tasks import end_task
from scim_bridge.errors import BridgeError, Conflict, Held, NeedsAttention, Permanent, Transient
from scim_bridge.folding import fold, name_key
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow, Hub

_AUDIT = {
    "invite": "seat.invited",
    "add": "seat.added",
    "change_role": "seat.changed",
    "renew": "seat.invitation_renewed",
    "cancel_invitation": "seat.invitation_cancelled",
    "suspend": "seat.suspended",
    "resume": "seat.resumed",
    "remove": "seat.removed",
    "add_asset": "asset.given",
    "change_asset": "asset.changed",
    "remove_asset": "asset.taken",
}
_WHOLE_HUB_REST_S = 60.0
_ACCOUNT_ID = sa.select(AccountRow.id).where(
    AccountRow.hub_id == sa.bindparam("of_hub"), AccountRow.ref == sa.bindparam("of_ref")
)


def record_success(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    """The app did it: our picture of it, what is ours, the task and the audit trail."""
    writers = {
        "invite": _seated,
        "add": _seated,
        "change_role": _role_changed,
        "suspend": _rests,
        "resume": _rests,
        "renew": _ended,
        "cancel_invitation": _ended,
        "remove": _ended,
    }
    writers.get(step.change.action, _asset_changed)(tx, hub, work, step, account, now=now)
    if step.change.is_fix:
        brought_back(tx, hub.mapping.hub_id, work.subject, work.scene, step.change, now=now)
    reservations.close(tx, step.reservation_id)
    end_answered(tx, hub.mapping.hub_id, work.subject, step.change, now=now)
    if step.change.action != "renew":
        end_task(tx, step.task_id, now=now)
    record(
        tx,
        at=now,
        actor="engine",
        action=_AUDIT[step.change.action],
        person_id=work.claim.person_id,
        hub_id=hub.mapping.hub_id,
        subject=f"task:{step.task_id}",
        detail={
            "thing": step.label,
            "from": sorted(step.change.before),
            "to": sorted(step.change.after),
            "rules": [why["rule"] for why in because_of(work.subject, step.change, hub.mapping)],
        },
    )


def _seated(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    assert account is not None
    hub_id, person_id = hub.mapping.hub_id, work.claim.person_id
    account_id = store_account(tx, hub_id, account, person_id=person_id, observation=hub.observation, now=now)
    keys = account.emails or list(work.subject.addresses)[:1]
    upsert(
        tx,
        AccountEmail,
        [{"account_id": account_id, "email_key": fold(key), "hub_id": hub_id, "seen": hub.observation} for key in keys],
        keys=["account_id", "email_key"],
        update=["seen"],
    )
    given = invited_assets(hub, work, account)
    if step.invitation_id is not None:
        mark_sent(tx, step.invitation_id, account.ref, observation=hub.next_observation, now=now)
    if work.subject.standing.applied:  # of a seat that somebody took away: its assets are given anew
        clear_applied(tx, hub_id, person_id)
    set_applied(tx, hub_id, person_id, {SEAT: step.change.after, **given}, now=now)
    for key, roles in given.items():
        _store_holding(tx, hub, account_id, key, roles)


def invited_assets(hub: HubNow, work: Work, account: Account | None = None) -> dict[str, frozenset[str]]:
    """What an invitation carries beside the seat: the lowest role of each asset, where the app takes assets."""
    if not hub.abilities.assets_at_invitation or (account is not None and account.status is not Status.INVITED):
        return {}
    return {
        key: frozenset([hub.abilities.asset_types[key.partition("/")[0]].roles[-1]])
        for key in work.subject.standing.desired
        if "/" in key
    }


def store_account(tx: Tx, hub_id: str, account: Account, *, person_id: int, observation: int, now: datetime) -> int:
    """Keep an account that we just made, linked to its person. Returns its row's id."""
    values = {
        "login": account.login,
        "login_key": name_key(account.login) if account.login else None,
        "status": account.status.value,
        "role": account.role,
        "person_id": person_id,
        "linked_how": "invited",
        "linked_at": now,
        "seen": observation,
        "seen_at": now,
        "gone_at": None,
    }
    first = {"hub_id": hub_id, "ref": account.ref, "first_seen": observation, "first_seen_at": now, "detail": ""}
    upsert(tx, AccountRow, [first | values], keys=["hub_id", "ref"], update=list(values))
    return tx.execute(_ACCOUNT_ID, {"of_hub": hub_id, "of_ref": account.ref}).scalar_one()


def _store_holding(
    tx: Tx, hub: HubNow, account_id: int, key: str, after: frozenset[str], *, before: frozenset[str] = NOTHING
) -> None:
    """Replace the roles ``before`` by ``after``; what else is held on the asset stays."""
    kind, _, ref = key.partition("/")
    asset_id = tx.execute(
        sa.select(AssetRow.id).where(AssetRow.hub_id == hub.mapping.hub_id, AssetRow.type == kind, AssetRow.ref == ref)
    ).scalar()
    if asset_id is None:
        return
    mine = sa.and_(HoldingRow.account_id == account_id, HoldingRow.asset_id == asset_id)
    tx.execute(sa.delete(HoldingRow).where(mine, HoldingRow.role.in_(before - after)))
    rows = [
        {"account_id": account_id, "asset_id": asset_id, "role": role, "seen": hub.observation}
        for role in sorted(after)
    ]
    upsert(tx, HoldingRow, rows, keys=["account_id", "asset_id", "role"], update=["seen"])


def _role_changed(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    assert work.subject.account is not None
    login = account.login if account is not None else work.subject.account.account.login
    tx.execute(
        sa.update(AccountRow)
        .where(AccountRow.id == work.subject.account.id)
        .values(
            role=next(iter(step.change.after)), login=login, login_key=name_key(login) if login else None, seen_at=now
        )
    )
    # Drift goes back no further than to what was there before it was ours; ours is what is wanted.
    ours = work.subject.standing.desired[SEAT] if step.change.is_fix else step.change.after
    set_applied(tx, hub.mapping.hub_id, work.claim.person_id, {SEAT: ours}, now=now)


def _rests(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    assert work.subject.account is not None
    status = Status.SUSPENDED if step.change.action == "suspend" else Status.ACTIVE
    tx.execute(
        sa.update(AccountRow).where(AccountRow.id == work.subject.account.id).values(status=status.value, seen_at=now)
    )
    wanted = work.subject.standing.desired.get(SUSPENSION, NOTHING)
    set_applied(tx, hub.mapping.hub_id, work.claim.person_id, {SUSPENSION: wanted}, now=now)


def _ended(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    if work.subject.account is not None:
        tx.execute(
            sa.update(AccountRow).where(AccountRow.id == work.subject.account.id).values(gone_at=now, seen_at=now)
        )
        # Whoever is added again later under the same id starts with nothing.
        tx.execute(sa.delete(HoldingRow).where(HoldingRow.account_id == work.subject.account.id))
    clear_applied(tx, hub.mapping.hub_id, work.claim.person_id)
    if step.invitation_id is not None and step.change.action != "renew":
        forget_invitation(tx, step.invitation_id, now=now)


def _asset_changed(tx: Tx, hub: HubNow, work: Work, step: Step, account: Account | None, *, now: datetime) -> None:
    assert work.subject.account is not None
    wanted = work.subject.standing.desired.get(step.change.thing, frozenset())
    set_applied(tx, hub.mapping.hub_id, work.claim.person_id, {step.change.thing: wanted}, now=now)
    change = step.change
    _store_holding(tx, hub, work.subject.account.id, change.thing, change.after, before=change.before)
    tx.execute(sa.update(AccountRow).where(AccountRow.id == work.subject.account.id).values(seen_at=now))


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed call means for its task and its pair."""

    state: str  # of the task
    ends_pair: bool  # False: the pair goes on with its other steps
    look: bool = False
    again_in_s: float | None = None
    surely_not: bool = True  # the call had no effect


def judge_failure(error: BridgeError, *, attempt: int, jitter: float) -> Failure:
    """Which family the error is of decides everything. Pure."""
    if isinstance(error, Held):
        return Failure("held", ends_pair=False)
    if isinstance(error, Permanent):
        return Failure("failed", ends_pair=False)
    if isinstance(error, NeedsAttention):
        return Failure("waiting", ends_pair=True, again_in_s=0)
    if isinstance(error, Conflict):
        wait_s = backoff_s(attempt, jitter=jitter)
        return Failure("retrying", ends_pair=True, look=True, again_in_s=wait_s, surely_not=False)
    retry_after_s = error.retry_after_s if isinstance(error, Transient) else None
    maybe_done = error.maybe_done if isinstance(error, Transient) else True
    wait_s = backoff_s(attempt, jitter=jitter, retry_after_s=retry_after_s)
    return Failure("retrying", ends_pair=True, look=maybe_done, again_in_s=wait_s, surely_not=not maybe_done)


def record_failure(tx: Tx, hub: HubNow, work: Work, step: Step, error: BridgeError, *, now: datetime) -> bool:
    """Keep what went wrong where people look for it. True: the pair was given back; stop here."""
    failure = judge_failure(error, attempt=work.claim.attempts + 1, jitter=random.random())
    next_try_at = None if failure.again_in_s is None else now + timedelta(seconds=failure.again_in_s)
    tx.execute(
        sa.update(Task)
        .where(Task.id == step.task_id)
        .values(
            state=failure.state,
            step=step.change.action,
            cause=error.message,
            advice=error.advice or None,
            next_try_at=next_try_at,
            updated_at=now,
        )
    )
    if failure.surely_not:
        reservations.release(tx, step.reservation_id)
    # A conflict says that somebody is there already: whoever that is, this call did not bring them.
    is_not_sent = step.change.action == "invite" and (failure.surely_not or isinstance(error, Conflict))
    if is_not_sent and step.invitation_id is not None:
        not_sent(tx, step.invitation_id, now=now)
    tell_hub(tx, hub.mapping.hub_id, error, now=now)
    if not failure.ends_pair:
        _tell_audit(tx, hub, work, step, failure, now=now)
        return False
    for later in work.steps[work.steps.index(step) + 1 :]:
        reservations.release(tx, later.reservation_id)
    tx.execute(
        sa.update(Task)
        .where(Task.id.in_([other.task_id for other in work.steps]), Task.state == "running")
        .values(state="queued", updated_at=now)
    )
    finish(
        tx,
        work.claim,
        now=now,
        is_done=False,
        due_at=next_try_at,
        look_after=now if failure.look else None,
        tried=True,
        waits=error.message,
    )
    return True


def tell_hub(tx: Tx, hub_id: str, error: BridgeError, *, now: datetime) -> None:
    """What a failed call means for the whole hub."""
    values: dict[str, Any] = {"last_error": error.message, "last_error_at": now}
    if isinstance(error, NeedsAttention):
        values |= attention(error, attempt=0, now=now)
    if isinstance(error, Transient) and error.whole_hub:
        values["resting_until"] = resting_until(now + timedelta(seconds=error.retry_after_s or _WHOLE_HUB_REST_S))
    tx.execute(sa.update(Hub).where(Hub.id == hub_id).values(values))


def resting_until(until: datetime) -> sa.ColumnElement[datetime | None]:
    """Let a hub rest until then, or longer where an earlier answer said so."""
    moment = sa.literal(until, UTCDateTime())
    return sa.case((Hub.resting_until > moment, Hub.resting_until), else_=moment)


def attention(error: NeedsAttention, *, attempt: int, now: datetime) -> Mapping[str, Any]:
    """The columns of a hub that waits for a person; a probe ends it."""
    return {
        "attention": str(error),
        "attention_at": now,
        "probe_attempts": attempt,
        "probe_at": now + probe_wait(attempt),
    }


def _tell_audit(tx: Tx, hub: HubNow, work: Work, step: Step, failure: Failure, *, now: datetime) -> None:
    record(
        tx,
        at=now,
        actor="engine",
        action=f"task.{failure.state}",
        person_id=work.claim.person_id,
        hub_id=hub.mapping.hub_id,
        subject=f"task:{step.task_id}",
        detail={"action": step.change.action, "thing": step.label},
    )
