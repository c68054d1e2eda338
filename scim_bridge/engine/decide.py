"""What is done for one person in one hub now: the gap, an invitation's life, and the brake. Pure.

    invitation of ours | seat wanted                      | seat not wanted
    -------------------+----------------------------------+-------------------------------------------
    pending            | as the diff says                 | cancel it
    renewing, gone     | invite (the cancel was ours)     | forget
    expired            | invite again, at most twice      | forget
    unmatched          | wait: somebody joined, unnamed   | held until a person links the account
    vanished           | failed: cancelled in the app     | forget
    sending            | (never decided: a reading first) |

The plan and the engine both decide here, so that a plan is what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.engine.allowed import NOT_PLANNED, admits
from scim_bridge.engine.asks import Ask, answer_to, key_of
from scim_bridge.engine.diff import Change, Drift, Gap, Standing, diff
from scim_bridge.engine.guard import Counts, held_because, takes_away
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.undone import held_back, words
from scim_bridge.mapping.model import HubMapping

RESENDS_AT_MOST = 2
IGNORED = "the account is under `safety.ignore`"
UNNAMED = (
    "the invitation was accepted by an account that we cannot name",
    "find it with `scim-bridge account list HUB`, then `scim-bridge account link HUB ACCOUNT PERSON`",
)
_CANCELLED = ("the invitation was cancelled in the app", "`scim-bridge tasks retry` invites again")
_EXPIRED = (
    f"the invitation expired {RESENDS_AT_MOST + 1} times and needs attention",
    "ask the person to accept, then `scim-bridge tasks retry`",
)
_ANOTHER = (
    "another person's access matches this account",
    "`scim-bridge account link HUB ACCOUNT PERSON` says whose it is",
)
_NO_ADDRESS = ("the person has no e-mail address to invite", "push an e-mail address from the identity provider")


@dataclass(frozen=True, slots=True)
class Ruling:
    """One change and what becomes of it. ``held`` and ``failed`` are (cause, advice).

    ``ask``: it is held until a person says yes to this.
    """

    change: Change
    held: tuple[str, str] | None = None
    failed: tuple[str, str] | None = None
    ask: Ask | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is carried out now."""
        return self.held is None and self.failed is None


@dataclass(frozen=True, slots=True)
class Decision:
    """All that is decided for one person in one hub. ``asks``: what needs a person's word, given or not."""

    rulings: tuple[Ruling, ...] = ()
    drift: tuple[Drift, ...] = ()
    waits: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()


def decide(
    subject: Subject,
    mapping: HubMapping,
    scene: Scene,
    counts: Callable[[], Counts],
    *,
    is_wanted_by_another: bool,
    are_removals_paused: bool = False,
    allowed: Collection[Change] | None = None,
) -> Decision:
    """Compare, then brake. ``counts`` is read only where something would be taken away, and is reserved from.

    ``allowed``: the changes of an applied plan that this person is kept to (None: to none).
    """
    if subject.is_ignored:
        return Decision(waits=(IGNORED,) if subject.desired.role else ())
    if _may_be_there(subject):
        return Decision(waits=(_perhaps(subject, mapping),))
    brake = _Brake(mapping, scene, counts, are_removals_paused, is_wanted_by_another, allowed)
    found = _compare(subject, scene, brake)
    raises = tuple(Ruling(held.change, held=_to(mapping, (held.cause, held.advice))) for held in subject.raises)
    rulings = (*found.rulings, *raises, *_undone(subject))
    asks = (*subject.asks, *(ruling.ask for ruling in rulings if ruling.ask))
    return replace(found, rulings=rulings, waits=(*subject.troubles, *found.waits), asks=asks)


@dataclass(frozen=True, slots=True)
class _Brake:
    """What is asked before a change of a person goes on."""

    mapping: HubMapping
    scene: Scene
    counts: Callable[[], Counts]
    are_removals_paused: bool
    is_wanted_by_another: bool
    allowed: Collection[Change] | None


def _compare(subject: Subject, scene: Scene, brake: _Brake) -> Decision:
    by_itself = _by_invitation(subject)
    if by_itself is not None:
        return by_itself
    gap = diff(to_compare(subject), scene.roles)
    waits = [f"{label(scene, thing)} follows when the invitation is accepted" for thing in gap.waits_for_acceptance]
    if subject.next_at is not None:
        waits.append(f"`leave` acts at {subject.next_at:%Y-%m-%d %H:%M} UTC")
    rulings = []
    for change in gap.changes:
        if _is_admitted(change, subject, scene, brake.allowed):
            rulings.append(_rule(change, subject, brake))
            continue
        waits.append(NOT_PLANNED[0])
        if change.needs_call:
            rulings.append(Ruling(change, held=_to(brake.mapping, NOT_PLANNED)))
    return Decision(tuple(rulings), gap.drift, tuple(waits))


def _undone(subject: Subject) -> Iterator[Ruling]:
    """What the rules would do about what somebody undid: held until they want something else, or are let."""
    for undone, change in held_back(subject.undone, subject.standing):
        yield Ruling(change, held=words(undone, change.after))


def look(subject: Subject, scene: Scene) -> Gap:
    """What a reading alone tells of somebody: drift, and the changes that would bring it back."""
    if subject.is_ignored:
        return Gap()
    by_itself = _by_invitation(subject)
    return diff(to_compare(subject), scene.roles) if by_itself is None else Gap(drift=by_itself.drift)


