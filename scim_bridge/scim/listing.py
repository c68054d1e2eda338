"""Pages of a list (RFC 7644 section 3.4.2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scim_bridge.filters import Filter, parse_filter
from scim_bridge.scim.definitions import ResourceType
from scim_bridge.scim.paths import with_truths
from scim_bridge.scim.refusals import invalid_value

DEFAULT_COUNT = 100
MAX_COUNT = 1000
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_FAR = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """What a list request asks for; ``start_index`` counts from 1."""

    start_index: int
    count: int
    filter: Filter | None


def read_page(query: Mapping[str, str], kind: ResourceType) -> Page:
    """Read startIndex, count and filter; parameters that are not known are ignored.

    ``startIndex`` below 1 means 1, ``count`` below 0 means 0, above the maximum means the maximum.
    Raises Refused invalidValue and InvalidFilter.
    """
    text = query.get("filter")
    filter = None if text is None else with_truths(parse_filter(text), None, kind)
    count = _number(query.get("count"), "count", DEFAULT_COUNT)
    start_index = _number(query.get("startIndex"), "startIndex", 1)
    return Page(max(1, min(start_index, _FAR)), max(0, min(count, MAX_COUNT)), filter)


def list_body(resources: Sequence[Mapping[str, Any]], *, total: int, start_index: int = 1) -> dict[str, Any]:
    """A ListResponse; ``total`` counts all matches, not the page."""
    return {
        "schemas": [_LIST],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _number(text: str | None, name: str, default: int) -> int:
    if text is None or text == "":
        return default
    digits = text.strip().lstrip("+-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise invalid_value(f"{name} is no whole number")
    return int(text)
