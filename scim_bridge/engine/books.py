"""Keep the books where no call is made: what becomes ours as it stands, and what an earlier call brought about.

A call whose answer got lost (a time-out, a crash) may have worked. The next reading tells: where it shows what
the task was after, the task is done, not cancelled, and the audit trail says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from scim_bridge.audit.record import record
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.engine.diff import Change
from scim_bridge.engine.standing import Subject
from scim_bridge.engine.tasks import end_task

_GIVES = frozenset({"invite", "add", "renew", "change_role", "add_asset", "change_asset"})
_TAKES = frozenset({"remove", "cancel_invitation", "remove_asset"})
_UNDER_WAY = frozenset({"running", "queued", "retrying", "waiting"})


def keep_books(tx: Tx, hub_id: str, subject: Subject, books: Mapping[str, Change], *, now: datetime) -> list[int]:
    """Record ``adopt`` and ``forget`` changes, by the label of their thing; returns the tasks that are done by them."""
    ended: list[int] = []
    for label, change in books.items():
        tasks = _brought_about(subject, label, change)
        for task_id in tasks:
            end_task(tx, task_id, now=now)
        ended += tasks
        if tasks:
            action = "task.done"
        elif change.action == "adopt":
            action = "seat.adopted" if change.thing == SEAT else "asset.adopted"
        else:
            continue
        record(
            tx,
            at=now,
            actor="engine",
            action=action,
            person_id=subject.person_id,
            hub_id=hub_id,
            subject=f"task:{tasks[0]}" if tasks else None,
            detail={
                "thing": label,
                "from": sorted(change.before),
                "to": sorted(change.after),
                "rules": [why["rule"] for why in subject.because.get(change.thing, [])],
            },
        )
    return ended


def _brought_about(subject: Subject, label: str, change: Change) -> list[int]:
    """Tasks whose call went out before, and whose effect the app shows now."""
    actions = _GIVES if change.action == "adopt" else _TAKES
    return [
        task.id
        for task in subject.tasks
        if task.thing == label and task.action in actions and task.attempts and task.state in _UNDER_WAY
    ]
