"""What stands between a person and what they should have in a hub, and until when.

Each is one ``Wait`` with a kind that machines can read. Of the hub: it is in plan mode, paused, resting, needs
attention, was never read. Of the person there: settling, a timer of `leave`, a reading, a retry, a held or failed
task, an invitation, a name that means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.state import SEAT
from scim_bridge.db import Tx
from scim_bridge.directory.tables import GroupChange, PersonChange
from scim_bridge.engine.brake_tables import ApprovalRow
from scim_bridge.engine.decide import IGNORED, UNNAMED, label
from scim_bridge.engine.diff import Gap
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.tables import Pair
from scim_bridge.engine.tasks import TaskView
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.model import HubMapping

_GROUPS_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Wait:
    """``text`` is a sentence without its end; ``until`` None: until somebody or something else moves."""

    kind: str
    text: str
    until: datetime | None = None
    task: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The shape that ``why --json`` prints."""
        until = self.until.isoformat(timespec="seconds") if self.until else None
        return {"kind": self.kind, "text": self.text, "until": until, "task": self.task}


def waits(
    tx: Tx,
    mapping: HubMapping,
    abilities: Abilities,
    scene: Scene,
    subject: Subject,
    gap: Gap,
    tasks: Sequence[TaskView],
    *,
    now: datetime,
) -> list[Wait]:
    """All of it, the hub's own first."""
    hub = tx.execute(sa.select(Hub).where(Hub.id == mapping.hub_id)).first()
    pair = tx.execute(sa.select(Pair).where(Pair.hub_id == mapping.hub_id, Pair.person_id == subject.person_id)).first()
    found = [*_of_hub(hub, now), *_of_pushes(tx, subject.person_id)]
    found += [*_of_leave(mapping, subject), *_of_invitation(abilities, scene, subject, gap)]
    found += [Wait("name", trouble) for trouble in subject.troubles]
    if subject.perhaps is not None:
        advice = f"`scim-bridge account list {mapping.hub_id}` says why; accept or refuse it"
        found.append(Wait("proposed", f"the account {subject.perhaps} may be theirs: {advice}"))
    if subject.is_ignored:
        found.append(Wait("ignored", IGNORED))
    found += [Wait(task.state, _task_words(task), task=task.id) for task in tasks if task.state in ("held", "failed")]
    found += [
        Wait(
            "approval",
            f"approval {answer.id} waits for an answer: "
            f"`scim-bridge approvals approve {answer.id} --reason WHY`, or reject",
        )
        for answer in subject.answers
        if answer.state == "pending"
    ]
    found += _of_account(tx, subject)
    return [*found, *_of_pair(pair, hub, now)]


def _of_account(tx: Tx, subject: Subject) -> Iterator[Wait]:
    """The removal of an account that is theirs and not ours is asked about by the account (`safety.unmanaged`)."""
    if subject.account is None or subject.is_ignored:
        return
    is_open = sa.and_(ApprovalRow.account_id == subject.account.id, ApprovalRow.state == "pending")
    for asked in tx.execute(sa.select(ApprovalRow.id).where(is_open)).scalars():
        say = f"`scim-bridge approvals approve {asked} --reason WHY`, or reject"
        yield Wait("approval", f"the account is not ours and its removal is proposed: {say}")


def _of_hub(hub: Any, now: datetime) -> Iterator[Wait]:
    if hub is None:
        return
    if hub.mode == "plan":
        yield Wait("plan_mode", f"the hub is in plan mode: nothing is written until `scim-bridge apply {hub.id}`")
    if hub.paused_at is not None:
        yield Wait("paused", _paused(hub.id, hub.paused_by))
    if hub.removals_paused_at is not None:
        yield Wait("removals_paused", f"removals are paused in the hub: `scim-bridge resume {hub.id}` lets them go on")
    if hub.attention:
        yield Wait("needs_attention", _needs(hub.attention), _to_come(hub.probe_at, now))
    if hub.resting_until is not None and hub.resting_until > now:
        yield Wait("resting", "the app asked for a rest", hub.resting_until)
    if hub.observed_at is None:
        yield Wait("never_read", "the app was never read; that comes first", _to_come(hub.check_at, now))


