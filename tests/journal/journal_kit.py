"""A source's client over Flask's test client, and what the journal says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from scim_bridge.db import Database
from scim_bridge.journal.journal import Journal
from scim_bridge.journal.read import RequestDetail, Wanted, find_requests, list_requests


@dataclass
class Okta:
    """A source's client, and what the journal says of it."""

    http: FlaskClient
    token: str
    db: Database
    journal: Journal

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/scim+json"}
        return self.http.open(f"/scim/v2{path}", method=method, headers=headers, **options)

    def user(self, name: str, **more: Any) -> str:
        answer = self.send("POST", "/Users", {"userName": name, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def group(self, name: str, *members: str) -> str:
        answer = self.send("POST", "/Groups", {"displayName": name, "members": [{"value": each} for each in members]})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def patch(self, path: str, *operations: dict[str, Any]) -> None:
        answer = self.send("PATCH", path, {"Operations": list(operations)})
        assert answer.status_code < 300, answer.text

    def committed(self, **wanted: Any) -> list[RequestDetail]:
        """What is in the database now, oldest first and whole."""
        with self.db.read() as tx:
            found = list_requests(tx, Wanted(**wanted), limit=1000)[::-1]
            return [find_requests(tx, str(each.view.id))[0] for each in found]

    def flushed(self, **wanted: Any) -> list[RequestDetail]:
        self.journal.flush()
        return self.committed(**wanted)
