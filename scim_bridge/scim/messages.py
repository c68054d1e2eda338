"""Protocol messages (SearchRequest, BulkRequest): whether a body is the one that its address takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scim_bridge.filters import find_key
from scim_bridge.scim.refusals import invalid_syntax
from scim_bridge.scim.values import stands_twice

MESSAGES = "urn:ietf:params:scim:api:messages:2.0"


def check_message(body: Mapping[str, Any], name: str) -> None:
    """Raises Refused invalidSyntax: ``schemas`` does not name the message (RFC 7644 3.1), a part comes twice."""
    by_lower_name(body)
    schema = f"{MESSAGES}:{name}"
    given = part(body, "schemas")
    if not isinstance(given, list) or schema.lower() not in [str(one).lower() for one in given]:
        raise invalid_syntax(f"the body is no {name}", advice=f'send "schemas": ["{schema}"]')


def by_lower_name(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a message by lower-case name. Raises Refused invalidSyntax where two differ in case only."""
    found = {name.lower(): value for name, value in body.items()}
    if len(found) < len(body):
        names = [name.lower() for name in body]
        raise stands_twice(next(name for name in names if names.count(name) > 1))
    return found


def part(body: Mapping[str, Any], name: str) -> Any:
    """The part of a message under ``name`` in any case; None where it is left out."""
    key = find_key(body, name)
    return None if key is None else body[key]
