"""`approve_roles`: who may be given a role only when a person agreed. Pure.

    holds the role, or a higher one, already  | nothing to ask: giving it back or keeping it is no gain
    a person said yes                         | it is given
    not yet, or no                            | the next lower role that the rules give too; none: what is ours stays;
                                              | none either: no seat until somebody says yes

Each role on the way down may be one that must be agreed to itself: then both are asked. Nobody is lowered while a
higher role waits: what they hold by our doing is the least that they keep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from scim_bridge.contract.state import SEAT
from scim_bridge.engine.asks import Answer, Ask, answer_to, rejected_because
from scim_bridge.engine.diff import NOTHING, Action, Change, Roles, Standing

_ADVICE = (
    "`scim-bridge approvals list --hub HUB` shows it; `scim-bridge approvals approve ID --reason WHY`, or `reject`, "
    "answers it"
)


@dataclass(frozen=True, slots=True)
class HeldRaise:
    """A raise that waits for a person's word: the change, cause and advice."""

    change: Change
    cause: str
    advice: str


@dataclass(frozen=True, slots=True)
class Restraint:
    """What may be brought about now (``standing``), every role that needs a word, given or not, and what waits."""

    standing: Standing
    asks: tuple[Ask, ...] = ()
    held: tuple[HeldRaise, ...] = ()


def restrain(
    standing: Standing,
    lower: Sequence[str],
    *,
    answers: Iterable[Answer],
    approve_roles: Collection[str],
    roles: Roles,
) -> Restraint:
    """Cut what is desired down to what may be given now. ``lower``: the lower roles that the rules give too."""
    desired = standing.desired.get(SEAT, NOTHING)
    if not desired & set(approve_roles):
        return Restraint(standing)
    held_now = [standing.applied.get(SEAT, NOTHING), standing.observed.get(SEAT, NOTHING)]
    waits: list[tuple[str, Answer | None]] = []
    agreed: list[str] = []
    instead = NOTHING
    for role in (*desired, *lower):
        wanted = frozenset([role])
        if role not in approve_roles or any(roles.covers(SEAT, has, wanted) for has in held_now):
            instead = wanted
            break
        answer = answer_to(answers, _key(role))
        if answer is not None and answer.state == "approved":
            agreed.append(role)
            instead = wanted
            break
        waits.append((role, answer))
    ours = standing.applied.get(SEAT, NOTHING)
    if waits and ours and not (instead and roles.covers(SEAT, instead, ours)):
        instead = ours
    before = instead or standing.observed.get(SEAT, NOTHING)
    action: Action = "change_role" if before else "invite" if standing.invites else "add"
    changes = [(Change(action, SEAT, before, frozenset([role])), answer) for role, answer in waits]
    asks = [Ask(change, False, "role", _why(change, instead)) for change, _ in changes]
    asks += [Ask(Change(action, SEAT, before, frozenset([role])), False, "role", "") for role in agreed]
    held = [
        HeldRaise(change, *(rejected_because(answer) if answer and answer.state == "rejected" else (ask.why, _ADVICE)))
        for (change, answer), ask in zip(changes, asks, strict=False)
    ]
    return Restraint(_cut(standing, instead), tuple(asks), tuple(held))


def _key(role: str) -> tuple[str, str, str, str]:
    return "gives", SEAT, "", role


def _why(change: Change, instead: frozenset[str]) -> str:
    until = f"{min(instead)} until then" if instead else "no rule gives a lower role, so no seat until then"
    return f"`safety.approve_roles`: somebody must agree before anyone becomes {min(change.after)}; {until}"


def _cut(standing: Standing, instead: frozenset[str]) -> Standing:
    if instead == standing.desired[SEAT]:
        return standing
    # Without a seat there are no assets either.
    return replace(standing, desired={**standing.desired, SEAT: instead} if instead else {})
