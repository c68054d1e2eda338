"""The embedded engine: three loops in the process that serves SCIM.

    fan-out   change rows -> what people should hold -> pairs
    dispatch  due pairs -> lanes, one for each hub
    keeper    what happens by the clock

A push rings a bell and is worked on within milliseconds; the sweep each second is the net below. All state
is in rows, so a loop may stop anywhere.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

from scim_bridge.contract.registry import Registry
from scim_bridge.db import Database
from scim_bridge.engine.connections import Connections
from scim_bridge.engine.dispatch import Dispatch
from scim_bridge.engine.fanout import Fanout, Work
from scim_bridge.engine.keeper import Keeper
from scim_bridge.engine.pairs import drop_leases, next_due
from scim_bridge.engine.rules import Rules
from scim_bridge.filters import CORE_TRAITS, Traits
from scim_bridge.hubs.tables import Hub
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_REST_S = 0.025
_RESTS_FOR = 4.0  # times what the step took
_LONGEST_REST_S = 0.25
_SWEEP_S = 1.0
_AFTER_TROUBLE_S = 2.0


class Engine:
    """Runs until it is stopped. Whoever starts it holds the engine's lock (``engine.lock``)."""

    def __init__(self, db: Database, settings: Settings, registry: Registry, traits: Traits = CORE_TRAITS) -> None:
        """``traits``: what conditions in mappings know of a user's attributes."""
        self._db = db
        self._connections = Connections(settings, registry, db.clock)
        rules = Rules(registry, settings.environment, traits)
        self._fanout = Fanout(db, rules, on_want=self._dispatch_bell, loss_percent=settings.source_loss_percent)
        self._dispatch = Dispatch(db, rules, self._connections, settings, on_free=self._dispatch_bell)
        self._keeper = Keeper(db, rules, self._connections, settings, on_read=self._dispatch_bell)
        self._fanout_rung = threading.Event()
        self._dispatch_rung = threading.Event()
        self._keeper_rung = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take over what an earlier engine left, then run."""
        with self._db.write() as tx:
            now = self._db.clock.now()
            left = drop_leases(tx, now=now)
            tx.execute(sa.update(Hub).where(Hub.check_owner.is_not(None)).values(check_owner=None, check_at=now))
        if left:
            log.warning("engine.took_over", extra={"pairs": left})
        for name, step, rung in (
            ("fanout", self._fan_out, self._fanout_rung),
            ("dispatch", self._dispatch.step, self._dispatch_rung),
            ("keeper", self._keep, self._keeper_rung),
        ):
            thread = threading.Thread(target=self._loop, args=(name, step, rung), name=f"engine-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """A change was committed: look now. Cheap, and safe from any thread.

        Dispatch is not woken: fan-out does that, for what it finds wanted.
        """
        self._fanout_rung.set()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop taking work; give calls under way ``timeout_s`` to end."""
        self._stopping.set()
        for rung in (self._fanout_rung, self._dispatch_rung, self._keeper_rung):
            rung.set()
        self._keeper.stop()
        self._dispatch.stop(timeout_s)
        self._connections.close()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _dispatch_bell(self) -> None:
        self._dispatch_rung.set()

    def _fan_out(self) -> bool:
        """One step, and a rest, so that under a stream of pushes those who push get most of the processor.

        What comes meanwhile is done together, which costs less: two people in a step are hardly dearer than one.
        """
        began_s = time.monotonic()
        work = self._fanout.step()
        if work is Work.SOME:
            took_s = time.monotonic() - began_s
            self._stopping.wait(min(max(_REST_S, _RESTS_FOR * took_s), _LONGEST_REST_S))
        return bool(work)

    def _keep(self) -> bool:
        if self._keeper.step():  # other rules: people to evaluate, and what was held or detached goes on
            self._fanout_rung.set()
            self._dispatch_rung.set()
        return False

    def _loop(self, name: str, step: Callable[[], bool], rung: threading.Event) -> None:
        while True:
            rung.clear()
            if self._stopping.is_set():  # asked last: a bell that was rung for the end must not be lost
                return
            try:
                if not step():
                    rung.wait(self._next_sweep_s(name))
            except Exception as error:
                if isinstance(error, sa.exc.DBAPIError):
                    log.warning("engine.database_away", extra={"loop": name})
                else:
                    log.exception("engine.loop_broke", extra={"loop": name})
                self._stopping.wait(_AFTER_TROUBLE_S)

    def _next_sweep_s(self, name: str) -> float:
        """A second, or less where a settle time ends earlier."""
        if name != "dispatch":
            return _SWEEP_S
        now = self._db.clock.now()
        with self._db.read() as tx:
            due_at = next_due(tx, now)
        return _SWEEP_S if due_at is None else min((due_at - now).total_seconds(), _SWEEP_S)
