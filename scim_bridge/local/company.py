"""A small company and what happens to it, as ``config/demo.yaml`` tells; pushed the way Okta pushes.

The story is data, so that the code that plays it names no app, and what must come out stands in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self

from ruamel.yaml import YAML

from scim_bridge.local.okta import OktaClient


@dataclass(frozen=True, slots=True)
class Company:
    """``people``: a short name -> SCIM profile; ``groups``: a name -> short names; ``expected``: who -> seat."""

    hub: str
    app: str
    app_title: str
    simulator: Mapping[str, Any]
    secrets: Mapping[str, str]
    mapping: str
    by_hand: Sequence[Mapping[str, Any]]
    people: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, Sequence[str]]
    steps: Sequence[Mapping[str, Any]]
    expected: Mapping[str, Mapping[str, Any]]

    @classmethod
    def load(cls) -> Self:
        """The company that ships."""
        text = resources.files("scim_bridge.config").joinpath("demo.yaml").read_text(encoding="utf-8")
        return cls(**YAML(typ="safe", pure=True).load(text))


class Staff:
    """The company's side: its people and groups as they are now, and Okta that pushes every change.

    ``told`` hears of each request as a person would write it down: ``PATCH /Groups/gh-team-core``, and its status.
    """

    def __init__(self, company: Company, base_url: str, token: str, told: Callable[[str, int], None]) -> None:
        self._company = company
        self._told = told
        self._okta = OktaClient(base_url, token, on_request=self._hear)
        self._users: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._profiles = {name: dict(profile) for name, profile in company.people.items()}

    def address(self, name: str) -> str:
        """The present e-mail address, which is the userName too."""
        return self._profiles[name]["userName"]

    def push(self, everybody_but: Collection[str] = ()) -> None:
        """Assign the people and push the groups."""
        for name in self._profiles:
            if name not in everybody_but:
                self._assign(name)
        for group, members in self._company.groups.items():
            self._groups[group] = self._okta.push_group(group, [self._users[name] for name in members])

    def join(self, person: str, groups: Sequence[str]) -> None:
        """Somebody new, with their groups."""
        self._assign(person)
        for group in groups:
            self._okta.change_members(self._groups[group], add=[self._users[person]])

    def move(self, person: str, **groups: str) -> None:
        """Out of the group ``from``, into the group ``to``: a request each, as Okta sends it."""
        self._okta.change_members(self._groups[groups["from"]], remove=[self._users[person]])
        self._okta.change_members(self._groups[groups["to"]], add=[self._users[person]])

    def leave(self, person: str) -> None:
        """Okta deactivates, and never deletes."""
        self._okta.deactivate(self._users[person])

    def rename_person(self, person: str, to: Mapping[str, str]) -> None:
        """Another name and another address."""
        profile = self._profiles[person]
        profile.update(to)
        self._okta.update(
            self._users[person],
            userName=profile["userName"],
            name={"givenName": profile["givenName"], "familyName": profile["familyName"]},
            emails=[{"primary": True, "value": profile["userName"], "type": "work"}],
            displayName=f"{profile['givenName']} {profile['familyName']}",
        )

    def rename_group(self, group: str, to: str) -> None:
        """The group keeps its id."""
        self._okta.rename_group(self._groups[group], to)
        self._groups[to] = self._groups.pop(group)

    def _assign(self, name: str) -> None:
        profile = self._profiles[name]
        self._users[name] = self._okta.assign(
            profile["userName"], profile["givenName"], profile["familyName"], title=profile["title"]
        )

    def _hear(self, method: str, path: str, status: int) -> None:
        path = path.partition("?")[0]
        for known in (self._users, self._groups):
            for name, scim_id in known.items():
                path = path.replace(scim_id, name)
        self._told(f"{method} {path}", status)
