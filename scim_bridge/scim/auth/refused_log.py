"""Refusals in log and audit: at most one row a minute for an origin and a reason, with how many there were.

The first is written at once; those of the minute after it together, by the next one that is refused or by a
good request once the minute is over. A count that is open when the process ends is lost. Of more than a few
hundred origins in a minute the rest share a row, so that no flood fills the disk.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.audit.record import record
from scim_bridge.db import Database

log = logging.getLogger(__name__)

_EVERY_S = 60.0
_AT_MOST = 200
_OTHERS = "others"


@dataclass(slots=True)
class _Tally:
    written_s: float
    count: int
    row: dict[str, Any]


class RefusedLog:
    """Tells of refusals. ``now_s`` is monotonic; writes in transactions of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._sweep_s = float("inf")
        self._lock = threading.Lock()

    def add(
        self, origin: str, reason: str, *, now: datetime, now_s: float, public_id: str = "", actor: str = "unknown"
    ) -> None:
        """One more refusal. ``actor``: the source, where the credential itself was good."""
        row = {"actor": actor, "subject": f"token:{public_id}" if public_id else None}
        with self._lock:
            if (origin, reason) not in self._tallies and len(self._tallies) >= _AT_MOST:
                origin, row["subject"] = _OTHERS, None
            tally = self._tallies.setdefault((origin, reason), _Tally(float("-inf"), 0, row))
            tally.count, tally.row = tally.count + 1, row
            due = self._take(now_s)
        self._write(due, now)

    def flush(self, now: datetime, now_s: float) -> None:
        """Write what a minute that is over has left; costs one comparison while there is nothing."""
        if now_s < self._sweep_s:
            return
        with self._lock:
            due = self._take(now_s)
        self._write(due, now)

    def _take(self, now_s: float) -> list[dict[str, Any]]:
        """The rows that may be written now; whoever had a quiet minute is forgotten."""
        due = []
        for key, tally in list(self._tallies.items()):
            if now_s - tally.written_s < _EVERY_S:
                continue
            if not tally.count:
                del self._tallies[key]
                continue
            origin, reason = key
            due.append({**tally.row, "detail": {"reason": reason, "address": origin, "count": tally.count}})
            tally.written_s, tally.count = now_s, 0
        self._sweep_s = min((each.written_s for each in self._tallies.values()), default=float("inf")) + _EVERY_S
        return due

    def _write(self, due: list[dict[str, Any]], now: datetime) -> None:
        if not due:
            return
        for row in due:
            log.info("source.refused", extra={"subject": row["subject"], "actor": row["actor"], **row["detail"]})
        try:
            with self._db.write() as tx:
                for row in due:
                    record(tx, at=now, action="source.refused", **row)
        except SQLAlchemyError as error:
            log.warning("source.refused_not_audited", extra={"rows": len(due), "cause": type(error).__name__})
