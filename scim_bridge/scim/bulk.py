"""POST /Bulk (RFC 7644 section 3.7): many operations in one request, each as if it had come alone.

Each has a transaction of its own, through the handler of its address: what is true for a single request
(dialects, refusals, ETags, audit) is true here, and one failure undoes nothing of the others. The answer lists the
operations in the order of the request, whatever order their bulkIds asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from werkzeug.datastructures import Headers

from scim_bridge.db import new_id
from scim_bridge.journal.entry import Asked
from scim_bridge.scim import groups, users
from scim_bridge.scim.answers import Answer, error_answer
from scim_bridge.scim.bulk_request import Operation, check_bulk_ids, in_order, read_bulk, read_operation
from scim_bridge.scim.errors import translate
from scim_bridge.scim.messages import MESSAGES
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.refusals import Refused, invalid_syntax
from scim_bridge.scim.service import Call

_PATH = re.compile(r"/?(Users|Groups)(?:/([^/?#]+))?/?(?:\?(.*))?")
_AWAY = 503
_HANDLERS: Mapping[tuple[str, bool], Mapping[str, Callable[..., Answer]]] = {
    ("Users", False): {"POST": users.create_user},
    ("Users", True): {"PUT": users.replace_user, "PATCH": users.patch_user, "DELETE": users.delete_user},
    ("Groups", False): {"POST": groups.create_group},
    ("Groups", True): {"PUT": groups.replace_group, "PATCH": groups.patch_group, "DELETE": groups.delete_group},
}


@dataclass(frozen=True, slots=True)
class _Step:
    """An operation as it came, and as it was read; None: it could not be, and ``error`` says why."""

    raw: Any
    operation: Operation | None = None
    error: Answer | None = None

    @property
    def makes(self) -> str | None:
        return self.operation.makes if self.operation else None

    def needs(self) -> set[str]:
        return self.operation.needs() if self.operation else set()


class _GivenBody:
    """The data of an operation; its texts were checked with the whole request."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.raw: bytes | None = None

    def read(self, max_bytes: int) -> dict[str, Any]:
        """The JSON object. Raises Problem (413) and Refused (invalidSyntax)."""
        if not isinstance(self._data, dict):
            raise invalid_syntax("data is no JSON object")
        raw = json.dumps(self._data, ensure_ascii=False).encode()
        if len(raw) > max_bytes:
            raise Problem(413, f"data is larger than {max_bytes} bytes; send fewer members or attributes at once")
        self.raw = raw
        return self._data


def bulk(call: Call) -> Answer:
    """POST /Bulk. Raises Problem 413 beyond a limit, Refused for a body that is no BulkRequest."""
    given, stop = read_bulk(call.body.read(call.service.max_bulk_bytes))
    limit = call.service.max_bulk_operations
    if len(given) > limit:
        raise Problem(413, f"there are {len(given)} operations; at most {limit} are carried out at once")
    steps = [_read(raw) for raw in given]
    makes = [step.makes for step in steps]
    check_bulk_ids(makes)
    ids = {name: new_id() for name in makes if name is not None}
    answers = _carry_out(call, steps, in_order(makes, [step.needs() for step in steps]), ids, stop or len(steps) + 1)
    shown = [_shown(call, steps[number], answers[number]) for number in sorted(answers)]
    return Answer({"schemas": [f"{MESSAGES}:BulkResponse"], "Operations": shown})


def _read(raw: Any) -> _Step:
    try:
        return _Step(raw, read_operation(raw))
    except Refused as error:
        return _Step(raw, error=translate(error))


def _carry_out(
    call: Call, steps: Sequence[_Step], order: Sequence[int], ids: Mapping[str, str], stop: int
) -> dict[int, Answer]:
    """The answers by the number of the operation. After ``stop`` failures nothing more is tried.

    Once the database is away the rest is not tried either: 503 for each, so that the client sends them again.
    """
    answers: dict[int, Answer] = {}
    failed: set[str] = set()
    failures = 0
    away: Answer | None = None
    for number in order:
        step = steps[number]
        answer = away or step.error or _answer(call, step.operation, ids, failed)
        answers[number] = answer
        if answer.status == _AWAY:
            away = answer
        if answer.status >= 400:
            failures += 1
            failed |= {step.makes} if step.makes else set()
        if failures >= stop:
            break
    return answers


def _answer(call: Call, operation: Operation | None, ids: Mapping[str, str], failed: set[str]) -> Answer:
    if operation is None:
        raise AssertionError("an operation that was not read has an error")
    if lost := sorted(operation.needs() & failed):
        return error_answer(409, f"bulkId:{lost[0]} was not made; mend that operation, and send both again")
    try:
        return _handled(call, operation.resolved(ids), ids.get(operation.makes or ""))
    except Exception as error:  # one failure must not hide the answers to the others
        return translate(error)


def _handled(call: Call, operation: Operation, promised_id: str | None) -> Answer:
    found = _PATH.fullmatch(operation.path)
    if found is None:
        raise Problem(404, "there is nothing at this path; /Users and /Groups are, and /Users/{id} and /Groups/{id}")
    endpoint, scim_id, query = found.groups()
    handlers = _HANDLERS[endpoint, scim_id is not None]
    handler = handlers.get(operation.method)
    if handler is None:
        raise Problem(405, f"{operation.method} is not possible here; {', '.join(handlers)} are")
    own = replace(
        call,
        query=dict(parse_qsl(query or "", keep_blank_values=True)),
        headers=Headers({"If-Match": operation.version} if operation.version else {}),
        body=_GivenBody(operation.data),
        asked=Asked(call.asked.request_id, operation.method, f"/{operation.path.lstrip('/')}"),
        promised_id=promised_id,
    )
    return own.carried_out(lambda: handler(own, *([unquote(scim_id)] if scim_id else [])))


def _shown(call: Call, step: _Step, answer: Answer) -> dict[str, Any]:
    """One operation of the answer; what could not be read is echoed as far as it has these texts."""
    raw = step.raw if isinstance(step.raw, Mapping) else {}
    shown: dict[str, Any] = {name: raw[name] for name in ("method", "bulkId") if isinstance(raw.get(name), str)}
    location = answer.headers.get("Location") or _location(call, step.operation)
    if location:
        shown["location"] = location
    if "ETag" in answer.headers:
        shown["version"] = answer.headers["ETag"]
    shown["status"] = str(answer.status)
    if answer.status >= 400:
        shown["response"] = answer.body
    return shown


def _location(call: Call, operation: Operation | None) -> str:
    """Where the resource of an operation is; a POST that failed has none (RFC 7644 section 3.7)."""
    found = _PATH.fullmatch(operation.path) if operation else None
    return call.location(f"/{found[1]}", found[2]) if found and found[2] else ""
