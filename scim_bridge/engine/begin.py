"""Take claimed pairs and write down what will be done, in one transaction, before any call is made.

A batch is read with a constant number of statements. What needs no call (adopting, forgetting, finding
that nothing is to be done) is finished here; for the rest this leaves running tasks, reservations under the
hub's lock, and invitations marked as being sent, so that whoever finds them after a crash knows what may
have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from scim_bridge.contract.protocol import Abilities
from scim_bridge.contract.state import SEAT, Status
from scim_bridge.db import Tx
from scim_bridge.directory.people import load_people
from scim_bridge.engine.allowed import SEATS, carried, of_rows
from scim_bridge.engine.applied import set_applied
from scim_bridge.engine.approvals import keep_asked
from scim_bridge.engine.books import end_what_shows, record_adopted
from scim_bridge.engine.decide import Decision, Ruling, because_of, decide, label
from scim_bridge.engine.diff import Change
from scim_bridge.engine.drift import keep_drift
from scim_bridge.engine.guard import takes_away
from scim_bridge.engine.invitations import ensure_pending, forget_invitation, mark_renewing, mark_sending
from scim_bridge.engine.pairs import Claim, finish
from scim_bridge.engine.reservations import OpenReservation, hub_counts, open_reservations, reserve, settle
from scim_bridge.engine.rivals import seated, wanted_by_others
from scim_bridge.engine.runs import stretch_run
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.standing import load_scene
from scim_bridge.engine.tasks import close_tasks, open_task
from scim_bridge.engine.undone_rows import end_undone
from scim_bridge.hubs.accounts import set_links, set_proposals
from scim_bridge.hubs.bindings import bind, propose
from scim_bridge.hubs.tables import Hub
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.profile import profile_of


@dataclass(frozen=True, slots=True)
class Step:
    """One call to come, and the rows that stand for it."""

    change: Change
    label: str
    task_id: int
    reservation_id: int | None = None
    invitation_id: int | None = None
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed pair with calls to make. ``profile``: what a new account is told of the person."""

    claim: Claim
    subject: Subject
    scene: Scene
    steps: tuple[Step, ...]
    waits: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HubNow:
    """What a decision needs to know of its hub."""

    mapping: HubMapping
    abilities: Abilities
    observed_from: datetime | None  # the last full reading: begun
    observed_at: datetime | None  # the same: ended
    observation: int
    next_observation: int  # the first that may show what is sent now: the one under way, or the one to come
    are_removals_paused: bool = False
    is_doubted: bool = False  # the last reading is not to be trusted: it proves no drift
    is_live: bool = True  # False: in plan mode, where only an applied plan's changes are made


def begin(tx: Tx, hub: HubNow, claims: Sequence[Claim], *, look_after_s: int, now: datetime) -> list[Work]:
    """Decide for each claimed pair; finish those without calls; return the others, ready to be carried out."""
    ready = []
    for claim in claims:
        if _must_read_first(hub, claim):
            _wait_for_reading(tx, hub, claim, after=claim.look_after or now, now=now)
        else:
            ready.append(claim)
    if not ready:
        return []
    scene = load_scene(
        tx,
        hub.mapping,
        [claim.person_id for claim in ready],
        invites=hub.abilities.invites,
        read_in_full=True,
        is_doubted=hub.is_doubted,
        planned=frozenset(claim.person_id for claim in ready if claim.is_planned),
        now=now,
    )
    set_links(tx, scene.new_links, how="matched", now=now)
    set_proposals(tx, scene.new_proposals)
    bind(tx, scene.resolved.met, now=now)
    propose(tx, scene.resolved.refused)
    left_open = open_reservations(tx, hub.mapping.hub_id, [claim.person_id for claim in ready])
    counts = hub_counts(tx, hub.mapping, besides=left_open, now=now)
    stretch = stretch_run(tx, hub.mapping.hub_id, now=now)
    rivalled = wanted_by_others(tx, scene.subjects.values(), partial(seated, tx, hub.mapping.hub_id))
    work = []
    for claim in ready:
        subject = scene.subjects[claim.person_id]
        allowed = _allowed(hub, claim, subject)
        decision = decide(
            subject,
            hub.mapping,
            scene,
            counts,
            is_wanted_by_another=claim.person_id in rivalled,
            are_removals_paused=hub.are_removals_paused,
            allowed=allowed,
        )
        if allowed is not None and any(ruling.change.action in SEATS for ruling in decision.rulings):
            subject.standing = replace(subject.standing, desired=carried(subject.standing.desired, allowed))
        if _stands_on_an_old_reading(hub, scene, decision, now=now, look_after_s=look_after_s):
            _wait_for_reading(tx, hub, claim, after=now - timedelta(seconds=look_after_s), now=now)
            continue
        begun = _write_down(tx, hub, claim, subject, scene, decision, left_open, stretch, now=now)
        if begun is not None:
            work.append(begun)
    return _with_profiles(tx, hub, work)


