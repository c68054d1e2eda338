"""When something is tried: settling, backing off, probing. Pure; randomness comes in as a number."""

from __future__ import annotations

from datetime import datetime, timedelta

DISABLED, LOSES, GAINS, REPAIRS = range(4)
"""Priorities of a pair: a leaver first, a repair last."""

_BACKOFF_AT_MOST_S = 900.0
_PROBE_AT_MOST_MIN = 15


def settled_at(*, first: datetime, last: datetime, settle_s: int) -> datetime:
    """When a burst of changes may be acted on: the earlier of last + settle and first + 5 x settle."""
    return min(last + timedelta(seconds=settle_s), first + timedelta(seconds=5 * settle_s))


def backoff_s(attempt: int, *, jitter: float, retry_after_s: float | None = None) -> float:
    """Seconds until try number ``attempt`` + 1 (attempts count from 1): 1 s doubling, at most 15 minutes.

    ``jitter`` in [0, 1) shortens the wait by up to a half, so that a crowd does not return at once; what
    the app asked for (``retry_after_s``) is never undercut.
    """
    wait_s = min(2.0 ** min(attempt - 1, 20), _BACKOFF_AT_MOST_S) * (1 - jitter / 2)
    return max(wait_s, retry_after_s or 0.0)


def probe_wait(attempt: int) -> timedelta:
    """Minutes until a hub that needs attention is probed again: 1, 2, 4, 8, then every 15."""
    return timedelta(minutes=min(2**attempt, _PROBE_AT_MOST_MIN))


def check_wait_s(attempt: int, *, jitter: float, retry_after_s: float | None = None) -> float:
    """Seconds until a failed reading of a hub is tried again: 5 s doubling, at most 15 minutes."""
    return max(min(5 * backoff_s(attempt, jitter=jitter), _BACKOFF_AT_MOST_S), retry_after_s or 0.0)
