"""Entra ID's SCIM client, as far as a bridge sees it: both of its dialects (SCIM notes, section 2).

case            | legacy (the default)                    | with aadOptscim062020 in the tenant URL
----------------+-----------------------------------------+----------------------------------------------
operations      | Add, Replace, Remove                    | add, replace, remove
disable         | path active, the text "False"           | path active, false
several values  | one operation a path                    | filter paths alone, the rest in one value
a member leaves | path members, the member as a value     | path members[value eq "ID"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_DNS, uuid4, uuid5

import requests

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_MICROSOFT_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_FLAG = "aadOptscim062020"


class EntraClient:
    """Provisions people and groups the way Entra does. Any refusal raises ``HTTPError``.

    ``is_flagged``: the tenant URL asks for the dialect that follows the RFC.
    """

    def __init__(self, base_url: str, token: str, *, is_flagged: bool, session: requests.Session | None = None) -> None:
        self._base = base_url.rstrip("/")
        self._is_flagged = is_flagged
        self._session = session or requests.Session()
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json; charset=utf-8"}

    def test_connection(self) -> None:
        """The button of this name: somebody who is not there must be an empty list, or the job is quarantined."""
        if self.match("Users", f'userName eq "{uuid4()}"') is not None:
            raise requests.HTTPError("a random name was found")

    def match(self, kind: str, text: str, more: str = "") -> dict[str, Any] | None:
        """The first of ``kind`` (Users, Groups) that meets the filter ``text``."""
        listed = self._call("GET", f"/{kind}?filter={quote(text, safe='')}{more}")["Resources"]
        return dict(listed[0]) if listed else None

    def assign(self, user_name: str, given_name: str, family_name: str) -> str:
        """Match by userName, then create; somebody who is there already is restored. Returns the SCIM id."""
        found = self.match("Users", f'userName eq "{user_name}"')
        if found is not None:
            self.restore(str(found["id"]))
            return str(found["id"])
        return str(self.create(user_name, given_name, family_name)["id"])

    def create(self, user_name: str, given_name: str, family_name: str, **more: Any) -> dict[str, Any]:
        """The second half of ``assign``: somebody without a match. ``more`` as attributes. Returns what came back."""
        body = {
            "schemas": [_USER, _ENTERPRISE],
            "externalId": str(uuid5(NAMESPACE_DNS, user_name)),
            "userName": user_name,
            "active": True if self._is_flagged else "True",
            "displayName": f"{given_name} {family_name}",
            "emails": [{"primary": True, "type": "work", "value": user_name}],
            "meta": {"resourceType": "User"},
            "name": {
                "formatted": f"{given_name} {family_name}",
                "familyName": family_name,
                "givenName": given_name,
            },
            "title": None,
            "roles": [],
            **more,
        }
        made: dict[str, Any] = self._call("POST", "/Users", body)
        return made

    def update(self, user_id: str, changes: Mapping[str, Any]) -> None:
        """Attributes by path (``emails[type eq "work"].value``), after a look at what is there."""
        self._call("GET", f"/Users/{user_id}")
        if not self._is_flagged:
            self._patch(f"/Users/{user_id}", [self._op("replace", path, value) for path, value in changes.items()])
            return
        operations = [self._op("replace", path, value) for path, value in changes.items() if "[" in path]
        plain = {path: value for path, value in changes.items() if "[" not in path}
        self._patch(f"/Users/{user_id}", [*operations, *([self._op("replace", None, plain)] if plain else [])])

    def disable(self, user_id: str) -> None:
        """Somebody leaves, or is out of scope: a soft delete."""
        self._call("GET", f"/Users/{user_id}")
        self._patch(f"/Users/{user_id}", [self._op("replace", "active", False if self._is_flagged else "False")])

    def restore(self, user_id: str) -> None:
        """Somebody is back within thirty days."""
        self._patch(f"/Users/{user_id}", [self._op("replace", "active", True if self._is_flagged else "True")])

    def add(self, user_id: str, values: Mapping[str, Any]) -> None:
        """Attributes that were unset, by path, several in one PATCH."""
        self._patch(f"/Users/{user_id}", [self._op("add", path, value) for path, value in values.items()])

    def remove(self, user_id: str, path: str, value: Any = None) -> None:
        """An attribute that is unset now; Entra may send the old value along."""
        operation = self._op("remove", path, value)
        if value is None:
            del operation["value"]
        self._patch(f"/Users/{user_id}", [operation])

    def delete(self, user_id: str) -> None:
        """Thirty days after the soft delete."""
        self._call("DELETE", f"/Users/{user_id}")

    def push_group(self, name: str, members: list[str] | None = None) -> str:
        """Match by displayName without members, create empty, then add members. Returns the SCIM id."""
        found = self.match("Groups", f'displayName eq "{name}"', "&excludedAttributes=members")
        group_id = str(found["id"]) if found is not None else self.create_group(name)
        self._call("GET", f"/Groups/{group_id}?excludedAttributes=members")
        if members:
            self.add_members(group_id, members)
        return group_id

    def create_group(self, name: str) -> str:
        """A group without a match, without members. Returns the SCIM id."""
        body = {
            "schemas": [_GROUP, _MICROSOFT_GROUP],
            "externalId": str(uuid4()),
            "displayName": name,
            "meta": {"resourceType": "Group"},
        }
        return str(self._call("POST", "/Groups", body)["id"])

    def add_members(self, group_id: str, members: list[str]) -> None:
        """Several in one PATCH, in both dialects alike."""
        value = [{"$ref": None, "value": member} for member in members]
        self._patch(f"/Groups/{group_id}", [self._op("add", "members", value)])

    def remove_members(self, group_id: str, members: list[str]) -> None:
        """Legacy: the members as a value, which read literally would empty the group."""
        if self._is_flagged:
            operations = [{"op": "remove", "path": f'members[value eq "{member}"]'} for member in members]
        else:
            operations = [self._op("remove", "members", [{"$ref": None, "value": member}]) for member in members]
        self._patch(f"/Groups/{group_id}", operations)

    def rename_group(self, group_id: str, name: str) -> None:
        """A new display name."""
        self._patch(f"/Groups/{group_id}", [self._op("replace", "displayName", name)])

    def _op(self, op: str, path: str | None, value: Any) -> dict[str, Any]:
        named = {"op": op if self._is_flagged else op.capitalize(), "path": path, "value": value}
        return {key: each for key, each in named.items() if key != "path" or each is not None}

    def _patch(self, path: str, operations: list[dict[str, Any]]) -> None:
        self._call("PATCH", path, {"schemas": [_PATCH], "Operations": operations})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        flag = f"{'&' if '?' in path else '?'}{_FLAG}" if self._is_flagged else ""
        answer = self._session.request(
            method, f"{self._base}{path}{flag}", json=body, headers=self._headers, timeout=60
        )
        if answer.status_code >= 300:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", response=answer)
        return answer.json() if answer.content else None
