"""A source that suddenly loses many of its people: a broken sync looks like a mass resignation.

    noticed   when fan-out looks at somebody who left: more than 20 % (setting) of the source's active people left
              within the hour before or after, of those who are active now and those who left
    belongs   whoever left within that hour, and after it as long as the hour before is as bad
    held      what would be taken from them in any hub because of it, until a person says that it should be so
    over      when that was said, or when everybody is back

Whoever left before belongs to no loss, so an ordinary leaver's timer runs on. Counting costs as much as the number
of those who left, and of the inactive met on the way: the active are only counted as far as it takes to know that
they are enough.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.tables import Departure, PersonChange, Source, User
from scim_bridge.engine.answering import answer_all
from scim_bridge.engine.asks import Loss
from scim_bridge.engine.brake_tables import SourceLoss
from scim_bridge.engine.guard import loses_suddenly
from scim_bridge.errors import Conflict, NotFound

log = logging.getLogger(__name__)

WINDOW = timedelta(hours=1)
_KEPT = timedelta(days=1)  # departures that belong to no loss
_BEFORE = timedelta(microseconds=1)

_PEOPLE: sa.BindParameter[int] = sa.bindparam("people", expanding=True)
_LEFT_SOURCES = (
    sa.select(Departure.source_id, sa.func.min(Departure.at).label("first"), sa.func.max(Departure.at).label("last"))
    .where(Departure.person_id.in_(_PEOPLE))
    .group_by(Departure.source_id)
)
_BELONGS = sa.and_(
    SourceLoss.source_id == Departure.source_id,
    SourceLoss.lifted_at.is_(None),
    Departure.at > SourceLoss.since,
    Departure.at <= SourceLoss.until,
)
_LOSSES = (
    sa.select(Departure.person_id, SourceLoss.source_id, Source.name, SourceLoss.lost, SourceLoss.of)
    .join(SourceLoss, _BELONGS)
    .join(Source, Source.id == SourceLoss.source_id)
    .where(Departure.person_id.in_(_PEOPLE))
    .order_by(SourceLoss.id)
)


def notice(tx: Tx, person_ids: Sequence[int], *, percent: int, now: datetime) -> None:
    """Find out whether the sources that some of these people just left lose too many."""
    for row in tx.execute(_LEFT_SOURCES, {"people": person_ids}).all():
        # While fan-out keeps up the hour before tells; where it is behind, the rest of a loss came after.
        hours = [(row.last - WINDOW, row.last), (row.first - _BEFORE, row.first + WINDOW)]
        for since, until in hours:
            _look(tx, row.source_id, since, until, percent=percent, now=now)


def _look(tx: Tx, source_id: int, since: datetime, until: datetime, *, percent: int, now: datetime) -> None:
    lifted_at = tx.scalar(sa.select(sa.func.max(SourceLoss.lifted_at)).where(SourceLoss.source_id == source_id))
    since = max(since, lifted_at) if lifted_at else since
    lost = _count_left(tx, source_id, since, until)
    enough = math.ceil(lost * 100 / percent) - lost  # so many active people make it no sudden loss
    active = _count_active(tx, source_id, at_most=enough)
    if not loses_suddenly(lost, lost + active, percent=percent):
        return
    mine = sa.select(SourceLoss).where(SourceLoss.source_id == source_id, SourceLoss.lifted_at.is_(None))
    known = tx.execute(mine).first()
    if known is not None:
        since, until = min(since, known.since), max(until, known.until)
        lost = _count_left(tx, source_id, since, until)
        values = {"since": since, "until": until, "lost": lost, "of": lost + active}
        tx.execute(sa.update(SourceLoss).where(SourceLoss.id == known.id).values(values))
        return
    values = {"source_id": source_id, "since": since, "until": until, "lost": lost, "of": lost + active}
    tx.execute(sa.insert(SourceLoss).values(values))
    _tell(tx, source_id, "source.lost_many", actor="engine", detail={"lost": lost, "of": lost + active}, now=now)
    log.warning("source.lost_many", extra={"source": source_id, "lost": lost, "of": lost + active})


def _count_left(tx: Tx, source_id: int, since: datetime, until: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        Departure.source_id == source_id, Departure.at > since, Departure.at <= until
    )
    return tx.scalar(query) or 0


def _count_active(tx: Tx, source_id: int, *, at_most: int) -> int:
    some = sa.select(User.id).where(User.source_id == source_id, User.active).limit(at_most)
    return tx.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0


def _tell(tx: Tx, source_id: int, action: str, *, actor: str, detail: dict[str, Any], now: datetime) -> None:
    name = tx.scalar(sa.select(Source.name).where(Source.id == source_id))
    record(tx, at=now, actor=actor, action=action, subject=f"source:{name}", detail=detail)


def load_losses(tx: Tx, person_ids: Sequence[int]) -> dict[int, Loss]:
    """The sudden loss that each of these people belongs to, if any."""
    return {row.person_id: Loss(*row[1:]) for row in tx.execute(_LOSSES, {"people": person_ids})}


def braked_sources(tx: Tx) -> list[Loss]:
    """Sources whose loss nobody has answered for, by name."""
    query = (
        sa.select(SourceLoss.source_id, Source.name, SourceLoss.lost, SourceLoss.of)
        .join(Source, Source.id == SourceLoss.source_id)
        .where(SourceLoss.lifted_at.is_(None))
    )
    return [Loss(*row) for row in tx.execute(query.order_by(Source.name))]


def approve_loss(tx: Tx, source: str, *, actor: str, reason: str, now: datetime) -> int:
    """The people of ``source`` are to go: removals that its loss holds go on, on all hubs. Returns how many wait.

    Raises ``NotFound`` for an unknown source, ``Conflict`` where it lost nobody suddenly.
    """
    source_id = tx.scalar(sa.select(Source.id).where(Source.name == source))
    if source_id is None:
        raise NotFound(f"no source {source}", advice="`scim-bridge source list` shows them")
    lifted = sa.update(SourceLoss).where(SourceLoss.source_id == source_id, SourceLoss.lifted_at.is_(None))
    if not tx.execute(lifted.values(lifted_at=now, lifted_by=actor, reason=reason)).rowcount:
        raise Conflict(f"source {source} has no sudden loss", advice="`scim-bridge approvals list` shows what waits")
    _tell(tx, source_id, "source.loss_approved", actor=actor, detail={"reason": reason}, now=now)
    return len(answer_all(tx, "approved", kind="source", source_id=source_id, actor=actor, reason=reason, now=now))


def end_losses(tx: Tx, *, now: datetime) -> None:
    """A loss of people who are all back is none any more."""
    over = sa.select(SourceLoss.id, SourceLoss.source_id).where(
        SourceLoss.lifted_at.is_(None), ~sa.exists().where(_BELONGS)
    )
    for row in tx.execute(over).all():
        ended = {"lifted_at": now, "lifted_by": "engine", "reason": "everybody is back"}
        tx.execute(sa.update(SourceLoss).where(SourceLoss.id == row.id).values(ended))
        _tell(tx, row.source_id, "source.loss_over", actor="engine", detail={}, now=now)


def clear_departures(tx: Tx, *, now: datetime) -> None:
    """Forget who left a while ago, belongs to no loss that is still held, and was looked at."""
    waits = sa.exists().where(PersonChange.person_id == Departure.person_id)
    tx.execute(sa.delete(Departure).where(Departure.at < now - _KEPT, ~waits, ~sa.exists().where(_BELONGS)))
