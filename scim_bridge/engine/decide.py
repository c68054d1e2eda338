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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.engine.diff import Change, Drift, Standing, diff
from scim_bridge.engine.guard import Counts, held_because, takes_away
from scim_bridge.engine.scene import Scene, Subject
from scim_bridge.engine.undone import held_back, words
from scim_bridge.mapping.model import HubMapping

RESENDS_AT_MOST = 2
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
_SAY = "`scim-bridge account accept HUB ACCOUNT` or `refuse` says whether it is"
_NO_ADDRESS = ("the person has no e-mail address to invite", "push an e-mail address from the identity provider")


@dataclass(frozen=True, slots=True)
class Ruling:
    """One change and what becomes of it. ``held`` and ``failed`` are (cause, advice)."""

    change: Change
    held: tuple[str, str] | None = None
    failed: tuple[str, str] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether it is carried out now."""
        return self.held is None and self.failed is None


@dataclass(frozen=True, slots=True)
class Decision:
    """All that is decided for one person in one hub."""

    rulings: tuple[Ruling, ...] = ()
    drift: tuple[Drift, ...] = ()
    waits: tuple[str, ...] = ()


def decide(
    subject: Subject,
    mapping: HubMapping,
    scene: Scene,
    counts: Callable[[], Counts],
    *,
    is_released: bool,
    is_wanted_by_another: bool,
) -> Decision:
    """Compare, then brake. ``counts`` is read only where something would be taken away, and is reserved from."""
    if subject.is_ignored:
        return Decision(waits=("the account is under `safety.ignore`",) if subject.desired.role else ())
    if _may_be_there(subject):
        return Decision(waits=(f"the account {subject.perhaps} may be theirs: {_SAY.replace('HUB', mapping.hub_id)}",))
    waits = list(subject.troubles)
    undone = tuple(_undone(subject))
    by_itself = _by_invitation(subject)
    if by_itself is not None:
        return replace(by_itself, rulings=(*by_itself.rulings, *undone), waits=(*by_itself.waits, *waits))
    gap = diff(to_compare(subject), scene.roles)
    waits += [f"{label(scene, thing)} follows when the invitation is accepted" for thing in gap.waits_for_acceptance]
    if subject.next_at is not None:
        waits.append(f"`leave` acts at {subject.next_at:%Y-%m-%d %H:%M} UTC")
    rulings = []
    for change in gap.changes:
        if change.action == "remove" and is_wanted_by_another:
            rulings.append(Ruling(change, held=_ANOTHER))
        else:
            rulings.append(_rule(change, subject, mapping, scene, counts, is_released=is_released))
    return Decision((*rulings, *undone), gap.drift, tuple(waits))


def _undone(subject: Subject) -> Iterator[Ruling]:
    """What the rules would do about what somebody undid: held until they want something else, or are let."""
    standing = subject.standing
    for undone, change in held_back(subject.undone, standing.status, invites=standing.invites):
        yield Ruling(change, held=words(undone, change.after))


def _may_be_there(subject: Subject) -> bool:
    """A seat is to be filled whose person may have an account already: a second one would be paid for."""
    is_new = SEAT in subject.standing.desired and SEAT not in subject.standing.applied
    return subject.perhaps is not None and is_new and subject.account is None and subject.invitation is None


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


def _rule(
    change: Change,
    subject: Subject,
    mapping: HubMapping,
    scene: Scene,
    counts: Callable[[], Counts],
    *,
    is_released: bool,
) -> Ruling:
    if change.action in ("invite", "add") and not subject.addresses:
        return Ruling(change, failed=_NO_ADDRESS)
    if not takes_away(change, scene.roles):
        return Ruling(change)
    is_active = subject.standing.status is Status.ACTIVE
    now_counts = counts()
    held = held_because(
        change,
        names=subject.names,
        is_active=is_active,
        held_before=[
            task.cause or "" for task in subject.tasks if task.state == "held" and task.action == change.action
        ],
        is_released=is_released,
        safety=mapping.safety,
        counts=now_counts,
        roles=scene.roles,
    )
    if held is not None:
        return Ruling(change, held=(held[0], held[1].replace("HUB", mapping.hub_id)))
    now_counts.reserve(change, is_active=is_active)
    return Ruling(change)


def label(scene: Scene, thing: str) -> str:
    """A thing as people know it: ``team/core`` for ``team/7``."""
    asset = scene.assets.get(thing)
    return thing if asset is None else f"{asset.type}/{asset.slug or asset.name}"
