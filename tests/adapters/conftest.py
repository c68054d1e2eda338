"""The judge of every exchange with a simulator: the app's own published description, beside the project.

OpenAPI 3.0 is no JSON Schema: ``nullable`` is turned into a type first. What a description leaves out is judged
by common sense: an empty 304 is always fine, and an undeclared 401, 403, 404, 429 or 5xx bears the basic error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from scim_bridge.contract.simulator import Simulator
from scim_bridge.contract.simulator_server import Reply, Request

CONTRACTS = Path(__file__).resolve().parents[2].parent / "shared" / "contracts"
UNDECLARED = (401, 403, 404, 429, *range(500, 600))


def to_json_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [to_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: to_json_schema(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is not True:
        return result
    return {"anyOf": [result, {"type": "null"}]}


class Published:
    """One app's description; ``check`` notes what an exchange breaks."""

    def __init__(self, file: Path, basic_error: str, required_headers: tuple[str, ...]) -> None:
        self.document = to_json_schema(json.loads(file.read_text()))
        self.basic_error = f"/components/schemas/{basic_error}"
        self.required_headers = required_headers
        self.problems: list[str] = []
        self._registry = Registry().with_resource("urn:app", DRAFT202012.create_resource(self.document))
        self._paths = [
            (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)) + "$"), template)
            for template in sorted(self.document["paths"], key=lambda path: path.count("{"))
        ]

    def check(self, request: Request, reply: Reply, *, is_the_apps: bool) -> None:
        """``is_the_apps``: the answer is the simulator's own, not garbage that a test made it send."""
        where = f"{request.method} {request.path}"
        template = next((template for pattern, template in self._paths if pattern.match(request.path)), None)
        pointer = f"/paths/{_escape(template or '')}/{request.method.lower()}"
        operation = self.document["paths"].get(template, {}).get(request.method.lower())
        if template is None or operation is None:
            self.problems.append(f"{where}: no such call in the description")
            return
        self._check_request(where, template, operation, pointer, request)
        if is_the_apps and reply.status != 304:
            self._check_reply(where, operation, pointer, reply)

    def _check_request(self, where: str, template: str, operation: Any, pointer: str, request: Request) -> None:
        for name in self.required_headers:
            if not request.headers.get(name):
                self.problems.append(f"{where}: without the header {name}")
        declared = [*self.document["paths"][template].get("parameters", []), *operation.get("parameters", [])]
        parameters = {one["name"]: one for one in map(self._resolved, declared)}
        found = next(pattern for pattern, name in self._paths if name == template).match(request.path)
        given = {**request.query, **(found.groupdict() if found else {})}
        for name, value in given.items():
            if name not in parameters:
                self.problems.append(f"{where}: undeclared parameter {name}")
                continue
            schema = parameters[name]["schema"]
            typed = int(value) if schema.get("type") == "integer" and value.isdigit() else value
            self._validate(f"{where} {name}", schema, typed)
        body = operation.get("requestBody")
        if request.body and body is None:
            self.problems.append(f"{where}: a body where none is declared")
        elif request.body:
            at = f"{pointer}/requestBody/content/application~1json/schema"
            self._validate(where, {"$ref": f"urn:app#{at}"}, request.json())
            known = body["content"]["application/json"]["schema"].get("properties", {})
            self.problems += [f"{where}: undeclared {name}" for name in request.json() if name not in known]

    def _check_reply(self, where: str, operation: Any, pointer: str, reply: Reply) -> None:
        where = f"{where} -> {reply.status}"
        answer = operation["responses"].get(str(reply.status))
        if answer is None and reply.status not in UNDECLARED:
            self.problems.append(f"{where}: undeclared")
            return
        content = self._resolved(answer or {}).get("content")
        if reply.status == 204:
            if reply.body is not None:
                self.problems.append(f"{where}: a body")
        elif content:
            self._validate(where, self._absolute(next(iter(content.values()))["schema"]), reply.body)
        elif reply.status >= 400:
            self._validate(where, {"$ref": f"urn:app#{self.basic_error}", "required": ["message"]}, reply.body)

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _absolute(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._absolute(item) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            key: f"urn:app{value}" if key == "$ref" and value.startswith("#") else self._absolute(value)
            for key, value in node.items()
        }

    def _validate(self, where: str, schema: Any, value: Any) -> None:
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())
        self.problems += [f"{where}: {error.json_path} {error.message[:200]}" for error in validator.iter_errors(value)]


def _escape(template: str) -> str:
    return template.replace("~", "~0").replace("/", "~1")


@pytest.fixture
def publish() -> Callable[..., Published]:
    """``publish("github.json", "basic-error", headers)``: the judge itself; skips without the description."""

    def load(file: str, basic_error: str, required_headers: tuple[str, ...]) -> Published:
        if not (CONTRACTS / file).exists():
            pytest.skip(f"no published description at {CONTRACTS / file}: exchanges cannot be judged")
        return Published(CONTRACTS / file, basic_error, required_headers)

    return load


@pytest.fixture
def judged() -> Iterator[Callable[..., Simulator]]:
    """``judged(sim, "github.json", ...)``: every exchange is held against the description when the test ends.

    Without the description the test runs unjudged; one that is about nothing else asks ``publish`` and is skipped.
    """
    judges: list[Published] = []

    def judge(sim: Simulator, file: str, basic_error: str, required_headers: tuple[str, ...]) -> Simulator:
        if (CONTRACTS / file).exists():
            published = Published(CONTRACTS / file, basic_error, required_headers)
            sim.on_exchange = lambda request, reply: published.check(request, reply, is_the_apps=sim.override is None)
            judges.append(published)
        return sim

    yield judge
    for published in judges:
        assert published.problems == []
