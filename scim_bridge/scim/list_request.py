"""What a list is asked for, out of a query (RFC 7644 section 3.4.2, RFC 9865 section 2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scim_bridge.scim.refusals import Refused, invalid_value

DEFAULT_COUNT = 100
MAX_COUNT = 1000
_FAR = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A page of a list. ``start_index`` counts from 1. ``cursor``: None asks by number, "" for the first page."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int = DEFAULT_COUNT
    cursor: str | None = None

    @property
    def question(self) -> str:
        """What stays the same from page to page of one walk."""
        return f"{self.filter or ''}\0{(self.sort_by or '').lower()}\0{self.descending}"


def read_list_request(query: Mapping[str, str]) -> ListRequest:
    """Read the parameters of a list; those that are not known are ignored.

    ``startIndex`` below 1 means 1, ``count`` above the maximum means the maximum, below 0 means 0; beside a
    cursor it must be 1 or more. Raises Refused invalidValue and invalidCount.
    """
    order = query.get("sortOrder") or "ascending"
    if order.lower() not in ("ascending", "descending"):
        raise invalid_value("sortOrder is not known", advice="send ascending or descending")
    cursor = query.get("cursor")
    count = _number(query.get("count"), "count", DEFAULT_COUNT)
    if cursor is not None and count < 1:
        raise Refused("invalidCount", f"count is {count}", advice=f"beside a cursor send 1 to {MAX_COUNT}")
    if cursor is not None and query.get("startIndex"):
        raise invalid_value("startIndex and cursor exclude each other", advice="send one of them")
    return ListRequest(
        query.get("filter"),
        query.get("sortBy") or None,
        order.lower() == "descending",
        max(1, min(_number(query.get("startIndex"), "startIndex", 1), _FAR)),
        max(0, min(count, MAX_COUNT)),
        cursor,
    )


def _number(text: str | None, name: str, default: int) -> int:
    if text is None or text == "":
        return default
    digits = text.strip().lstrip("+-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and len(text.strip()) - len(digits) <= 1):
        raise invalid_value(f"{name} is no whole number")
    return int(text)
