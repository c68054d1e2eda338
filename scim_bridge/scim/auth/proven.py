"""Credentials that were proven lately: what makes a known token cost no statement and a JWT one RSA in its life.

Keyed by SHA-256 of what was shown, so no token lies in memory. An entry stays until others push it out, but
it is *fresh* for a second only: then its source is asked for again. So whatever an operator changes (revoked,
disabled, networks, rate) holds a second later in every process, with nobody telling anybody.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

from scim_bridge.scim.auth.proof import Proof

_AT_MOST = 4_096


@dataclass(frozen=True, slots=True)
class Known:
    """A proof, and when (monotonic seconds) its source was last asked for."""

    proof: Proof
    asked_s: float


class Proven:
    """A bounded map; reading takes no lock. Where it is full the one that was asked for longest ago goes."""

    def __init__(self, at_most: int = _AT_MOST) -> None:
        self._at_most = at_most
        self._known: dict[bytes, Known] = {}
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> Known | None:
        return self._known.get(digest)

    def put(self, digest: bytes, proof: Proof, asked_s: float) -> None:
        with self._lock:
            if digest not in self._known and len(self._known) >= self._at_most:
                del self._known[min(self._known, key=lambda each: self._known[each].asked_s)]
            self._known[digest] = Known(proof, asked_s)

    def drop(self, digest: bytes) -> None:
        with self._lock:
            self._known.pop(digest, None)


def digest_of(way: str, shown: str) -> bytes:
    """SHA-256 of what was shown on one way in: proof on one way is none on another."""
    return hashlib.sha256(f"{way}\0{shown}".encode("utf-8", "surrogatepass")).digest()
