"""Lists, whoever asks: GET /Users, GET /Groups, and /.search over one type or both (RFC 7644 sections 3.4.2, 3.4.3).

Users come before groups where both are listed, each in the order of its creation. A page is found by its
number (startIndex) or by a cursor; both walk the same order, and ``totalResults`` counts all matches either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scim_bridge.db import Tx
from scim_bridge.directory.pages import Condition, Scope, Shelf
from scim_bridge.filters import parse_filter
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.attributes import Projection
from scim_bridge.scim.cursors import Place, read_cursor, write_cursor
from scim_bridge.scim.list_request import ListRequest, read_list_request
from scim_bridge.scim.model import ResourceType
from scim_bridge.scim.service import Call
from scim_bridge.scim.traits import traits_of

_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_FAR = 2**31 - 1
_Rows = Sequence[tuple[int, Any]]
"""Rows of a page, each with the number of its part."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A type that can be listed: how a filter becomes a condition, where its rows are, how they are shown."""

    kind: Callable[[Call], ResourceType]
    condition: Callable[..., Condition]
    shelf: Shelf[Any]
    render: Callable[[Call, Tx, Sequence[Any], Projection], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One type of the list, as this request asks for it."""

    listed: Listed
    kind: ResourceType
    scope: Scope
    projection: Projection


def list_resources(call: Call, *types: Listed) -> Answer:
    """The page that the query of ``call`` asks for, out of all resources of ``types``.

    Raises Refused (invalidValue, invalidCount, invalidCursor) and InvalidFilter.
    """
    wanted = read_list_request(call.query)
    if len(types) == 1 and (found := _found_at_once(call, types[0], wanted)) is not None:
        return found
    parts = [_part(call, one, wanted.filter) for one in types]
    if wanted.cursor is None:
        return _page_by_number(call, parts, wanted)
    return _page_by_cursor(call, parts, wanted)


def list_body(resources: Sequence[Mapping[str, Any]], *, total: int, **more: Any) -> dict[str, Any]:
    """A ListResponse; ``total`` counts all matches, not the page."""
    return {
        "schemas": [_LIST],
        "totalResults": total,
        **(more or {"startIndex": 1}),
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _found_at_once(call: Call, listed: Listed, wanted: ListRequest) -> Answer | None:
    """The answer to a look-up by a key, which is what providers send all day; None: this is no such request."""
    if wanted.filter is None or wanted.cursor is not None or wanted.start_index > 1 or wanted.count < 1:
        return None
    lookup = listed.shelf.lookup(parse_filter(wanted.filter))
    if lookup is None:
        return None
    projection = call.projection(listed.kind(call))
    with call.service.db.read() as tx:
        rows = listed.shelf.find(tx, call.source.id, lookup, limit=wanted.count + 1)
        if len(rows) > wanted.count:
            return None
        shown = listed.render(call, tx, rows, projection)
    return Answer(list_body(shown, total=len(rows)))


def _part(call: Call, listed: Listed, text: str | None) -> _Part:
    kind, source_id = listed.kind(call), call.source.id
    projection = call.projection(kind)
    if text is None:
        ladder = call.service.marks.find(source_id) if kind is call.users else None
        return _Part(listed, kind, Scope(source_id, None, ladder), projection)
    filter = parse_filter(text)
    where = listed.condition(call.service.db.dialect, source_id, filter, traits_of(kind), root=call.root)
    return _Part(listed, kind, Scope(source_id, where), projection)


def _page_by_number(call: Call, parts: Sequence[_Part], wanted: ListRequest) -> Answer:
    rows: list[tuple[int, Any]] = []
    total, offset = 0, wanted.start_index - 1
    with call.service.db.read() as tx:
        for number, part in enumerate(parts):
            found, matches = _slice(call, tx, part, max(0, offset - total), wanted.count - len(rows))
            rows += [(number, row) for row in found]
            total += matches
        shown = _render(call, tx, parts, rows)
    return Answer(list_body(shown, total=total, startIndex=wanted.start_index))


def _slice(call: Call, tx: Tx, part: _Part, offset: int, limit: int) -> tuple[list[Any], int]:
    """At most ``limit`` rows after the first ``offset``, and how many there are in all."""
    shelf = part.listed.shelf
    if offset == 0 and limit > 0:
        rows = shelf.after(tx, part.scope, id=0, limit=limit + 1)
        if len(rows) <= limit:
            return rows, len(rows)
        return rows[:limit], _count(call, tx, part)[0]
    total, scope = _count(call, tx, part)
    return shelf.at(tx, scope, offset=offset, limit=limit, total=total), total


def _count(call: Call, tx: Tx, part: _Part) -> tuple[int, Scope]:
    """How many there are, and the scope with its ladder only if that still stands."""
    scope = part.scope
    total = scope.ladder.total(tx, scope.source_id) if scope.ladder else None
    if total is None:
        scope = replace(scope, ladder=None)
        total = part.listed.shelf.count(tx, scope)
    if scope.where is None and part.kind is call.users:
        call.service.marks.note(scope.source_id, scope.ladder, total)
    return total, scope


def _page_by_cursor(call: Call, parts: Sequence[_Part], wanted: ListRequest) -> Answer:
    question = "\0".join([str(call.source.id), *(part.kind.name for part in parts), wanted.question])
    place = read_cursor(wanted.cursor, question) if wanted.cursor else Place(0, 0)
    with call.service.db.read() as tx:
        total = sum(_count(call, tx, part)[0] for part in parts)
        rows = (_before if place.back else _after)(tx, parts, place, wanted.count + 1)
        has_more = len(rows) > wanted.count
        if has_more:
            rows = rows[1:] if place.back else rows[:-1]
        shown = _render(call, tx, parts, rows)
    cursors = {}
    if place.back or has_more:
        cursors["nextCursor"] = write_cursor(_end(rows, place), question)
    if (has_more if place.back else bool(wanted.cursor)) and rows:
        cursors["previousCursor"] = write_cursor(Place(rows[0][0], rows[0][1].id, back=True), question)
    return Answer(list_body(shown, total=total, **cursors))


def _end(rows: _Rows, place: Place) -> Place:
    """Where the next page begins: after the last row, or where a page back found nothing, at the beginning."""
    return Place(rows[-1][0], rows[-1][1].id) if rows else Place(0, 0)


def _after(tx: Tx, parts: Sequence[_Part], place: Place, limit: int) -> _Rows:
    rows: list[tuple[int, Any]] = []
    for number in range(place.part, len(parts)):
        part, start = parts[number], place.id if number == place.part else 0
        found = part.listed.shelf.after(tx, part.scope, id=start, limit=limit - len(rows))
        rows += [(number, row) for row in found]
        if len(rows) == limit:
            break
    return rows


def _before(tx: Tx, parts: Sequence[_Part], place: Place, limit: int) -> _Rows:
    rows: list[tuple[int, Any]] = []
    for number in range(place.part, -1, -1):
        part, end = parts[number], place.id if number == place.part else _FAR
        found = part.listed.shelf.before(tx, part.scope, id=end, limit=limit - len(rows))
        rows = [(number, row) for row in found] + rows
        if len(rows) == limit:
            break
    return rows


def _render(call: Call, tx: Tx, parts: Sequence[_Part], rows: _Rows) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for number, part in enumerate(parts):
        own = [row for owner, row in rows if owner == number]
        shown += part.listed.render(call, tx, own, part.projection) if own else []
    return shown
