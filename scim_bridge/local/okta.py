"""Okta's SCIM client, as far as a bridge sees it: its requests, in its order and its shapes (SCIM notes, section 1).

what happens          | app from the catalog    | app made with the wizard
----------------------+-------------------------+---------------------------
a profile changes     | PUT of the echo         | the same
somebody leaves       | PATCH active            | PUT of the echo
a group changes       | PATCH what changed      | PUT of the whole group
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from zlib import crc32

import requests

_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class OktaClient:
    """Pushes people and groups the way an Okta integration does. Any refusal raises ``HTTPError``.

    ``is_wizard_made``: an app that knows PUT only. ``on_request(method, path, status)`` hears of every request
    that was answered.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        is_wizard_made: bool = False,
        on_request: Callable[[str, str, int], None] = lambda *_: None,
        session: requests.Session | None = None,
    ) -> None:
        self._is_wizard_made = is_wizard_made
        self._on_request = on_request
        self._base = base_url.rstrip("/")
        self._session = session or requests.Session()
        self._headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Content-Type": "application/scim+json; charset=utf-8",
            "Accept": "application/scim+json",
        }

    def assign(self, user_name: str, given_name: str, family_name: str, **more: Any) -> str:
        """Assign a person to the app: look first, then create (or reactivate). Returns the SCIM id."""
        found = self.find_user(user_name)
        if found is not None:
            self.update(found["id"], **_profile(user_name, given_name, family_name) | more)
            return str(found["id"])
        return str(self.create(user_name, given_name, family_name, **more)["id"])

    def create(self, user_name: str, given_name: str, family_name: str, **more: Any) -> dict[str, Any]:
        """The second half of ``assign``: somebody who was not found. Returns what came back."""
        body = {
            "schemas": [_USER],
            **_profile(user_name, given_name, family_name),
            "externalId": f"00u{crc32(user_name.encode()):010d}",
            "groups": [],
            "password": "set-by-okta",
            **more,
        }
        made: dict[str, Any] = self._call("POST", "/Users", body)
        return made

    def find_user(self, user_name: str) -> dict[str, Any] | None:
        """The existence check before every create."""
        query = quote(f'userName eq "{user_name}"', safe="")
        resources = self._call("GET", f"/Users?filter={query}&startIndex=1&count=100")["Resources"]
        return resources[0] if resources else None

    def update(self, user_id: str, **changes: Any) -> None:
        """A profile update: GET, change, PUT the echo."""
        current = self._call("GET", f"/Users/{user_id}")
        self._call("PUT", f"/Users/{user_id}", {**current, **changes})

    def deactivate(self, user_id: str) -> None:
        """Somebody leaves."""
        self._set(user_id, active=False)

    def activate(self, user_id: str) -> None:
        """Somebody is back."""
        self._set(user_id, active=True)

    def sync_password(self, user_id: str, password: str) -> None:
        """Password sync, where an administrator has it on."""
        self._set(user_id, password=password)

    def _set(self, user_id: str, **values: Any) -> None:
        if self._is_wizard_made:
            self.update(user_id, **values)
        else:
            self._patch(f"/Users/{user_id}", [{"op": "replace", "value": values}])

    def push_group(self, name: str, members: list[str] | None = None) -> str:
        """Push a group: look first, create it empty, then its members. Returns the SCIM id."""
        query = quote(f'displayName eq "{name}"', safe="")
        found = self._call("GET", f"/Groups?filter={query}&startIndex=1&count=100")["Resources"]
        group_id = str(found[0]["id"]) if found else self.create_group(name)
        if members:
            self.change_members(group_id, add=members)
        return group_id

    def create_group(self, name: str) -> str:
        """A group that was not found, without members. Returns the SCIM id."""
        body = {"schemas": [_GROUP], "displayName": name, "members": []}
        return str(self._call("POST", "/Groups", body)["id"])

    def change_members(self, group_id: str, *, add: list[str] | None = None, remove: list[str] | None = None) -> None:
        """People come and go in one PATCH, as Okta sends it: removals first."""
        operations: list[dict[str, Any]] = [
            {"op": "remove", "path": f'members[value eq "{member}"]'} for member in remove or []
        ]
        if add:
            members = [{"value": member, "display": member} for member in add]
            operations.append({"op": "add", "path": "members", "value": members})
        self._patch(f"/Groups/{group_id}", operations)

    def push_now(self, group_id: str, members: list[str]) -> None:
        """The button of this name: these members and no others; an empty group, too."""
        value = [{"value": member, "display": member} for member in members]
        self._patch(f"/Groups/{group_id}", [{"op": "replace", "path": "members", "value": value}])

    def put_group(self, group_id: str, name: str, members: list[str]) -> None:
        """Any change of a group, by an app that was made with the wizard."""
        body = {
            "schemas": [_GROUP],
            "id": group_id,
            "displayName": name,
            "members": [{"value": member, "display": member} for member in members],
        }
        self._call("PUT", f"/Groups/{group_id}", body)

    def rename_group(self, group_id: str, name: str) -> None:
        """A rename carries the group's own id along."""
        self._patch(f"/Groups/{group_id}", [{"op": "replace", "value": {"id": group_id, "displayName": name}}])

    def delete_group(self, group_id: str) -> None:
        """Unlink a pushed group and delete it."""
        self._call("DELETE", f"/Groups/{group_id}")

    def _patch(self, path: str, operations: list[dict[str, Any]]) -> None:
        self._call("PATCH", path, {"schemas": [_PATCH], "Operations": operations})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._session.request(method, self._base + path, json=body, headers=self._headers, timeout=60)
        self._on_request(method, path, answer.status_code)
        if answer.status_code >= 300:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text[:500]}", response=answer)
        return answer.json() if answer.content else None


def _profile(user_name: str, given_name: str, family_name: str) -> dict[str, Any]:
    return {
        "userName": user_name,
        "name": {"givenName": given_name, "familyName": family_name},
        "emails": [{"primary": True, "value": user_name, "type": "work"}],
        "displayName": f"{given_name} {family_name}",
        "locale": "en-US",
        "active": True,
    }
