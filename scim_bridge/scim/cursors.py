"""Cursors: where a walk through a list stands, as text that a URL can carry (RFC 9865). Pure.

A cursor is a place in the order of the list (the last row that was shown, or the first), not a page kept
on the server: it never expires, costs no memory, and is as good after a restart or on another machine. A check
over the place and the question (source, type, filter, order) refuses a cursor that was cut, changed, or sent with
another filter. It is no secret: whoever makes one up sees no more than a filter on the same list shows. So a place
that can be read still need not be in the list.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b

from scim_bridge.scim.refusals import Refused

_CHECK_BYTES = 8
_PLACE = re.compile(rb"\[([0-9]{1,3}),([0-9]{1,10}),([01])\]")
_LARGEST = 2**31 - 1  # of a row's id


@dataclass(frozen=True, slots=True)
class Place:
    """A row in a list: ``part`` is the type's number among those listed together, ``id`` the row's own.

    ``back``: the page ends before it instead of beginning after it.
    """

    part: int
    id: int
    back: bool = False


def write_cursor(place: Place, question: str) -> str:
    """The cursor of ``place`` in the list that ``question`` describes: letters, digits, ``-`` and ``_``."""
    raw = json.dumps([place.part, place.id, int(place.back)], separators=(",", ":")).encode()
    return urlsafe_b64encode(_check(raw, question) + raw).decode().rstrip("=")


def read_cursor(cursor: str, question: str, *, parts: int = 1) -> Place:
    """The place of a cursor that ``write_cursor`` made for this question, over so many ``parts``.

    Raises Refused invalidCursor.
    """
    try:
        data = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError as error:
        raise _invalid() from error
    found = _PLACE.fullmatch(data[_CHECK_BYTES:])
    if found is None:
        raise _invalid()
    place = Place(int(found[1]), int(found[2]), found[3] == b"1")
    if place.part >= parts or place.id > _LARGEST or write_cursor(place, question) != cursor:
        raise _invalid()
    return place


def _check(raw: bytes, question: str) -> bytes:
    return blake2b(raw + b"\0" + question.encode(), digest_size=_CHECK_BYTES).digest()


def _invalid() -> Refused:
    return Refused(
        "invalidCursor",
        "the cursor is none that this list gave out",
        advice="send nextCursor or previousCursor as it came, with the same filter and order; cursor= starts anew",
    )
