"""A request's body as JSON, within limits: size, type, depth, and texts that a database can store."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn, Protocol

from flask import Request

from scim_bridge.scim.answers import MEDIA_TYPE
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.refusals import invalid_syntax, invalid_value

_MAX_DEPTH = 30
_TAKEN = (MEDIA_TYPE, "application/json")
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_CONTROLS = frozenset(map(chr, range(32))) - set("\t\n\r") | {"\x7f"}


class Body(Protocol):
    """Where the body of a request comes from. ``raw``: its bytes, once they were read."""

    raw: bytes | None

    def read(self, max_bytes: int) -> dict[str, Any]:
        """The JSON object. Raises Problem (413, 415) and Refused (invalidSyntax, invalidValue)."""


class RequestBody:
    """The body of an HTTP request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.raw: bytes | None = None

    def read(self, max_bytes: int) -> dict[str, Any]:
        """The JSON object in the body. Raises Problem (413, 415) and Refused (invalidSyntax, invalidValue)."""
        request = self._request
        if request.mimetype not in _TAKEN:
            raise Problem(415, f"the body must be {MEDIA_TYPE} or application/json")
        if request.mimetype_params.get("charset", "utf-8").lower() not in _CHARSETS:
            raise Problem(415, "the body must be UTF-8 (RFC 8259 section 8.1); leave out the charset")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Problem(415, "the body must come as it is; leave out the Content-Encoding")
        return parse(self.read_bytes(max_bytes))

    def read_bytes(self, max_bytes: int) -> bytes:
        """The body as it came. Raises Problem (413)."""
        request = self._request
        too_large = Problem(413, f"the body is larger than {max_bytes} bytes; send fewer members or attributes at once")
        if (request.content_length or 0) > max_bytes:
            raise too_large
        request.max_content_length = max_bytes + 1  # werkzeug cuts a body without length short, and says nothing
        try:
            raw = request.get_data(cache=False)
        except Exception as error:  # each server has its own for a chunk that is none
            raise Problem(400, "the body broke off or its chunks are wrong; send it again") from error
        if len(raw) > max_bytes:
            raise too_large
        if len(raw) < (request.content_length or 0):
            raise Problem(400, "the body is shorter than its Content-Length; send it again")
        self.raw = raw
        return raw


def parse(raw: bytes) -> dict[str, Any]:
    """``raw`` as a JSON object whose texts a database can store. Raises Refused."""
    try:
        body = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise invalid_syntax("the body is no JSON") from error
    if not isinstance(body, dict):
        raise invalid_syntax("the body is no JSON object")
    _check(body, 1)
    return body


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique: of two values neither we nor the client could say which one holds."""
    found = dict(members)
    if len(found) < len(members):
        twice = Counter(name for name, _ in members).most_common(1)[0][0]
        raise invalid_syntax(f"{json.dumps(twice):.100} stands twice in one object", advice="send it once")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise invalid_syntax(f"the body nests deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, part in value.items():
            _check_text(key)
            _check(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise invalid_value("a number is too large")


def _check_text(text: str) -> None:
    if text.isprintable():
        return
    if not _CONTROLS.isdisjoint(text):
        raise invalid_value("a text holds a control character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid_value("a text holds half a surrogate pair") from error
