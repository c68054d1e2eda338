"""One entry of the journal, as a tuple in the order of its columns: it goes into the statement as it is."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RESOURCE = re.compile(r"/(User|Group)s/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])")
_LONGEST_METHOD = 20
_LARGEST_INT = 2**31 - 1


class Entry(NamedTuple):
    """What ``tables.RequestRow`` says of each column."""

    at_us: int
    source_id: int
    request_id: str
    method: str
    target: str
    status: int
    took_us: int
    subject: str | None
    size: int | None
    body: bytes | None
    answer: bytes | None
    lost: int | None = None


@dataclass(slots=True)
class Asked:
    """A request before it is answered. An operation of /Bulk has one of its own, with the request id of the whole.

    ``target`` is the path below ``/scim/v2`` and the query, decoded.
    """

    request_id: str
    method: str
    target: str
    began_ns: int = field(default_factory=time.perf_counter_ns)
    is_entered: bool = False  # its entry is committed

    def took_us(self) -> int:
        """Microseconds from its beginning until now."""
        return min((time.perf_counter_ns() - self.began_ns) // 1_000, _LARGEST_INT)


def new_request_id() -> str:
    """32 hex digits that no other request has; the first 12 are the time in milliseconds (as in UUID version 7).

    So the journal finds a request by its id without an index.
    """
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def time_of(request_id: str) -> datetime | None:
    """When a request got its id; None for an id that is not one of ours."""
    if not re.fullmatch(r"[0-9a-f]{32}", request_id):
        return None
    moment_ms = int(request_id[:12], 16)
    return _EPOCH + timedelta(milliseconds=moment_ms) if moment_ms < 1 << 47 else None


def to_us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    """The time that ``to_us`` made a number of."""
    return _EPOCH + timedelta(microseconds=at_us)


def subject_of(target: str, location: str | None) -> str | None:
    """``user:<id>`` or ``group:<id>``: the one resource that a request was about, or made (``location``)."""
    found = _RESOURCE.match(target) if location is None else _RESOURCE.search(location)
    return f"{found[1].lower()}:{found[2]}" if found else None


def short_method(method: str) -> str:
    """The method as the column holds it: a client may send any word."""
    return method if len(method) <= _LONGEST_METHOD else method[:_LONGEST_METHOD]
