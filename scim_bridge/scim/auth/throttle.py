"""How often one origin may be wrong, and how fast one source may ask: GCRA, in the memory of each process.

Only what is wrong counts, and only who is wrong is told to wait: nothing but looking at it tells a good credential
from a guess, and an identity provider may share its address with a guesser. So everything new is looked at, which
costs a look-up by an index; nothing waits for a turn, because who waits holds a thread that the others need. What
was refused a moment ago is not looked at again: the usual guesser is a client with an old token, that knows no other.
"""

from __future__ import annotations

import threading

from scim_bridge.contract.limits import Bucket, Limits
from scim_bridge.scim.auth.refusal import Refusal

_ORIGINS = 4_096
_REFUSALS = 4_096
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
        """Seconds until this origin may be wrong again; 0: now."""
        return max(0.0, self._due_s.get(origin, now_s) - self._tolerance_s - now_s)

    def add(self, origin: str, now_s: float) -> float:
        """One was wrong: the seconds that its sender should have waited, 0 within the limit.

        Nobody owes more than a turn, however many there were. Of too many origins the one that was wrong longest ago
        is forgotten.
        """
        with self._lock:
            due_s = max(self._due_s.pop(origin, now_s), now_s)
            wait_s = max(0.0, due_s - self._tolerance_s - now_s)
            if len(self._due_s) >= self._origins:
                del self._due_s[next(iter(self._due_s))]
            self._due_s[origin] = due_s if wait_s else due_s + self._interval_s
        return wait_s


class Refusals:
    """What was refused, by its digest, for ``keep_s``; of too many the oldest is forgotten."""

    def __init__(self, keep_s: float, at_most: int = _REFUSALS) -> None:
        self._keep_s = keep_s
        self._at_most = at_most
        self._refused: dict[bytes, tuple[float, Refusal]] = {}
        self._lock = threading.Lock()

    def find(self, digest: bytes, now_s: float) -> Refusal | None:
        """Why this was refused just now; None: it was not."""
        at_s, refusal = self._refused.get(digest, (float("-inf"), None))
        return refusal if now_s - at_s < self._keep_s else None

    def put(self, digest: bytes, refusal: Refusal, now_s: float) -> None:
        """Remember it anew: one that was raised holds on to the frames it passed, and so to the credential."""
        refusal = Refusal(refusal.reason, refusal.public_id)
        with self._lock:
            self._refused.pop(digest, None)
            if len(self._refused) >= self._at_most:
                del self._refused[next(iter(self._refused))]
            self._refused[digest] = (now_s, refusal)


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
