"""One adapter per hub, kept while its settings stay the same, and what happens before each of its calls.

Before a call leaves, whoever makes it renews its lease and takes a turn at the hub's turnstile. The adapter
knows neither: both are in ``before_call``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from scim_bridge.clock import Clock
from scim_bridge.contract.http import HttpSettings
from scim_bridge.contract.limits import Bucket, Limits
from scim_bridge.contract.protocol import Adapter
from scim_bridge.contract.registry import Registry
from scim_bridge.errors import NeedsAttention, Transient
from scim_bridge.mapping.model import HubMapping
from scim_bridge.settings import Settings

_TURN_AT_MOST_S = 10.0  # a longer wait for a turn goes back to the pair's due time

_renew: ContextVar[Callable[[], None] | None] = ContextVar("renew", default=None)


@contextmanager
def renewing(renew: Callable[[], None]) -> Iterator[None]:
    """Within this block ``renew`` runs before each call to an app; it raises where the lease is lost."""
    token = _renew.set(renew)
    try:
        yield
    finally:
        _renew.reset(token)


@dataclass(frozen=True, slots=True)
class Connection:
    """A hub that can be called."""

    adapter: Adapter
    limits: Limits


class Connections:
    """The adapters of all hubs. A changed mapping gets a new one."""

    def __init__(self, settings: Settings, registry: Registry, clock: Clock) -> None:
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._open: dict[str, tuple[object, Connection]] = {}
        self._lock = threading.Lock()
        self.stopping = threading.Event()

    def get(self, mapping: HubMapping) -> Connection:
        """The hub's connection. Raises ``NeedsAttention`` where a secret cannot be read."""
        fingerprint = (mapping.app, tuple(sorted(mapping.connect.items())), mapping.limits)
        with self._lock:
            known = self._open.get(mapping.hub_id)
            if known is not None and known[0] == fingerprint:
                return known[1]
            connection = self._connect(mapping)
            if known is not None:
                known[1].adapter.close()
            self._open[mapping.hub_id] = (fingerprint, connection)
            return connection

    def close(self) -> None:
        """Give back all connections, and end waits for a turn."""
        self.stopping.set()
        with self._lock:
            for _, connection in self._open.values():
                connection.adapter.close()
            self._open.clear()

    def _connect(self, mapping: HubMapping) -> Connection:
        adapter_class = self._registry.adapter(mapping.app)
        limits = mapping.limits or adapter_class.abilities.limits
        bucket = Bucket(limits)
        counts_reads = mapping.limits is not None  # the adapter's own limits are for writes

        def before_call(writes: bool) -> None:
            renew = _renew.get()
            if renew is not None:
                renew()
            if not (writes or counts_reads):
                return
            wait_s = bucket.reserve(time.monotonic(), at_most_s=_TURN_AT_MOST_S)
            if wait_s is None:
                raise Transient("the hub's own `limits` leave no turn now", retry_after_s=_TURN_AT_MOST_S)
            if wait_s and self.stopping.wait(wait_s):
                raise Transient("the engine is stopping")

        http = HttpSettings(
            connect_s=self._settings.http_connect_s,
            read_s=self._settings.http_read_s,
            total_s=self._settings.http_timeout_s,
            before_call=before_call,
        )
        adapter = adapter_class.connect(
            mapping.connect, lambda key: read_secret(mapping.connect[key], key), http, self._clock
        )
        return Connection(adapter, limits)


def read_secret(reference: str, key: str) -> str:
    """The secret behind ``env:NAME`` or ``file:/path``, read anew at each call. Raises ``NeedsAttention``."""
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(name, "")
        if not value:
            raise NeedsAttention(f"`connect.{key}`: the environment has no {name}", advice=f"set {name} and restart")
        return value
    try:
        value = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise NeedsAttention(f"`connect.{key}`: cannot read {name}: {reason}", advice="check path and rights") from None
    if not value:
        raise NeedsAttention(f"`connect.{key}`: {name} is empty", advice="put the secret into the file")
    return value
