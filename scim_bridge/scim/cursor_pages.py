"""A page by a cursor: the rows after, or before, a place in the list (RFC 9865).

A sorted walk stands at a row: where that was deleted meanwhile, its value is gone, and the walk with it
(``expiredCursor``). A walk without sortBy stands at an id, which stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim_bridge.db import Tx
from scim_bridge.scim.answers import Shown
from scim_bridge.scim.cursors import Place, read_cursor, write_cursor
from scim_bridge.scim.list_request import ListRequest
from scim_bridge.scim.listed import Part, Rows, count_of, list_body, shown
from scim_bridge.scim.refusals import Refused, invalid_value
from scim_bridge.scim.service import Call

_FAR = 2**31 - 1


def page_by_cursor(call: Call, tx: Tx, parts: Sequence[Part], wanted: ListRequest) -> Shown:
    """The ListResponse with the cursors around it. Raises Refused (invalidCursor, expiredCursor, invalidValue)."""
    if wanted.sort_by and len(parts) > 1:
        raise invalid_value(
            "an order over several types cannot be walked by cursor", advice="page by startIndex, or search one type"
        )
    question = "\0".join([str(call.source.id), *(part.kind.name for part in parts), wanted.question])
    place = read_cursor(wanted.cursor, question, parts=len(parts)) if wanted.cursor else None
    total = sum(count_of(call, tx, part)[0] for part in parts)
    is_back = place is not None and place.back
    rows = _rows(tx, parts, place, wanted.count + 1)
    has_more = len(rows) > wanted.count
    if has_more:
        rows = rows[1:] if is_back else rows[:-1]
    cursors = {}
    if is_back or has_more:
        # a page back that found nothing leads to the beginning again
        cursors["nextCursor"] = write_cursor(Place(*_at(rows[-1])), question) if rows else ""
    if rows and (has_more if is_back else place is not None):
        cursors["previousCursor"] = write_cursor(Place(*_at(rows[0]), back=True), question)
    return list_body(shown(call, tx, parts, rows), total=total, start_index=None, **cursors)


def _at(row: tuple[int, Any]) -> tuple[int, int]:
    return row[0], row[1].id


def _rows(tx: Tx, parts: Sequence[Part], place: Place | None, limit: int) -> Rows:
    if parts[0].sorting is not None:
        return _sorted(tx, parts[0], place, limit)
    if place is not None and place.back:
        return _before(tx, parts, place, limit)
    return _after(tx, parts, place or Place(0, 0), limit)


def _sorted(tx: Tx, part: Part, place: Place | None, limit: int) -> Rows:
    if part.sorting is None:
        raise AssertionError("this list has no order of its own")
    id, back = (place.id, place.back) if place else (None, False)
    rows = part.shelf.sorted_from(tx, part.scope, part.sorting, id=id, back=back, limit=limit)
    if rows is None:
        raise Refused(
            "expiredCursor",
            "the resource at which this walk stood is gone",
            advice="send cursor= to start anew; without sortBy a walk never expires",
        )
    return [(0, row) for row in rows]


def _after(tx: Tx, parts: Sequence[Part], place: Place, limit: int) -> Rows:
    rows: list[tuple[int, Any]] = []
    for number in range(place.part, len(parts)):
        part, start = parts[number], place.id if number == place.part else 0
        found = part.shelf.after(tx, part.scope, id=start, limit=limit - len(rows))
        rows += [(number, row) for row in found]
        if len(rows) == limit:
            break
    return rows


def _before(tx: Tx, parts: Sequence[Part], place: Place, limit: int) -> Rows:
    rows: list[tuple[int, Any]] = []
    for number in range(place.part, -1, -1):
        part, end = parts[number], place.id if number == place.part else _FAR
        found = part.shelf.before(tx, part.scope, id=end, limit=limit - len(rows))
        rows = [(number, row) for row in found] + rows
        if len(rows) == limit:
            break
    return rows
