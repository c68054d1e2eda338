"""Ahead of a refusal: how fast a hub may be called (GCRA, the leaky bucket as a meter).

One number per bucket and no timer: ``reserve`` says how long a call has to wait for its turn. Pure but
for the lock; time comes in.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """``concurrency`` calls at once, ``rate`` calls a second on average, ``burst`` at once after a rest."""

    concurrency: int = 4
    rate: float = 10.0
    burst: int = 10


class Bucket:
    """A hub's turnstile. ``reserve(now_s)`` takes a turn and returns the seconds until it."""

    def __init__(self, limits: Limits) -> None:
        self._interval_s = 1.0 / limits.rate
        self._tolerance_s = self._interval_s * (limits.burst - 1)
        self._due_s = 0.0
        self._lock = threading.Lock()

    def reserve(self, now_s: float, *, at_most_s: float = float("inf")) -> float | None:
        """Seconds to wait for the turn taken (0 = now), or None where it is further off than ``at_most_s``.

        None takes no turn. ``now_s`` is any monotonic clock in seconds.
        """
        with self._lock:
            due_s = max(self._due_s, now_s)
            wait_s = max(0.0, due_s - self._tolerance_s - now_s)
            if wait_s > at_most_s:
                return None
            self._due_s = due_s + self._interval_s
            return wait_s
