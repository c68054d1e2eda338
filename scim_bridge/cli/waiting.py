"""Waiting for what only the engine can do: a command asks in a row, the engine answers in the row.

So credentials and connections stay in one process, and a command works from any shell that sees the
database. Without an engine nobody would answer: that is said at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from scim_bridge.cli.show import console
from scim_bridge.db import Database, Tx
from scim_bridge.engine.lock import is_held
from scim_bridge.errors import Conflict, Transient

T = TypeVar("T")

_POLL_S = 0.1
_ENGINE_POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Progress(Generic[T]):
    """How far it is: ``text`` for people; ``answer`` once there is one."""

    text: str
    answer: T | None = None


def need_engine(db: Database) -> None:
    """Raise ``Conflict`` unless an engine runs on this database."""
    if not is_held(db):
        raise Conflict("no engine runs on this database", advice="start `scim-bridge serve`")


def wait_for_engine(db: Database, look: Callable[[Tx], Progress[T]], *, quiet_s: float = 60.0) -> T:
    """Ask ``look`` until it has an answer, with a line of progress on a terminal's stderr.

    Raises ``Conflict`` when the engine ends meanwhile, ``Transient`` after ``quiet_s`` without any progress.
    """
    need_engine(db)
    last, moved_s, seen_s = "", time.monotonic(), time.monotonic()
    with console(stderr=True).status("waiting for the engine") as line:
        while True:
            with db.read() as tx:
                progress = look(tx)
            if progress.answer is not None:
                return progress.answer
            now_s = time.monotonic()
            if progress.text != last:
                last, moved_s = progress.text, now_s
                line.update(last)
            if now_s - moved_s > quiet_s:
                raise Transient(
                    f"no answer within {quiet_s:.0f} s ({last})", advice="see `scim-bridge status`, and try again later"
                )
            if now_s - seen_s > _ENGINE_POLL_S:
                need_engine(db)
                seen_s = now_s
            time.sleep(_POLL_S)
