"""Removals and demotions, written down before their calls, so that no two workers take away the same last one.

Open: the call has not been seen to end. It is closed when it surely happened (and counts for the sliding
hour), and deleted when it surely did not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.db import Tx
from scim_bridge.engine.brake_tables import AccountRemoval
from scim_bridge.engine.diff import Change
from scim_bridge.engine.guard import Counts, ends_seat, takes_role
from scim_bridge.engine.scene import Subject
from scim_bridge.engine.tables import AppliedRow, Reservation
from scim_bridge.hubs.ignored import is_named_by, people_ignored
from scim_bridge.hubs.observed import Reading
from scim_bridge.hubs.tables import AccountRow, Hub
from scim_bridge.mapping.model import HubMapping

_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """What a claimed person left open at an earlier try."""

    id: int
    person_id: int
    thing: str


_OPEN = sa.select(Reservation.id, Reservation.person_id, Reservation.thing).where(
    Reservation.hub_id == sa.bindparam("hub"), Reservation.is_open, Reservation.person_id.is_not(None)
)
_OPEN_OF = _OPEN.where(Reservation.person_id.in_(sa.bindparam("people", expanding=True)))


def open_reservations(tx: Tx, hub_id: str, person_ids: Iterable[int] | None) -> list[OpenReservation]:
    """What these people (None: all) left open; it is decided anew, so it must not count against itself."""
    if person_ids is None:
        rows = tx.execute(_OPEN, {"hub": hub_id})
    else:
        rows = tx.execute(_OPEN_OF, {"hub": hub_id, "people": list(person_ids)})
    return [OpenReservation(row.id, row.person_id, row.thing) for row in rows if row.person_id is not None]


def hub_counts(
    tx: Tx,
    mapping: HubMapping,
    *,
    besides: Sequence[OpenReservation] = (),
    besides_ids: Sequence[int] = (),
    now: datetime,
    is_locked: bool = True,
) -> Callable[[], Counts]:
    """Count once, when first asked, under the hub's lock (a plan takes none); ``besides`` are left out.

    What `safety.ignore` names does not exist: it holds no role for `keep_at_least`, and is no managed account.
    """
    known: list[Counts] = []

    def counts() -> Counts:
        if not known:
            if is_locked:
                tx.execute(sa.select(Hub.id).where(Hub.id == mapping.hub_id).with_for_update(key_share=True))
            known.append(_count(tx, mapping, [*besides_ids, *(entry.id for entry in besides)], now=now))
        return known[0]

    return counts


def _count(tx: Tx, mapping: HubMapping, besides: Sequence[int], *, now: datetime) -> Counts:
    counts, hub_id, ignore = Counts(), mapping.hub_id, mapping.safety.ignore
    managed = sa.select(sa.func.count()).where(AppliedRow.hub_id == hub_id, AppliedRow.thing == SEAT)
    holders = sa.select(AccountRow.role, sa.func.count()).where(
        AccountRow.hub_id == hub_id, AccountRow.status == Status.ACTIVE, AccountRow.gone_at.is_(None)
    )
    if ignore:
        managed = managed.where(AppliedRow.person_id.not_in(people_ignored(tx, hub_id, ignore)))
        holders = holders.where(~is_named_by(tx, ignore))
    counts.managed = tx.execute(managed).scalar_one()
    for role, number in tx.execute(holders.group_by(AccountRow.role)):
        if role is not None:
            counts.holders[role] = number
    columns = (
        Reservation.ends_seat,
        Reservation.takes_role,
        Reservation.is_open,
        Reservation.role,
        Reservation.thing,
    )
    recent = sa.select(*columns).where(
        Reservation.hub_id == hub_id,
        sa.or_(Reservation.at > now - _WINDOW, Reservation.is_open),
        Reservation.id.not_in(besides),
    )
    for row in tx.execute(recent):
        counts.ended += row.ends_seat
        counts.suspended += row.thing == SUSPENSION
        counts.roles_taken += row.takes_role
        if row.is_open:  # not carried out yet: the seat and the holder still show
            counts.managed -= row.ends_seat and row.thing != SUSPENSION
            if row.role is not None:
                counts.holders[row.role] -= 1
    return counts


def reserve(
    tx: Tx, hub_id: str, subject: Subject, change: Change, *, approve_roles: Collection[str], now: datetime
) -> int:
    """Write the removal or demotion down; a second try of the same one keeps its row."""
    is_active = subject.standing.status is Status.ACTIVE
    values = {
        "role": next(iter(change.before), None) if change.thing in (SEAT, SUSPENSION) and is_active else None,
        "ends_seat": ends_seat(change),
        "takes_role": takes_role(change, approve_roles),
        "at": now,
    }
    known = (
        tx.execute(
            sa.select(Reservation.id).where(
                Reservation.hub_id == hub_id,
                Reservation.person_id == subject.person_id,
                Reservation.thing == change.thing,
                Reservation.is_open,
            )
        )
        .scalars()
        .first()
    )
    if known is not None:
        tx.execute(sa.update(Reservation).where(Reservation.id == known).values(values))
        return known
    return tx.execute(
        sa.insert(Reservation)
        .values(hub_id=hub_id, person_id=subject.person_id, thing=change.thing, is_open=True, **values)
        .returning(Reservation.id)
    ).scalar_one()


def close(tx: Tx, reservation_id: int | None) -> None:
    """It happened."""
    if reservation_id is not None:
        tx.execute(sa.update(Reservation).where(Reservation.id == reservation_id).values(is_open=False))


def count_unheard(tx: Tx, reading: Reading) -> int:
    """How many accounts a reading does not show whose removal we asked for without hearing how that ended.

    A bridge that died among calls leaves them, and so does an app whose answers get lost.
    """
    is_asked = sa.and_(Reservation.hub_id == reading.hub_id, Reservation.is_open, Reservation.ends_seat)
    of_people = sa.select(Reservation.person_id).where(is_asked, Reservation.person_id.is_not(None))
    by_id = sa.select(AccountRemoval.account_id).join(Reservation, Reservation.id == AccountRemoval.reservation_id)
    query = sa.select(sa.func.count()).where(
        AccountRow.hub_id == reading.hub_id,
        AccountRow.gone_at.is_(None),
        AccountRow.seen < reading.number,
        AccountRow.seen_at < reading.began_at,
        sa.or_(AccountRow.person_id.in_(of_people), AccountRow.id.in_(by_id.where(is_asked))),
    )
    return tx.scalar(query) or 0


def release(tx: Tx, reservation_id: int | None) -> None:
    """It surely did not happen."""
    if reservation_id is not None:
        tx.execute(sa.delete(Reservation).where(Reservation.id == reservation_id))


def settle(tx: Tx, left_open: Iterable[OpenReservation], subject: Subject) -> None:
    """What an earlier try left open and nobody wants now: the reading tells whether it happened."""
    for entry in left_open:
        if entry.person_id == subject.person_id:
            is_there = (entry.thing in subject.standing.observed) is not (entry.thing == SUSPENSION)
            (release if is_there else close)(tx, entry.id)
