"""What every suite needs: a running bridge, and a client's two facts about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from scim_bridge.local.process import BridgeProcess

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True)
class Live:
    """A bridge that runs, and what an identity provider's admin types in: base URL and token."""

    bridge: BridgeProcess
    base_url: str
    token: str

    def apart(self, name: str) -> Live:
        """The same bridge seen by a source of its own, which has no users yet."""
        return Live(self.bridge, *self.bridge.add_source(name, "generic"))

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request on a connection of its own."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/scim+json",
            **more.pop("headers", {}),
        }
        url = path if path.startswith("http") else self.base_url + path
        return requests.request(method, url, json=body, headers=headers, timeout=60, **more)

    def user(self, user_name: str, /, **more: Any) -> dict[str, Any]:
        """A new user as the answer shows it."""
        answer = self.send("POST", "/Users", {"schemas": [USER], "userName": user_name, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def group(self, name: str, *members: str) -> dict[str, Any]:
        """A new group as the answer shows it."""
        body = {"displayName": name, "members": [{"value": member} for member in members]}
        answer = self.send("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def patch(self, path: str, *operations: dict[str, Any]) -> requests.Response:
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def get(self, path: str) -> Any:
        return self.send("GET", path).json()


@contextmanager
def live_bridge(folder: Path, database_url: str | None = None, **settings: str) -> Iterator[Live]:
    """A bridge that runs inside the block; without ``database_url`` on SQLite in ``folder``."""
    # Power cuts of the machine are not played here: NORMAL spares the disk.
    named = {"SQLITE_SYNCHRONOUS": "NORMAL", **settings, **({"DATABASE_URL": database_url} if database_url else {})}
    with BridgeProcess(folder, settings=named) as bridge:
        yield Live(bridge, *bridge.add_source("suite", "generic"))
    assert "scim.failed" not in bridge.log(), "no request may end in an unexpected error"
