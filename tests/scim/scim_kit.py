"""A SCIM client over Flask's test client, and the reader of request vectors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

VECTORS = Path(__file__).parents[1] / "vectors"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass
class Client:
    """Sends JSON bodies with a source's token."""

    http: FlaskClient
    token: str

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if body is not None:
            options.setdefault("data", json.dumps(body))
            options.setdefault("content_type", "application/scim+json; charset=utf-8")
        return self.http.open(f"/scim/v2{path}", method=method, headers=headers, **options)

    def get(self, path: str) -> Any:
        return self.send("GET", path).get_json()

    def user(self, name: str = "ada@example.com", **more: Any) -> str:
        """The id of a new user."""
        answer = self.send("POST", "/Users", {"schemas": [USER], "userName": name, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def group(self, name: str = "Engineering", *members: str) -> str:
        """The id of a new group."""
        body = {"displayName": name, "members": [{"value": member} for member in members]}
        answer = self.send("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def patch(self, path: str, *operations: dict[str, Any]) -> TestResponse:
        return self.send("PATCH", path, {"Operations": list(operations)})

    def members(self, group_id: str) -> set[str]:
        return {member["value"] for member in self.get(f"/Groups/{group_id}").get("members", [])}


def play(client: Client, file: Path) -> None:
    """Send the requests of a vector one by one; each says what must come back.

    ``holds``: a part of the body. ``absent``: attributes that must not be there; ``nowhere``: texts. ``save``:
    names for attributes of the body, used later as ``${name}``. ``echo``: the body is the answer before with
    these attributes changed, as Okta sends what it has read.
    """
    names: dict[str, str] = {}
    body: Any = None
    for step in json.loads(file.read_text())["steps"]:
        text = json.dumps(step)
        for name, value in names.items():
            text = text.replace("${" + name + "}", value)
        step = json.loads(text)
        sent = {**body, **step["echo"]} if "echo" in step else step.get("body")
        answer = client.send(step["method"], step["path"], sent)
        where = f"{file.name}: {step['method']} {step['path']}"
        assert answer.status_code == step["status"], f"{where}: {answer.text}"
        body = answer.get_json() if answer.data else None
        assert_part(step.get("holds"), body, where)
        for name in step.get("absent", ()):
            assert name not in body, where
        for text in step.get("nowhere", ()):
            assert text not in answer.text, where
        names |= {name: body[attribute] for name, attribute in step.get("save", {}).items()}


def assert_part(expected: Any, body: Any, where: str) -> None:
    """Dicts may hold more than expected; lists and values must be as they are expected."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert key in body, f"{where}: no {key} in {body}"
            assert_part(value, body[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(body), f"{where}: {body}"
        for index, (left, right) in enumerate(zip(expected, body, strict=True)):
            assert_part(left, right, f"{where}[{index}]")
    elif expected is not None:
        assert expected == body, where
