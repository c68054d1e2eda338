"""A page by its number: startIndex and count (RFC 7644 section 3.4.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim_bridge.db import Tx
from scim_bridge.directory.pages import Branch, sorted_ids
from scim_bridge.scim.answers import Shown
from scim_bridge.scim.list_request import ListRequest
from scim_bridge.scim.listed import Part, Rows, count_of, list_body, shown
from scim_bridge.scim.service import Call


def page_by_number(call: Call, tx: Tx, parts: Sequence[Part], wanted: ListRequest) -> Shown:
    """The ListResponse: types one after the other, or all in one order where the request sorts."""
    read = _in_order if wanted.sort_by else _one_after_the_other
    rows, total = read(call, tx, parts, wanted.start_index - 1, wanted.count)
    return list_body(shown(call, tx, parts, rows), total=total, start_index=wanted.start_index)


def _one_after_the_other(call: Call, tx: Tx, parts: Sequence[Part], offset: int, limit: int) -> tuple[Rows, int]:
    rows: list[tuple[int, Any]] = []
    total = 0
    for number, part in enumerate(parts):
        found, matches = _slice(call, tx, part, max(0, offset - total), limit - len(rows))
        rows += [(number, row) for row in found]
        total += matches
    return rows, total


def _slice(call: Call, tx: Tx, part: Part, offset: int, limit: int) -> tuple[list[Any], int]:
    """At most ``limit`` rows after the first ``offset``, and how many there are in all."""
    if offset == 0 and limit > 0:
        rows = part.shelf.after(tx, part.scope, id=0, limit=limit + 1)
        if len(rows) <= limit:
            return rows, len(rows)
        return rows[:limit], count_of(call, tx, part)[0]
    total, scope = count_of(call, tx, part)
    return part.shelf.at(tx, scope, offset=offset, limit=limit, total=total), total


def _in_order(call: Call, tx: Tx, parts: Sequence[Part], offset: int, limit: int) -> tuple[Rows, int]:
    total = sum(count_of(call, tx, part)[0] for part in parts)
    branches = [Branch(part.shelf, part.scope, part.sorting) for part in parts if part.sorting]
    places = sorted_ids(tx, branches, offset=offset, limit=limit) if limit and offset < total else []
    rows = {
        (number, row.id): row
        for number, part in enumerate(parts)
        for row in part.shelf.of_ids(tx, [id for owner, id in places if owner == number])
    }
    return [(number, rows[number, id]) for number, id in places if (number, id) in rows], total