def stopped_by(hub_id: str, paused_at: datetime | None, paused_by: str | None, attention: str | None) -> Iterator[str]:
    """Why nothing at all is written in a hub until a person does something; a sentence each."""
    if paused_at is not None:
        yield _paused(hub_id, paused_by)
    if attention:
        yield _needs(attention)


def _paused(hub_id: str, by: str | None) -> str:
    return f"the hub was paused by {by}: `scim-bridge resume {hub_id}` goes on"


def _needs(attention: str) -> str:
    return f"the hub needs attention: {attention}"


def _to_come(at: datetime | None, now: datetime) -> datetime | None:
    return at if at is not None and at > now else None


def _of_pushes(tx: Tx, person_id: int) -> Iterator[Wait]:
    """Pushed and committed, but not worked out yet; a group's change may be about everybody in it."""
    is_told = tx.scalar(sa.select(PersonChange.person_id).where(PersonChange.person_id == person_id)) is not None
    groups = tx.execute(sa.select(GroupChange.person_ids).limit(_GROUPS_LOOKED_AT)).scalars()
    if is_told or any(people is None or person_id in people for people in groups):
        yield Wait("push", "a push is not worked out by the engine yet; what should be held is shown with it")


def _of_leave(mapping: HubMapping, subject: Subject) -> Iterator[Wait]:
    if subject.next_at is None:
        return
    since = subject.desired.since
    lists = (("lost_access", mapping.lost_access, since.lost_at), ("disabled", mapping.disabled, since.disabled_at))
    due = [
        f"`leave.{name}` does {step.do}"
        for name, steps, at in lists
        for step in steps
        if at is not None and at + timedelta(seconds=step.after_s) == subject.next_at
    ]
    # Both lists may be due at once; of somebody disabled it is the last one that counts.
    yield Wait("leave", f"{due[-1] if due else '`leave` does its next step'} then", subject.next_at)


def _of_invitation(abilities: Abilities, scene: Scene, subject: Subject, gap: Gap) -> Iterator[Wait]:
    invitation = subject.invitation
    if invitation is not None and invitation.state == "unmatched":
        yield Wait("invitation", f"{UNNAMED[0]}: {UNNAMED[1]}")
    elif invitation is not None and invitation.state == "pending":
        life_s = abilities.invitation_life_s
        until = invitation.sent_at + timedelta(seconds=life_s) if life_s else None
        yield Wait("invitation", "the invitation is to be accepted", until)
    elif invitation is not None:
        yield Wait("invitation", f"the invitation is {invitation.state}")
    for thing in gap.waits_for_acceptance:
        what = "another role" if thing == SEAT else label(scene, thing)
        yield Wait("acceptance", f"{what} follows when the invitation is accepted")


def _task_words(task: TaskView) -> str:
    what = f"{task.action.replace('_', ' ')} {task.thing}"
    return "; ".join(each for each in (f"{what}: {task.cause}" if task.cause else what, task.advice) if each)


def _of_pair(pair: Any, hub: Any, now: datetime) -> Iterator[Wait]:
    if pair is None or pair.done >= pair.want:
        return
    later = _to_come(pair.due_at, now)
    if pair.owner is not None:
        yield Wait("running", "it is being carried out")
    elif pair.attempts:
        yield Wait("retry", f"it is tried again ({pair.waits or 'it failed before'})", pair.due_at)
    elif pair.due_at is None:
        yield Wait("reading", pair.waits or "a reading of the app", _to_come(hub.check_at, now) if hub else None)
    elif later is not None and pair.unsettled_since is not None:
        yield Wait("settle", "`safety.settle`: a burst of changes is acted on once, when it has come to rest", later)
    elif not _stands_still(hub, pair):
        yield Wait("due", "it is the engine's turn", later)


def _stands_still(hub: Any, pair: Any) -> bool:
    """Whether the hub writes nothing for this person, whosever turn it is; why is said of the hub."""
    if hub is None or hub.paused_at is not None or hub.attention:
        return True
    return hub.mode == "plan" and pair.allowed is None
