"""One person in one hub, ready to be compared: what was read of them, as values. Pure.

``standing`` reads scenes from the tables; ``decide`` judges them; the plan and the engine share both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scim_bridge.contract.state import SEAT, Account, Asset
from scim_bridge.engine.approved_roles import HeldRaise
from scim_bridge.engine.asks import Answer, Ask, Loss
from scim_bridge.engine.diff import Roles, Standing, Things
from scim_bridge.engine.leave import Since
from scim_bridge.engine.undone import Undone
from scim_bridge.hubs.bound import Resolved
from scim_bridge.mapping.model import HubMapping


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as last seen, with the row it is kept in."""

    id: int
    account: Account
    seen_at: datetime

    @property
    def names(self) -> tuple[str, ...]:
        """What ``protect`` and ``ignore`` look at."""
        return (*([self.account.login] if self.account.login else []), *self.account.emails)


@dataclass(frozen=True, slots=True)
class StoredInvitation:
    """An invitation of ours whose life has not ended."""

    id: int
    ref: str
    state: str
    resends: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task of this person that is not over."""

    id: int
    action: str
    thing: str
    state: str
    attempts: int
    cause: str | None = None
    after: str | None = None  # the role or roles it was after


@dataclass(frozen=True, slots=True)
class KnownDrift:
    """What is kept of a right that somebody moved by hand; ``was_there``: what there was before it was ours."""

    thing: str
    applied: frozenset[str]
    observed: frozenset[str]
    was_there: frozenset[str]
    since: datetime


@dataclass(slots=True)
class Desired:
    """What the rules want, by name, before names mean anything."""

    role: str | None = None
    assets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    because: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    disabled: bool = False
    since: Since = field(default_factory=Since)
    lower: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)  # lower roles given too, highest first


@dataclass(slots=True)
class Subject:
    """One person in one hub, ready to be compared."""

    person_id: int
    desired: Desired
    addresses: Mapping[str, str]  # case-folded -> as pushed; the one to invite first
    standing: Standing
    account: StoredAccount | None = None
    invitation: StoredInvitation | None = None
    tasks: tuple[OpenTask, ...] = ()
    because: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by thing, as in ``standing``
    troubles: tuple[str, ...] = ()
    next_at: datetime | None = None  # when a timer of `leave` changes the picture
    is_ignored: bool = False
    names: tuple[str, ...] = ()
    rules: Things = field(
        default_factory=dict
    )  # what the rules want, by things; of timers only a suspension, nothing undone
    undone: tuple[Undone, ...] = ()  # what is kept against the rules
    undone_over: tuple[Undone, ...] = ()  # what was, until now
    drift: tuple[KnownDrift, ...] = ()
    answers: tuple[Answer, ...] = ()  # what was asked about this person here and is not over
    loss: Loss | None = None  # of a source of theirs
    asks: tuple[Ask, ...] = ()  # roles that a person must agree to, or agreed to
    raises: tuple[HeldRaise, ...] = ()  # to those of them that wait; ``standing`` is without them
    perhaps: str | None = None  # the ref of an account that a rule proposes for the person, who has none


@dataclass(slots=True)
class Scene:
    """Some people in one hub, the assets that are spoken of, and links that were found on the way."""

    roles: Roles
    subjects: dict[int, Subject]
    assets: dict[str, Asset]  # by key
    resolved: Resolved
    new_links: dict[int, int]  # account row -> person
    new_proposals: dict[int, tuple[int, str]] = field(default_factory=dict)  # account row -> (person, rule)
    proves_drift: bool = False  # the last reading is whole and trusted


def roles_of(mapping: HubMapping) -> Roles:
    """The order of roles that a mapping gives."""
    return Roles({SEAT: mapping.roles, **mapping.asset_roles}, mapping.exclusive_types)