def _with_profiles(tx: Tx, hub: HubNow, work: list[Work]) -> list[Work]:
    """The same, with what the mapping's ``profile`` says of those who get an account now."""
    if not hub.mapping.profile or not hub.abilities.profile:
        return work
    new = {one.claim.person_id for one in work if any(step.change.action in ("invite", "add") for step in one.steps)}
    people = load_people(tx, sorted(new))
    return [
        replace(one, profile=profile_of(hub.mapping, people[one.claim.person_id]))
        if one.claim.person_id in people
        else one
        for one in work
    ]


def _must_read_first(hub: HubNow, claim: Claim) -> bool:
    if hub.observed_from is None:
        return True
    return claim.look_after is not None and hub.observed_from <= claim.look_after


def _stands_on_an_old_reading(
    hub: HubNow, scene: Scene, decision: Decision, *, now: datetime, look_after_s: int
) -> bool:
    """Whether `keep_at_least` would be judged, or drift be brought back, by a reading that is too old for it.

    Its end is what counts: a reading that takes longer than ``look_after_s`` must do, too.
    """
    if hub.observed_at is not None and now - hub.observed_at <= timedelta(seconds=look_after_s):
        return False
    kept = {role for role, count in hub.mapping.safety.keep_at_least.items() if count}
    return any(
        (ruling.change.is_fix and ruling.goes_on)
        or (
            ruling.change.action in ("remove", "change_role", "suspend")
            and takes_away(ruling.change, scene.roles)
            and bool(kept & ruling.change.before)
        )
        for ruling in decision.rulings
    )


def _wait_for_reading(tx: Tx, hub: HubNow, claim: Claim, *, after: datetime, now: datetime) -> None:
    soon = sa.or_(Hub.check_at.is_(None), Hub.check_at > now)
    tx.execute(
        sa.update(Hub)
        .where(Hub.id == hub.mapping.hub_id, soon, Hub.check_owner.is_(None), Hub.check_attempts == 0)
        .values(check_at=now)
    )
    finish(tx, claim, now=now, is_done=False, look_after=after, waits="a reading of the app")


def _allowed(hub: HubNow, claim: Claim, subject: Subject) -> frozenset[Change] | None:
    """The changes of an applied plan to which this pair is kept; a leaver of a live hub waits for no plan."""
    if claim.allowed is None or (hub.is_live and subject.desired.disabled):
        return None
    return of_rows(claim.allowed)