def because_of(subject: Subject, change: Change, mapping: HubMapping) -> list[dict[str, Any]]:
    """The rules behind a change, as ``{rule, file, line}``; what is brought back is so by `safety.drift`."""
    rules = list(subject.because.get(change.thing, ()))
    if any(held.change == change for held in subject.raises):  # the seat's rules are those of what is given instead
        (role,), desired = change.after, subject.desired
        rules = list(desired.because.get(SEAT, ()) if role == desired.role else desired.lower.get(role, ()))
    if change.is_fix:
        rules.append({"rule": "safety.drift: fix", "file": mapping.place.file, "line": mapping.place.line})
    return rules


def _may_be_there(subject: Subject) -> bool:
    """A seat is to be filled whose person may have an account already: a second one would be paid for."""
    is_new = SEAT in subject.standing.desired and SEAT not in subject.standing.applied
    return subject.perhaps is not None and is_new and subject.account is None and subject.invitation is None


def _perhaps(subject: Subject, mapping: HubMapping) -> str:
    say = f"`scim-bridge account accept {mapping.hub_id} {subject.perhaps}` or `refuse` says whether it is"
    return f"the account {subject.perhaps} may be theirs: {say}"


def _is_admitted(change: Change, subject: Subject, scene: Scene, allowed: Collection[Change] | None) -> bool:
    """Whether a plan that was applied lets it go on; what one held stays held while the wish is the same."""
    if allowed is not None:
        return admits(allowed, change)
    after = ", ".join(sorted(change.after)) or None
    return not any(
        task.state == "held"
        and task.cause == NOT_PLANNED[0]
        and (task.action, task.thing, task.after) == (change.action, label(scene, change.thing), after)
        for task in subject.tasks
    )


def _to(mapping: HubMapping, said: tuple[str, str]) -> tuple[str, str]:
    return said[0], said[1].replace("HUB", mapping.hub_id)


def _by_invitation(subject: Subject) -> Decision | None:
    """What an invitation's life decides by itself; None: compare the states."""
    invitation, standing = subject.invitation, subject.standing
    if invitation is None or standing.status in (Status.ACTIVE, Status.SUSPENDED):
        return None
    seat = standing.applied.get(SEAT, frozenset())
    if invitation.state == "unmatched":
        if SEAT in standing.desired:
            return Decision(waits=(f"{UNNAMED[0]}: {UNNAMED[1]}",))
        return Decision((Ruling(Change("remove", SEAT, seat), held=UNNAMED),))
    if subject.desired.role is None or standing.status is Status.INVITED:
        return None  # a leaver whose timer runs keeps what there is, and is not invited anew
    invite = Change("invite", SEAT, frozenset(), standing.desired[SEAT])
    if invitation.state == "vanished":
        return Decision((Ruling(invite, failed=_CANCELLED),), (Drift(SEAT, seat, frozenset()),))
    if invitation.state == "expired" and invitation.resends >= RESENDS_AT_MOST:
        return Decision((Ruling(invite, failed=_EXPIRED),))
    return None


def to_compare(subject: Subject) -> Standing:
    """What is compared: where an invitation lapsed, or was cancelled to renew it, nothing is ours any more."""
    standing, invitation = subject.standing, subject.invitation
    is_dead = invitation is not None and invitation.state in ("expired", "renewing")
    if is_dead and subject.desired.role is not None and standing.status in (None, Status.EXPIRED):
        return replace(standing, applied={})
    return standing


def _rule(change: Change, subject: Subject, brake: _Brake) -> Ruling:
    if change.action in ("invite", "add") and not subject.addresses:
        return Ruling(change, failed=_NO_ADDRESS)
    if change.action in ("remove", "suspend") and brake.is_wanted_by_another:
        return Ruling(change, held=_ANOTHER)
    if not takes_away(change, brake.scene.roles):
        return Ruling(change)
    is_active = subject.standing.status is Status.ACTIVE
    counts, safety = brake.counts(), brake.mapping.safety
    answer = answer_to(subject.answers, key_of(change, takes=True))
    hold = held_because(
        change,
        names=subject.names,
        is_active=is_active,
        held_before=_held_before(change, subject) + ([answer.why] if answer else []),
        answer=answer,
        loss=subject.loss,
        is_paused=brake.are_removals_paused,
        safety=safety,
        counts=counts,
        roles=brake.scene.roles,
    )
    if hold is None:
        counts.reserve(change, is_active=is_active, approve_roles=safety.approve_roles)
        return Ruling(change)
    ask = Ask(change, True, hold.asks, hold.cause, hold.source_id) if hold.asks else None
    return Ruling(change, held=_to(brake.mapping, (hold.cause, hold.advice)), ask=ask)


def _held_before(change: Change, subject: Subject) -> list[str]:
    return [task.cause or "" for task in subject.tasks if task.state == "held" and task.action == change.action]


def label(scene: Scene, thing: str) -> str:
    """A thing as people know it: ``team/core`` for ``team/7``."""
    asset = scene.assets.get(thing)
    return thing if asset is None else f"{asset.type}/{asset.slug or asset.name}"
