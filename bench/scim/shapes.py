"""Requests as Okta and Entra send them, as bytes (SCIM notes, sections 1 and 2; ``scim_bridge.local`` has the clients).

Okta's shape where both providers ask the same, Entra's where only Entra asks: by externalId, many members at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

PREFIX = "/scim/v2"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def user_name(number: int) -> str:
    """The userName of the person ``number``; it has capitals, as people write them."""
    return f"Person{number}@acme.example"


def external_id(number: int) -> str:
    """Okta's own id of the person ``number``."""
    return f"00u{number:010d}"


def person(number: int) -> dict[str, Any]:
    """A new person as Okta creates one."""
    name = user_name(number)
    return {
        "schemas": [_USER],
        "userName": name,
        "name": {"givenName": "Ada", "familyName": f"Byron {number}"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": f"Ada Byron {number}",
        "locale": "en-US",
        "externalId": external_id(number),
        "groups": [],
        "password": "set-by-okta",
        "active": True,
    }


class Shapes:
    """Requests with one bearer token."""

    def __init__(self, token: str) -> None:
        self._headers = (
            f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nUser-Agent: Okta SCIM Client 1.0.0\r\n"
            "Accept: application/scim+json\r\nAccept-Charset: utf-8\r\n"
            "Content-Type: application/scim+json; charset=utf-8\r\n"
        )

    def get(self, path: str) -> bytes:
        """Any GET."""
        return f"GET {PREFIX}{path} HTTP/1.1\r\n{self._headers}\r\n".encode()

    def by_name(self, name: str) -> bytes:
        """Okta's existence check."""
        query = quote(f'userName eq "{name}"', safe="")
        return self.get(f"/Users?filter={query}&startIndex=1&count=100")

    def by_external_id(self, value: str) -> bytes:
        """Entra's match by externalId."""
        query = quote(f'externalId eq "{value}"', safe="")
        return self.get(f"/Users?filter={query}")

    def create(self, number: int) -> bytes:
        """Okta's POST /Users."""
        return self._send("POST", "/Users", person(number))

    def set_active(self, scim_id: str, is_active: bool) -> bytes:
        """Okta's deactivation, and its way back."""
        return self.change_user(scim_id, {"active": is_active})

    def change_user(self, scim_id: str, change: dict[str, Any]) -> bytes:
        """Some attributes of a user, as Entra with its flag and Okta send them: one operation without a path."""
        return self._patch(f"/Users/{scim_id}", {"op": "replace", "value": change})

    def add_member(self, group: str, member: str) -> bytes:
        """Okta adds one member."""
        return self._patch(
            f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": member, "display": member}]}
        )

    def remove_member(self, group: str, member: str) -> bytes:
        """Okta (and Entra with its flag) removes one member."""
        return self._patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{member}"]'})

    def add_members(self, group: str, members: Sequence[str]) -> bytes:
        """Entra adds many at once."""
        value = [{"$ref": None, "value": member} for member in members]
        return self._patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": value})

    def replace_group(self, group: str, name: str, members: Sequence[str]) -> bytes:
        """PUT of a whole group, as Okta's wizard-made apps do."""
        value = [{"value": member, "display": member} for member in members]
        body = {"schemas": [_GROUP], "id": group, "displayName": name, "members": value}
        return self._send("PUT", f"/Groups/{group}", body)

    def delete_user(self, scim_id: str) -> bytes:
        """Entra's hard delete."""
        return f"DELETE {PREFIX}/Users/{scim_id} HTTP/1.1\r\n{self._headers}\r\n".encode()

    def _patch(self, path: str, operation: dict[str, Any]) -> bytes:
        return self._send("PATCH", path, {"schemas": [_PATCH], "Operations": [operation]})

    def _send(self, method: str, path: str, body: dict[str, Any]) -> bytes:
        content = json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} {PREFIX}{path} HTTP/1.1\r\n{self._headers}Content-Length: {len(content)}\r\n\r\n"
        return head.encode() + content
