"""Keep the books where no call is made: what becomes ours as it stands, and what an earlier call brought about.

A call whose answer got lost (a time-out, a crash) may have worked. The next reading tells: where the app shows
what the task was after, the task is done, not cancelled, and the audit trail says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.engine.decide import label
from scim_bridge.engine.diff import Change
from scim_bridge.engine.scene import OpenTask, Scene, Subject
from scim_bridge.engine.tasks import end_task

_TAKES = frozenset({"remove", "cancel_invitation", "remove_asset"})
_UNDER_WAY = frozenset({"running", "queued", "retrying", "waiting"})


def end_what_shows(
    tx: Tx, hub_id: str, subject: Subject, scene: Scene, kept: Sequence[int], *, now: datetime
) -> list[int]:
    """End the tasks, beside ``kept``, whose call went out before and whose effect the app shows now; their ids."""
    ended: list[int] = []
    shown = {label(scene, thing): roles for thing, roles in subject.standing.observed.items()}
    for task in subject.tasks:
        if task.id in kept or not task.attempts or task.state not in _UNDER_WAY:
            continue
        if _shows(task, subject, shown.get(task.thing, frozenset())):
            end_task(tx, task.id, now=now)
            ended.append(task.id)
            detail = {"action": task.action, "thing": task.thing, "to": task.after}
            record(
                tx,
                at=now,
                actor="engine",
                action="task.done",
                person_id=subject.person_id,
                hub_id=hub_id,
                subject=f"task:{task.id}",
                detail=detail,
            )
    return ended


def record_adopted(
    tx: Tx, hub_id: str, subject: Subject, scene: Scene, books: Sequence[Change], *, now: datetime
) -> None:
    """What is ours from now on, though no call of ours gave it: an auditor asks since when and by which rule."""
    for change in books:
        if change.action == "adopt":
            record(
                tx,
                at=now,
                actor="engine",
                action="asset.adopted" if "/" in change.thing else "seat.adopted",
                person_id=subject.person_id,
                hub_id=hub_id,
                detail={
                    "thing": label(scene, change.thing),
                    "from": sorted(change.before),
                    "to": sorted(change.after),
                    "rules": [why["rule"] for why in subject.because.get(change.thing, [])],
                },
            )


def _shows(task: OpenTask, subject: Subject, roles: frozenset[str]) -> bool:
    if task.action in ("suspend", "resume"):
        return bool(roles) is (task.action == "suspend")
    if task.action in _TAKES:
        # An accepted invitation is in no list either; its person is not without a seat.
        is_unnamed = subject.invitation is not None and subject.invitation.state == "unmatched"
        return not roles and not is_unnamed
    return task.after is not None and roles >= set(task.after.split(", "))
