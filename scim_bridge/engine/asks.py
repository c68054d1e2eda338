"""What needs a person's word, and the word that was given. Pure.

An approval is tied to one change. Of a change that takes something away all of it counts: the thing, what it takes
and what is left, so that a yes to the loss of one role is no yes to the loss of another. Of a raise the role alone
counts: what somebody holds until then may move meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scim_bridge.engine.diff import Change

Kind = Literal["limit", "source", "role", "unmanaged"]
"""What holds a change until a person says yes: `max_removals`, a source's sudden loss, `approve_roles`, `unmanaged`."""
Key = tuple[str, str, str, str]
"""``(gives | takes | suspends, thing, from, to)``: two changes with one key are the same change."""
_GIVES = frozenset({"invite", "add", "adopt", "add_asset"})
_SUSPENDS = frozenset({"suspend"})


@dataclass(frozen=True, slots=True)
class Ask:
    """A change that a person must agree to. ``why``: what holds it; ``source_id``: the source whose loss does."""

    change: Change
    takes: bool
    kind: Kind
    why: str
    source_id: int | None = None

    @property
    def key(self) -> Key:
        return key_of(self.change, takes=self.takes)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that was put before, and what was said: ``pending``, ``approved`` or ``rejected``."""

    id: int
    key: Key
    kind: str
    why: str
    state: str
    answered_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A source lost many people at once, this person among them, and nobody has said yet that it should be so."""

    source_id: int
    source: str
    lost: int
    of: int


def key_of(change: Change, *, takes: bool) -> Key:
    """What makes a change this one and no other."""
    after = ", ".join(sorted(change.after))
    if change.action in _GIVES or not takes:
        return "gives", change.thing, "", after
    kind = "suspends" if change.action in _SUSPENDS else "takes"
    return kind, change.thing, ", ".join(sorted(change.before)), after


def answer_to(answers: Iterable[Answer], key: Key) -> Answer | None:
    """What was said to this very change."""
    return next((answer for answer in answers if answer.key == key), None)


def rejected_because(answer: Answer) -> tuple[str, str]:
    """Cause and advice of a change to which a person said no."""
    by = f"rejected by {answer.answered_by}: {answer.reason}"
    return f"{by} ({answer.why})", f"`scim-bridge approvals approve {answer.id} --reason WHY` lets it go on after all"