def _write_down(
    tx: Tx,
    hub: HubNow,
    claim: Claim,
    subject: Subject,
    scene: Scene,
    decision: Decision,
    left_open: Sequence[OpenReservation],
    stretch: Callable[[], int],
    *,
    now: datetime,
) -> Work | None:
    hub_id, ordered = hub.mapping.hub_id, claim.run_id
    run = stretch if ordered is None else lambda: ordered
    if subject.undone_over:
        _end_undone(tx, hub_id, subject, now=now)
    books = [ruling.change for ruling in decision.rulings if not ruling.change.needs_call]
    if books:
        set_applied(tx, hub_id, claim.person_id, {change.thing: _kept(change) for change in books}, now=now)
        record_adopted(tx, hub_id, subject, scene, books, now=now)
    keep_drift(tx, hub_id, subject, scene, decision.drift, now=now)
    _follow_invitation(tx, hub, subject, books, now=now)
    steps: list[Step] = []
    kept_tasks: list[int] = []
    for ruling in decision.rulings:
        if ruling.change.needs_call:
            name, because = label(scene, ruling.change.thing), because_of(subject, ruling.change, hub.mapping)
            task_id = open_task(tx, hub_id, subject, ruling, name, run, kept_tasks, because=because, now=now)
            kept_tasks.append(task_id)
            if ruling.goes_on:
                begun = _steps(tx, hub, subject, scene, ruling, task_id, now=now)
                steps += [replace(step, run_id=run()) for step in begun]
    kept_reservations = {step.reservation_id for step in steps}
    settle(tx, [entry for entry in left_open if entry.id not in kept_reservations], subject)
    kept_tasks += end_what_shows(tx, hub_id, subject, scene, kept_tasks, now=now)
    close_tasks(tx, subject, kept_tasks, now=now)
    keep_asked(tx, hub_id, subject, scene, decision, now=now)
    waits = "; ".join(decision.waits) or None
    if steps:
        return Work(claim, subject, scene, tuple(steps), waits)
    finish(tx, claim, now=now, is_done=True, due_at=subject.next_at, waits=waits)
    return None


def _end_undone(tx: Tx, hub_id: str, subject: Subject, *, now: datetime) -> None:
    why = "the person has left" if subject.desired.disabled else "the rules want something else"
    things = [each.thing for each in subject.undone_over]
    end_undone(tx, hub_id, subject.person_id, things, why=why, actor="engine", now=now)


def _kept(change: Change) -> frozenset[str]:
    return change.after if change.action == "adopt" else frozenset()


def _follow_invitation(tx: Tx, hub: HubNow, subject: Subject, books: Sequence[Change], *, now: datetime) -> None:
    """Keep the row of an invitation in step with what the reading says of it."""
    if subject.standing.status is Status.INVITED and subject.account is not None:
        is_ours = SEAT in subject.standing.applied or any(
            change.thing == SEAT and change.action == "adopt" for change in books
        )
        if is_ours:
            ensure_pending(tx, hub.mapping.hub_id, subject, observation=hub.observation, now=now)
    elif subject.invitation is not None and (
        subject.standing.status is Status.ACTIVE
        or (SEAT not in subject.standing.desired and subject.invitation.state != "unmatched")
    ):
        forget_invitation(tx, subject.invitation.id, now=now)


def _steps(
    tx: Tx,
    hub: HubNow,
    subject: Subject,
    scene: Scene,
    ruling: Ruling,
    task_id: int,
    *,
    now: datetime,
) -> list[Step]:
    change, name = ruling.change, label(scene, ruling.change.thing)
    reservation_id = None
    if takes_away(change, scene.roles):
        approve_roles = hub.mapping.safety.approve_roles
        reservation_id = reserve(tx, hub.mapping.hub_id, subject, change, approve_roles=approve_roles, now=now)
    if change.action in ("invite", "add"):
        invitation_id = None
        if hub.abilities.invites:
            invitation_id = mark_sending(tx, hub.mapping.hub_id, subject, observation=hub.next_observation, now=now)
        return [Step(change, name, task_id, reservation_id, invitation_id)]
    if change.action == "renew":
        invitation_id = ensure_pending(tx, hub.mapping.hub_id, subject, observation=hub.observation, now=now)
        mark_renewing(tx, invitation_id)
        again = Change("invite", SEAT, frozenset(), change.after)
        return [
            Step(change, name, task_id, reservation_id, invitation_id),
            Step(again, name, task_id, None, invitation_id),
        ]
    invitation_id = subject.invitation.id if subject.invitation else None
    return [Step(change, name, task_id, reservation_id, invitation_id)]
