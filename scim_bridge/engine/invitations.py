"""The life of an invitation of ours, from before its call to the day nobody waits for it any more.

    a full reading shows                                   | state
    -------------------------------------------------------+----------------------------------
    it, pending                                            | pending (also: found after a crash)
    it, lapsed or failed                                   | expired
    an account linked to its person                        | over: accepted
    neither, but a member nobody claims who was not there  | unmatched: not invited again, its
      when it was last seen pending                        |   person's removal is held
    neither, and no such member                            | vanished: cancelled in the app

Invitations are read before members, so an acceptance in between shows twice and never nowhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.db import Tx, upsert
from scim_bridge.engine.applied import set_applied
from scim_bridge.engine.pairs import bound_time
from scim_bridge.engine.scene import Subject
from scim_bridge.engine.tables import AppliedRow, InvitationRow
from scim_bridge.hubs.ignored import is_named_by
from scim_bridge.hubs.states import MAY_BE_MATCHED
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow
from scim_bridge.mapping.model import HubMapping

_AT_ONCE = 500
_INSERT = sa.insert(InvitationRow).returning(InvitationRow.id)
_SENT = (
    sa.update(InvitationRow)
    .where(InvitationRow.id == sa.bindparam("sent_id"))
    .values(
        state="pending",
        ref=sa.bindparam("new_ref"),
        sent_at=bound_time("at"),
        pending_seen=sa.bindparam("reading"),
        pending_seen_at=bound_time("at"),
    )
)


def mark_sending(tx: Tx, hub_id: str, subject: Subject, *, observation: int, now: datetime) -> int:
    """Before the call: one may be on its way from now on. An expired or renewed one keeps its row and count."""
    known = subject.invitation
    if known is not None:
        values: dict[str, object] = {"sent_at": now, "pending_seen": observation, "pending_seen_at": now}
        if known.state == "expired":
            values |= {"state": "sending", "resends": known.resends + 1}
        elif known.state != "renewing":
            values["state"] = "sending"
        tx.execute(sa.update(InvitationRow).where(InvitationRow.id == known.id).values(values))
        return known.id
    row = {
        "hub_id": hub_id,
        "person_id": subject.person_id,
        "ref": f"sending:{uuid4()}",
        "email_key": next(iter(subject.addresses)),
        "state": "sending",
        "sent_at": now,
        "pending_seen": observation,
        "pending_seen_at": now,
    }
    return tx.execute(_INSERT, row).scalar_one()


def mark_sent(tx: Tx, invitation_id: int, ref: str, *, observation: int, now: datetime) -> None:
    """The app took it."""
    tx.execute(_SENT, {"sent_id": invitation_id, "new_ref": ref, "at": now, "reading": observation})


def mark_renewing(tx: Tx, invitation_id: int) -> None:
    """Before the cancel: whoever finds this later invites anew."""
    tx.execute(sa.update(InvitationRow).where(InvitationRow.id == invitation_id).values(state="renewing"))


def not_sent(tx: Tx, invitation_id: int, *, now: datetime) -> None:
    """The call surely did not happen. One that was renewing or expired before waits for its next try."""
    row = tx.execute(sa.select(InvitationRow).where(InvitationRow.id == invitation_id)).one()
    if row.state != "sending":
        return
    if row.resends:
        values: dict[str, object] = {"state": "expired", "resends": row.resends - 1}
    else:
        values = {"ended_at": now}
    tx.execute(sa.update(InvitationRow).where(InvitationRow.id == invitation_id).values(values))


def forget_invitation(tx: Tx, invitation_id: int, *, now: datetime) -> None:
    """It is over: accepted, cancelled, or nobody waits for it."""
    tx.execute(sa.update(InvitationRow).where(InvitationRow.id == invitation_id).values(ended_at=now))


def ensure_pending(tx: Tx, hub_id: str, subject: Subject, *, observation: int, now: datetime) -> int:
    """This pending invitation is ours: follow its life (found after a crash, adopted, or not to be renewed after all).

    Returns the row's id.
    """
    assert subject.account is not None
    ref, known = subject.account.account.ref, subject.invitation
    if known is not None:
        if (known.ref, known.state) != (ref, "pending"):
            mark_sent(tx, known.id, ref, observation=observation, now=now)
        return known.id
    values = {
        "person_id": subject.person_id,
        "email_key": next(iter((*subject.account.account.emails, *subject.addresses)), ""),
        "state": "pending",
        "sent_at": now,
        "pending_seen": observation,
        "pending_seen_at": now,
        "ended_at": None,
    }
    upsert(tx, InvitationRow, [{"hub_id": hub_id, "ref": ref, **values}], keys=["hub_id", "ref"], update=list(values))
    return tx.execute(
        sa.select(InvitationRow.id).where(InvitationRow.hub_id == hub_id, InvitationRow.ref == ref)
    ).scalar_one()


def follow(
    tx: Tx, mapping: HubMapping, *, observation: int, began_at: datetime, is_trusted: bool, now: datetime
) -> set[int]:
    """After a reading: bring every open invitation of the hub up to date. Returns people to look at.

    An invitation that was sent while the reading ran is left for the next one. An untrusted reading tells only
    what it showed: none has vanished, lapsed or failed to be sent because it is not there.
    """
    rows = tx.execute(
        sa.select(InvitationRow).where(
            InvitationRow.hub_id == mapping.hub_id, InvitationRow.ended_at.is_(None), InvitationRow.sent_at < began_at
        )
    ).all()
    if not rows:
        return set()
    shown = _shown(tx, mapping.hub_id, since=0 if is_trusted else observation)
    linked = _linked_people(tx, mapping.hub_id)
    newcomer = _newest_newcomer(tx, mapping)
    moved: set[int] = set()
    for row in rows:
        values = next_values(
            row,
            shown,
            newcomer,
            is_accepted=row.person_id in linked,
            is_trusted=is_trusted,
            reading=observation,
            now=now,
        )
        if row.state in ("sending", "renewing"):
            _keep_what_was_sent(tx, row, str(values.get("ref", row.ref)), now=now)
        # Whose call never reached the app is not woken: the pair tries again at its own time.
        is_over = "ended_at" in values and (row.state != "sending" or row.person_id in linked)
        if values.get("state", row.state) != row.state or is_over or "ref" in values:
            moved.add(row.person_id)
        if values:
            tx.execute(sa.update(InvitationRow).where(InvitationRow.id == row.id).values(values))
    return moved


def _keep_what_was_sent(tx: Tx, row: sa.Row[Any], ref: str, *, now: datetime) -> None:
    """The answer got lost and the seat is there: it is ours, also where nobody wants it any more.

    An account that was there before is not: our call cannot have made it.
    """
    ours = sa.select(AppliedRow.role).where(
        AppliedRow.hub_id == row.hub_id, AppliedRow.person_id == row.person_id, AppliedRow.thing == SEAT
    )
    if tx.execute(ours).first() is not None:
        return
    account = tx.execute(
        sa.select(AccountRow.id, AccountRow.role)
        .where(
            AccountRow.hub_id == row.hub_id,
            AccountRow.gone_at.is_(None),
            sa.or_(
                sa.and_(AccountRow.ref == ref, AccountRow.status == Status.INVITED),
                sa.and_(AccountRow.person_id == row.person_id, AccountRow.status == Status.ACTIVE),
            ),
            AccountRow.first_seen_at >= row.sent_at,
        )
        .order_by(AccountRow.status)
    ).first()
    if account is None or account.role is None:
        return
    held = (
        sa.select(AssetRow.type, AssetRow.ref, HoldingRow.role)
        .join(AssetRow, AssetRow.id == HoldingRow.asset_id)
        .where(HoldingRow.account_id == account.id)
    )
    things = {f"{asset.type}/{asset.ref}": frozenset([asset.role]) for asset in tx.execute(held)}
    set_applied(tx, row.hub_id, row.person_id, {SEAT: frozenset([account.role]), **things}, now=now)


def next_values(
    row: Any,
    shown: dict[str, tuple[str, str]],
    newcomer: int | None,
    *,
    is_accepted: bool,
    is_trusted: bool,
    reading: int,
    now: datetime,
) -> dict[str, object]:
    """What becomes of an open invitation, as columns to change. Pure.

    ``newcomer`` is the latest reading that showed a member for the first time whom nobody claims.
    """
    if is_accepted:
        return {"ended_at": now}
    values = _by_what_shows(row, shown, reading=reading, now=now)
    if values is None:
        return _by_absence(row, newcomer, now=now) if is_trusted else {}
    return values


def _by_what_shows(
    row: Any, shown: dict[str, tuple[str, str]], *, reading: int, now: datetime
) -> dict[str, object] | None:
    """What becomes of an invitation that the app shows; None: it does not."""
    ref = row.ref if row.ref in shown else next((ref for ref, (_, key) in shown.items() if key == row.email_key), None)
    if ref is not None and shown[ref][0] == Status.INVITED:
        values: dict[str, object] = {"pending_seen": reading, "pending_seen_at": now}
        if ref != row.ref:
            values["ref"] = ref
        if row.state != "renewing" and row.state != "pending":
            values["state"] = "pending"
        return values
    if row.ref in shown:
        return {} if row.state in ("expired", "renewing") else {"state": "expired"}
    return None


def _by_absence(row: Any, newcomer: int | None, *, now: datetime) -> dict[str, object]:
    """What becomes of an invitation that surely is not there."""
    if row.state == "expired":
        return {}  # it was shown as expired before and is listed no longer
    if newcomer is not None and newcomer >= row.pending_seen:
        return {} if row.state == "unmatched" else {"state": "unmatched"}
    if row.state == "renewing":
        return {}
    if row.state == "sending":
        # The call never reached the app.
        return {"state": "expired", "resends": row.resends - 1} if row.resends else {"ended_at": now}
    return {} if row.state == "vanished" else {"state": "vanished"}


def _shown(tx: Tx, hub_id: str, *, since: int) -> dict[str, tuple[str, str]]:
    """Invitations that the app lists: ref -> (status, address); pending ones last, so that they win.

    Only those that reading number ``since`` or a later one showed.
    """
    query = (
        sa.select(AccountRow.ref, AccountRow.status, AccountEmail.email_key)
        .outerjoin(AccountEmail, AccountEmail.account_id == AccountRow.id)
        .where(
            AccountRow.hub_id == hub_id,
            AccountRow.gone_at.is_(None),
            AccountRow.seen >= since,
            AccountRow.status.in_([Status.INVITED, Status.EXPIRED]),
        )
        .order_by(AccountRow.status.desc())
    )
    return {row.ref: (row.status, row.email_key or "") for row in tx.execute(query)}


def _linked_people(tx: Tx, hub_id: str) -> set[int]:
    """Those of the invited who have an account by now."""
    invited = sa.select(InvitationRow.person_id).where(InvitationRow.hub_id == hub_id, InvitationRow.ended_at.is_(None))
    query = sa.select(AccountRow.person_id).where(
        AccountRow.hub_id == hub_id,
        AccountRow.person_id.in_(invited),
        AccountRow.gone_at.is_(None),
        AccountRow.status == Status.ACTIVE,
    )
    return {person_id for person_id in tx.execute(query).scalars() if person_id is not None}


def _newest_newcomer(tx: Tx, mapping: HubMapping) -> int | None:
    """The latest reading that showed a member for the first time whom nobody claims; None: there is no such member."""
    return tx.scalar(
        sa.select(sa.func.max(AccountRow.first_seen)).where(
            AccountRow.hub_id == mapping.hub_id,
            AccountRow.gone_at.is_(None),
            AccountRow.status == Status.ACTIVE,
            MAY_BE_MATCHED,
            ~is_named_by(tx, mapping.safety.ignore),
        )
    )
