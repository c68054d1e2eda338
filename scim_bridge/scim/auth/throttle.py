"""How fast one origin may guess, and one source may ask: GCRA, in the memory of each process.

Guesses are counted, not attempts: a good credential costs nothing. Whoever shares an address with a guesser
is hardly hurt: a credential that this process has proven before never waits here, a new one waits for
seconds, and a turn comes back every few. In N processes N times as many guesses pass, against 256 random bits.
"""

from __future__ import annotations

import threading

from scim_bridge.contract.limits import Bucket, Limits

_ORIGINS = 4_096
_ROUNDING_S = 1e-6  # of fractions of a second, added up


class Guesses:
    """``per_minute`` wrong ones at once, then one each ``60 / per_minute`` seconds."""

    def __init__(self, per_minute: int, origins: int = _ORIGINS) -> None:
        self._interval_s = 60.0 / per_minute
        self._tolerance_s = self._interval_s * (per_minute - 1)
        self._origins = origins
        self._due_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait_s(self, origin: str, now_s: float) -> float:
        """Seconds until this origin may try again; 0: now."""
        return max(0.0, self._due_s.get(origin, now_s) - self._tolerance_s - now_s)

    def add(self, origin: str, now_s: float) -> None:
        """One guess was wrong. Of too many origins the one that was wrong longest ago is forgotten."""
        with self._lock:
            due_s = max(self._due_s.pop(origin, now_s), now_s)
            if len(self._due_s) >= self._origins:
                del self._due_s[next(iter(self._due_s))]
            self._due_s[origin] = due_s + self._interval_s


class Rates:
    """Each source's requests a second, with a second's worth at once."""

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[int, Bucket]] = {}

    def has_turn(self, source_id: int, per_second: int, now_s: float) -> bool:
        """Take a turn if there is one now."""
        rate, bucket = self._buckets.get(source_id, (0, None))
        if bucket is None or rate != per_second:  # two threads at the first request: a turn is lost, no more
            bucket = Bucket(Limits(rate=float(per_second), burst=per_second))
            self._buckets[source_id] = (per_second, bucket)
        return bucket.reserve(now_s, at_most_s=_ROUNDING_S) is not None
