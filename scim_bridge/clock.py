"""Time comes in as a value, so that a seven-day timer can be tested in a millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the present comes from."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def format_time(at: datetime) -> str:
    """``2026-11-23 08:15:02Z``, for people; ``at`` in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%SZ}"


class FrozenClock:
    """A clock that stands still until somebody moves it; for tests."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, **by: float) -> None:
        """Move on by ``timedelta(**by)``."""
        self._at += timedelta(**by)
