"""Pick due pairs and hand them to their hub's lane.

Each hub has a lane of its own, as wide as its ``concurrency``: a slow app fills its lane and nobody else's,
which is all the fairness that is needed. A lane holds begun pairs beyond those that it works on, and is filled
up only when there is room for a batch: claiming and reading are paid for once a batch, not once a person.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from scim_bridge.contract.limits import Limits
from scim_bridge.db import Database, Tx
from scim_bridge.engine.begin import HubNow, Work, begin
from scim_bridge.engine.connections import Connection, Connections
from scim_bridge.engine.converge import Converge
from scim_bridge.engine.outcome import attention
from scim_bridge.engine.pairs import Claim, bound_time, claim, finish, has_planned_work, has_work
from scim_bridge.engine.rules import Rules
from scim_bridge.engine.schedule import backoff_s
from scim_bridge.errors import NeedsAttention
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.model import HubMapping
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_HUB_NOW = (
    sa.select(
        Hub.observed_from,
        Hub.observed_at,
        Hub.observation,
        Hub.check_owner,
        Hub.mode,
        Hub.removals_paused_at,
        Hub.doubt_kind,
    )
    .where(Hub.id == sa.bindparam("hub"))
    .with_for_update(key_share=True)
)
_MAY_ACT = sa.select(Hub.id).where(
    Hub.detached_at.is_(None),
    Hub.paused_at.is_(None),
    Hub.attention.is_(None),
    sa.or_(Hub.resting_until.is_(None), Hub.resting_until <= bound_time("now")),
    sa.or_(
        sa.and_(Hub.mode == "live", has_work(Hub.id, bound_time("now"))),
        sa.and_(Hub.mode == "plan", has_planned_work(Hub.id, bound_time("now"))),
    ),
)
"""Hubs with work that are neither paused, resting, detached nor waiting for a person; in plan mode: with a plan."""


@dataclass
class _Lane:
    executor: ThreadPoolExecutor
    limits: Limits
    begun: set[Future[None]] = field(default_factory=set)

    def room(self) -> int:
        """How many pairs may be begun now: a batch worth its statements, or none.

        Never more ahead than a second's calls: whoever leaves now must not wait behind a minute's invitations.
        """
        width = self.limits.concurrency
        ahead = min(2 * width, max(1, int(self.limits.rate)))
        room = width + ahead - len(self.begun)
        return room if room >= min(width, ahead) else 0


class Dispatch:
    """Claims what is due in every hub that may act, and runs it in the hub's lane."""

    def __init__(
        self,
        db: Database,
        rules: Rules,
        connections: Connections,
        settings: Settings,
        on_free: Callable[[], None],
    ) -> None:
        self._db = db
        self._rules = rules
        self._connections = connections
        self._settings = settings
        self._on_free = on_free
        self._converge = Converge(db, lease_s=settings.lease_s)
        self._lanes: dict[str, _Lane] = {}

    def step(self) -> bool:
        """Hand out one round of work. False: nothing could be handed out."""
        now = self._db.now()
        with self._db.read() as tx:
            hub_ids = list(tx.execute(_MAY_ACT, {"now": now}).scalars())
            if not hub_ids:
                return False
            mappings = self._rules.in_force(tx).mappings.hubs
            ready = [hub_id for hub_id in hub_ids if hub_id in mappings]
        return sum(self._serve(mappings[hub_id], now) for hub_id in ready) > 0

    def stop(self, timeout_s: float) -> None:
        """Take nothing more; let calls under way end for a while. What is cut off is picked up at the next start."""
        for lane in self._lanes.values():
            lane.executor.shutdown(wait=False, cancel_futures=True)
        wait([future for lane in self._lanes.values() for future in tuple(lane.begun)], timeout=timeout_s)

    def _serve(self, mapping: HubMapping, now: datetime) -> bool:
        connection = self._connection(mapping)
        if connection is None:
            return False
        lane = self._lane(mapping.hub_id, connection.limits)
        room = lane.room()
        if not room:
            return False
        claimed, hub, works = self._begin(mapping, connection, room, now)
        lease_until = now + timedelta(seconds=self._settings.lease_s)
        for work in works:
            future = lane.executor.submit(self._run, hub, connection, work, lease_until)
            lane.begun.add(future)
            future.add_done_callback(lambda done, lane=lane: self._ended(lane, done))  # type: ignore[misc]
        return claimed > 0

    def _begin(
        self, mapping: HubMapping, connection: Connection, room: int, now: datetime
    ) -> tuple[int, HubNow, list[Work]]:
        try:
            with self._db.write() as tx:
                return self._begin_batch(tx, mapping, connection, room, now)
        except Exception:
            if room == 1:
                log.exception("begin.broke", extra={"hub": mapping.hub_id})
                with self._db.write() as tx:
                    hub = self._hub_now(tx, mapping, connection)
                    self._set_aside(tx, hub, now)
                    return 0, hub, []
        # One of the batch cannot be decided: take them singly, so that the others go on.
        return self._begin(mapping, connection, 1, now)

    def _begin_batch(
        self, tx: Tx, mapping: HubMapping, connection: Connection, room: int, now: datetime
    ) -> tuple[int, HubNow, list[Work]]:
        # The hub's row first, and locked: a reading that ends meanwhile either is seen here, or sees who waits for it.
        hub = self._hub_now(tx, mapping, connection)
        claims = self._claim(tx, hub, room, now)
        works = begin(tx, hub, claims, look_after_s=self._settings.look_after_s, now=now)
        return len(claims), hub, works

    def _claim(self, tx: Tx, hub: HubNow, room: int, now: datetime) -> list[Claim]:
        return claim(
            tx,
            hub.mapping.hub_id,
            limit=room,
            now=now,
            lease_s=self._settings.lease_s,
            only_planned=not hub.is_live,
        )

    def _set_aside(self, tx: Tx, hub: HubNow, now: datetime) -> None:
        for taken in self._claim(tx, hub, 1, now):
            again_at = now + timedelta(seconds=max(5.0, backoff_s(taken.attempts + 1, jitter=0)))
            waits = "it could not be decided; the log has the details"
            finish(tx, taken, now=now, is_done=False, due_at=again_at, tried=True, waits=waits)

    def _hub_now(self, tx: Tx, mapping: HubMapping, connection: Connection) -> HubNow:
        row = tx.execute(_HUB_NOW, {"hub": mapping.hub_id}).one()
        coming = row.observation + (row.check_owner is None)
        return HubNow(
            mapping,
            connection.adapter.abilities,
            row.observed_from,
            row.observed_at,
            row.observation,
            coming,
            are_removals_paused=row.removals_paused_at is not None,
            is_doubted=row.doubt_kind is not None,
            is_live=row.mode == "live",
        )

    def _connection(self, mapping: HubMapping) -> Connection | None:
        try:
            return self._connections.get(mapping)
        except NeedsAttention as error:
            with self._db.write() as tx:
                values = attention(error, attempt=0, now=self._db.clock.now())
                tx.execute(sa.update(Hub).where(Hub.id == mapping.hub_id, Hub.attention.is_(None)).values(values))
            return None

    def _lane(self, hub_id: str, limits: Limits) -> _Lane:
        lane = self._lanes.get(hub_id)
        if lane is None or lane.limits != limits:
            if lane is not None:
                lane.executor.shutdown(wait=False)
            lane = _Lane(ThreadPoolExecutor(limits.concurrency, thread_name_prefix=f"lane-{hub_id}"), limits)
            self._lanes[hub_id] = lane
        return lane

    def _ended(self, lane: _Lane, future: Future[None]) -> None:
        lane.begun.discard(future)
        if lane.room():
            self._on_free()

    def _run(self, hub: HubNow, connection: Connection, work: Work, lease_until: datetime) -> None:
        try:
            self._converge.carry_out(hub, connection.adapter, work, lease_until)
        except Exception:
            # The database is away, or worse: the lease lapses and the next claim looks first.
            log.exception("pair.broke", extra={"hub": work.claim.hub_id, "person": work.claim.person_id})
