"""Lists, whoever asks: GET /Users, GET /Groups, and /.search over one type or both (RFC 7644 sections 3.4.2, 3.4.3).

Without sortBy users come before groups where both are listed, each in the order of its creation. A page is
found by its number (startIndex) or by a cursor; both walk the same order, and ``totalResults`` counts all matches
either way.
"""

from __future__ import annotations

from scim_bridge.filters import parse_filter
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.cursor_pages import page_by_cursor
from scim_bridge.scim.list_request import ListRequest, read_list_request
from scim_bridge.scim.listed import Listed, list_body, parts_of
from scim_bridge.scim.number_pages import page_by_number
from scim_bridge.scim.service import Call


def list_resources(call: Call, *types: Listed) -> Answer:
    """The page that the query of ``call`` asks for, out of all resources of ``types``.

    Raises Refused (invalidValue, invalidCount, invalidCursor, expiredCursor) and InvalidFilter.
    """
    wanted = read_list_request(call.query)
    if len(types) == 1 and (found := _found_at_once(call, types[0], wanted)) is not None:
        return found
    parts = parts_of(call, types, wanted)
    page = page_by_number if wanted.cursor is None else page_by_cursor
    with call.service.db.moment() as tx:  # a page counted from the end needs the total of its own moment
        return Answer(page(call, tx, parts, wanted))


def _found_at_once(call: Call, listed: Listed, wanted: ListRequest) -> Answer | None:
    """The answer to a look-up by a key, which is what providers send all day; None: this is no such request."""
    if wanted.filter is None or wanted.cursor is not None or wanted.sort_by is not None:
        return None
    lookup = listed.shelf.lookup(parse_filter(wanted.filter))
    if lookup is None or wanted.start_index > 1 or wanted.count < 1:
        return None
    projection = call.projection(listed.kind(call))
    with call.service.db.read() as tx:
        rows = listed.shelf.find(tx, call.source.id, lookup, limit=wanted.count + 1)
        if len(rows) > wanted.count:
            return None
        shown = listed.render(call, tx, rows, projection)
    return Answer(list_body(shown, total=len(rows)))
