"""What every answer must be, whatever the request was (RFC 7644 section 3.12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fuzz_invariants import breaches
from fuzz_requests import Request
from fuzz_world import World
from werkzeug.test import TestResponse

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SCIM_TYPES = {
    *("invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget"),
    *("invalidValue", "invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount"),
}
_NOT_OFFERED = 501
_TELLS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


def check(world: World, requests: list[Request]) -> None:
    """Send the requests one after another; raises AssertionError with what does not hold."""
    before, is_as_it_was = world.before, False
    try:
        for request in requests:
            answer = world.send(request)
            after = world.rows()
            wrong = [*answer_is_sound(request, answer), *breaches(before, after)]
            if before != after and (answer.status_code >= 400 or request.method in ("GET", "HEAD", "OPTIONS")):
                wrong.append(f"{answer.status_code}, and something was written: {_differences(before, after)}")
            if before != after:
                wrong += everything_is_readable(world, len(after["users"]), len(after["groups"]))
            assert not wrong, "\n".join([f"{request}", f"-> {answer.status_code} {answer.text[:1000]}", *wrong])
            before = after
        is_as_it_was = before == world.before
    finally:
        if not is_as_it_was:
            world.put_back()


def answer_is_sound(request: Request, answer: TestResponse) -> Iterator[str]:
    """Lines for what is wrong with an answer."""
    status = answer.status_code
    if status >= 500 and status != _NOT_OFFERED:
        yield f"the status is {status}"
    if status in (204, 304) or request.method.upper() == "HEAD":
        if answer.data:
            yield "there is a body"
        return
    if status == 308:  # two slashes in a row: the address is mended, for the client to ask again
        if "//" not in request.path or not answer.headers["Location"].startswith("http://localhost/scim/v2"):
            yield f"moved to {answer.headers.get('Location')}"
        return
    if answer.mimetype != "application/scim+json":
        yield f"the content type is {answer.content_type}"
    try:
        body = json.loads(answer.data)
    except ValueError:
        yield "the body is no JSON"
        return
    if status >= 400:
        yield from error_is_sound(status, body)
        if _TELLS.get(status, "Vary") not in answer.headers and status in _TELLS:
            yield f"there is no {_TELLS[status]}"
        return
    yield from _bulk_is_sound(body)
    if "password" in _names(body) and "/Schemas" not in request.path:
        yield "a password is shown"


def error_is_sound(status: int, body: Any) -> Iterator[str]:
    """Lines for what is wrong with an Error body."""
    if not isinstance(body, dict) or body.get("schemas") != [ERROR]:
        yield f"no Error body: {body}"
        return
    if body.get("status") != str(status):
        yield f"the body's status is {body.get('status')!r}"
    if not body.get("detail"):
        yield "there is no detail"
    if body.get("scimType", "noTarget") not in SCIM_TYPES:
        yield f"the RFC has no scimType {body['scimType']}"


def everything_is_readable(world: World, users: int, groups: int) -> Iterator[str]:
    """What was stored can be listed again: nothing that was taken breaks an answer."""
    for path in ("/Users", "/Groups"):
        answer = world.send(Request("GET", path, "count=1000"))
        if answer.status_code != 200:
            yield f"GET {path} answers {answer.status_code} now"
        elif len(answer.get_json()["Resources"]) != answer.get_json()["totalResults"]:
            yield f"GET {path} does not list everything now"


def _bulk_is_sound(body: Any) -> Iterator[str]:
    for operation in body.get("Operations", ()) if isinstance(body, dict) else ():
        status = int(operation["status"])
        if status >= 500 and status != _NOT_OFFERED:
            yield f"an operation's status is {status}"
        if status >= 400:
            yield from error_is_sound(status, operation.get("response"))


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {key.lower() for key in value}.union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


def _differences(before: Any, after: Any) -> str:
    return "; ".join(
        f"{table}: {before[table].get(key)} -> {after[table].get(key)}"
        for table in before
        for key in before[table].keys() | after[table].keys()
        if before[table].get(key) != after[table].get(key)
    )
