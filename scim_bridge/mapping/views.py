"""A person as rules look them up: groups by name and id, attributes by name; made once for all hubs. Pure.

50 hubs ask the same things of one person. What is arranged here makes each of their questions the meeting of two
sets, so that rules about other people's groups cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from scim_bridge.directory.snapshot import GroupFact, PersonFact, UserFact
from scim_bridge.filters import Names, by_name

Bound = Mapping[tuple[int, str], str]
"""What plain group names mean in a hub: (source_id, name key) -> ``groups.scim_id``."""

_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


class Bindings:
    """``Bound`` both ways: what a name means, and which names mean a group."""

    __slots__ = ("_by_source",)

    def __init__(self, bound: Bound) -> None:
        self._by_source: dict[int, tuple[dict[str, str], dict[str, list[str]]]] = {}
        for (source_id, key), scim_id in bound.items():
            self.add(source_id, key, scim_id)

    def add(self, source_id: int, name_key: str, scim_id: str) -> None:
        """Bind a name that is not bound yet."""
        meanings, keys = self._by_source.setdefault(source_id, ({}, {}))
        meanings[name_key] = scim_id
        keys.setdefault(scim_id, []).append(name_key)

    def of(self, source_id: int) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
        """Name key -> scim_id, and scim_id -> name keys, in one source."""
        return self._by_source.get(source_id, (_NONE, _NONE))


class UserView:
    """One user."""

    __slots__ = ("_beginnings", "_names", "by_key", "group_keys", "ids", "scim_ids", "user")

    def __init__(self, user: UserFact) -> None:
        self.user = user
        self.by_key: dict[str, list[GroupFact]] = {}
        for group in user.groups:
            self.by_key.setdefault(group.name_key, []).append(group)
        self.group_keys = frozenset(self.by_key)
        self.scim_ids = frozenset(group.scim_id for group in user.groups)
        self.ids = self.scim_ids.union(group.external_id for group in user.groups if group.external_id)
        self._names: Names | None = None
        self._beginnings: dict[tuple[int, ...], dict[str, list[GroupFact]]] = {}

    @property
    def names(self) -> Names:
        """The attributes as conditions take them, groups included; made when the first one asks."""
        if self._names is None:
            self._names = by_name(resource_of(self.user))
        return self._names

    def beginnings(self, lengths: tuple[int, ...]) -> Mapping[str, list[GroupFact]]:
        """The groups by how their names' keys begin, cut to each of ``lengths``."""
        found = self._beginnings.get(lengths)
        if found is None:
            found = self._beginnings[lengths] = {}
            for length in lengths:
                for group in self.user.groups:
                    if len(group.name_key) >= length:
                        found.setdefault(group.name_key[:length], []).append(group)
        return found


class PersonView:
    """A person; ``users`` are the active ones, for an inactive one gives nothing."""

    __slots__ = ("is_disabled", "users")

    def __init__(self, person: PersonFact) -> None:
        self.users: tuple[UserView, ...] = tuple(UserView(user) for user in person.users if user.active)
        self.is_disabled = person.is_disabled


def resource_of(user: UserFact) -> dict[str, Any]:
    """The user as filters see them: the document, with groups (nested ones too) as RFC 7643 section 4.1.2 has them."""
    return {**user.document, "active": user.active, "groups": _elements(user.groups)}


def _elements(groups: Iterable[GroupFact]) -> list[dict[str, str]]:
    return [{"value": group.scim_id, "display": group.name} for group in groups]
