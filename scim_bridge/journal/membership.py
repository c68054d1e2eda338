"""What one request did to the membership of one user in one group, read from its body. Pure.

The question is asked once in a while, by a person; an index of members would cost every push. So bodies are read
when somebody asks, in the shapes that Okta and Entra send (RFC 7644 section 3.5.2):

    POST, PUT   the whole group: who is not in ``members`` is out
    PATCH       add or replace, with ``path`` or with ``members`` in the value; remove by filter or by value
                (whom a filter of another kind than ``value eq`` met is not in the body, and not told)
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

Effect = Literal["in", "out"]
_BY_FILTER = re.compile(r"members\[(.*)\]", re.IGNORECASE | re.DOTALL)
_ID = re.compile(r'value\s+eq\s+"([^"]*)"', re.IGNORECASE)  # several, joined by or


def effect(method: str, raw: bytes, names: Collection[str], *, is_cut: bool = False) -> Effect | None:
    """Whether the request put any of ``names`` (ids as members are named) in or out; None: neither, or unreadable.

    ``is_cut``: only the beginning of the body is there; a name in it counts as put in.
    """
    if is_cut:
        return "in" if any(name.encode() in raw for name in names) else None
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    if method in ("POST", "PUT"):
        return "in" if _holds(_get(body, "members"), names) else "out"
    found: Effect | None = None
    operations = _get(body, "operations")
    for operation in operations if isinstance(operations, list) else ():
        if isinstance(operation, dict):
            found = _operation(operation, names) or found
    return found


def _operation(operation: Mapping[str, Any], names: Collection[str]) -> Effect | None:
    op, path, value = (_get(operation, key) for key in ("op", "path", "value"))
    verb = op.lower() if isinstance(op, str) else ""
    if not isinstance(path, str) or not path:
        value = _get(value, "members") if isinstance(value, dict) else None
        if value is None:
            return None
    elif by_filter := _BY_FILTER.search(path):
        is_meant = any(one in names for one in _ID.findall(by_filter[1]))
        if verb == "remove" or (verb == "replace" and is_meant and not _holds(value, names)):
            return "out" if is_meant else None
        return "in" if _holds(value, names) or (is_meant and verb == "add") else None
    elif not path.lower().endswith("members"):
        return None
    is_named = _holds(value, names)
    if verb == "remove":
        return "out" if is_named or not value else None
    if verb == "replace":
        return "in" if is_named else "out"
    return "in" if verb == "add" and is_named else None


def _holds(value: Any, names: Collection[str]) -> bool:
    return any(each in names for each in _ids(value))


def _ids(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        found = _get(each, "value") if isinstance(each, dict) else each
        if isinstance(found, str):
            yield found


def _get(body: Mapping[str, Any], name: str) -> Any:
    """An attribute, whose name ignores case."""
    return next((value for key, value in body.items() if key.lower() == name), None)
