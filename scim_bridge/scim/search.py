"""POST /.search, /Users/.search, /Groups/.search (RFC 7644 section 3.4.3): a GET whose parameters are in the body.

The body becomes the query of the same list, so that both answer alike by construction. What a URL cannot
carry well (long filters, names and addresses that end in access logs) is what POST is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scim_bridge.scim import groups, users
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.listed import Listed
from scim_bridge.scim.listing import list_resources
from scim_bridge.scim.messages import check_message, part
from scim_bridge.scim.refusals import invalid_value
from scim_bridge.scim.service import Call

_TEXTS = ("filter", "sortBy", "sortOrder", "cursor")
_NUMBERS = ("startIndex", "count")
_LISTS = ("attributes", "excludedAttributes")


def search(call: Call) -> Answer:
    """POST /.search: users, then groups."""
    return _search(call, users.LISTED, groups.LISTED)


def search_users(call: Call) -> Answer:
    """POST /Users/.search."""
    return _search(call, users.LISTED)


def search_groups(call: Call) -> Answer:
    """POST /Groups/.search."""
    return _search(call, groups.LISTED)


def _search(call: Call, *types: Listed) -> Answer:
    body = call.body.read(call.service.max_body_bytes)
    check_message(body, "SearchRequest")
    return list_resources(replace(call, query=_query(body)), *types)


def _query(body: Mapping[str, Any]) -> dict[str, str]:
    """A SearchRequest as the parameters of a GET; null is left out. Raises Refused invalidValue."""
    query: dict[str, str] = {}
    for names, read in ((_TEXTS, _text), (_NUMBERS, _number), (_LISTS, _list)):
        for name in names:
            if (value := part(body, name)) is not None:
                query[name] = read(name, value)
    return query


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{name} is no text")
    return value


def _number(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_value(f"{name} is no whole number")
    return str(value)


def _list(name: str, value: Any) -> str:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid_value(f"{name} is no list of attribute names")
    return ",".join(value)
