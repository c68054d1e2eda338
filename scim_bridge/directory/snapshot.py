"""A person as the rules see them: pure values, read from the tables by ``directory.people``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GroupFact:
    """A group that a user is in, directly or through nested groups."""

    id: int
    scim_id: str
    external_id: str | None
    name: str
    name_key: str  # NFC, case-folded


@dataclass(frozen=True, slots=True)
class UserFact:
    """One user of a person, as one source sees them."""

    id: int
    source_id: int
    source: str
    active: bool
    document: Mapping[str, Any]  # the SCIM resource as stored
    groups: tuple[GroupFact, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonFact:
    """All users of one person. No users at all: everything they were is deleted."""

    id: int
    users: tuple[UserFact, ...] = ()

    @property
    def is_disabled(self) -> bool:
        """A leaver: every user is inactive or deleted."""
        return not any(user.active for user in self.users)
