"""The journal, read: lists, one entry whole, and the request that brought somebody into a group.

``id`` is close to the order of time (what was flushed late comes a little later), so a moment is found among the ids
by halving: some twenty look-ups, and no index that pushes would pay for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.journal.entry import from_us, time_of, to_us
from scim_bridge.journal.membership import effect
from scim_bridge.journal.pack import unpack
from scim_bridge.journal.tables import RequestRow

_LATE = timedelta(minutes=2)  # entries that were flushed late, machines whose clocks differ
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_LOOKED_AT = 200
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class RequestView:
    """An entry for lists. ``target`` is decoded; ``took_us`` of a write ends where its commit began."""

    id: int
    at: datetime
    source_id: int
    request_id: str
    method: str
    target: str
    status: int
    took_us: int
    subject: str | None
    size: int | None
    lost: int | None


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """An entry whole. ``is_cut``: ``body`` is only the beginning of the ``size`` bytes that were sent."""

    view: RequestView
    body: bytes | None
    is_cut: bool
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: all that is given must hold. ``status`` from and to; ``subjects``: any of."""

    source_id: int | None = None
    subjects: Sequence[str] | None = None
    method: str | None = None
    status: tuple[int, int] | None = None
    since: datetime | None = None


def list_requests(tx: Tx, wanted: Wanted, *, limit: int) -> list[RequestDetail]:
    """The latest entries, newest first, with the answers of errors, but without bodies."""
    query = sa.select(*_COLUMNS, RequestRow.answer).order_by(RequestRow.id.desc()).limit(limit)
    for condition in _conditions(tx, wanted):
        query = query.where(condition)
    return [RequestDetail(_view(row), None, False, _open(row.answer)[0]) for row in tx.execute(query)]


def find_requests(tx: Tx, text: str) -> list[RequestDetail]:
    """The entry of this number, or those of this request id (several for /Bulk), oldest first."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return _details(tx, RequestRow.id == int(text))
    at = time_of(text.lower())
    if at is None:
        return []
    is_it = sa.and_(RequestRow.id >= first_since(tx, at - _LATE), RequestRow.request_id == text.lower())
    return _details(tx, is_it, RequestRow.id < first_since(tx, at + _LATE)) or _details(tx, is_it)


def bringer(tx: Tx, group: str, names: Collection[str]) -> RequestView | None:
    """The request after which one of ``names`` was in the group and stayed; None: not among the latest entries.

    ``group`` is the group's SCIM id, ``names`` are the ids that the member may be named by. A repeated add changes
    nothing, so the search goes on to the one that followed an absence.
    """
    found: RequestView | None = None
    for view, body, is_cut in _writes(tx, f"group:{group}"):
        match effect(view.method, body, names, is_cut=is_cut):
            case "in":
                found = view
            case "out":
                return found
    return found


def last_write(tx: Tx, user: str) -> RequestView | None:
    """The latest request that wrote this user (a SCIM id)."""
    return next((view for view, _, _ in _writes(tx, f"user:{user}")), None)


def begins_at(tx: Tx) -> datetime | None:
    """When the journal begins; None: it is empty."""
    at_us = tx.scalar(sa.select(RequestRow.at_us).order_by(RequestRow.id).limit(1))
    return None if at_us is None else from_us(at_us)


def first_since(tx: Tx, at: datetime) -> int:
    """The first id whose entry is not older than ``at``, near enough (see ``_LATE``); past the last where all are."""
    first, last = tx.execute(_BOUNDS).one()
    if last is None:
        return 1
    low, high, at_us = int(first), int(last) + 1, to_us(at)
    while low < high:
        middle = (low + high) // 2
        row = tx.execute(_FROM_ID, {"id": middle}).first()
        if row is None or row.at_us >= at_us:
            high = middle
        else:
            low = row.id + 1
    return low


_BOUNDS = sa.select(  # two look-ups; MIN and MAX in one SELECT would walk the table
    sa.select(sa.func.min(RequestRow.id)).scalar_subquery(), sa.select(sa.func.max(RequestRow.id)).scalar_subquery()
)
_FROM_ID = (
    sa.select(RequestRow.id, RequestRow.at_us)
    .where(RequestRow.id >= sa.bindparam("id"))
    .order_by(RequestRow.id)
    .limit(1)
)
_COLUMNS = (
    *(RequestRow.id, RequestRow.at_us, RequestRow.source_id, RequestRow.request_id, RequestRow.method),
    *(RequestRow.target, RequestRow.status, RequestRow.took_us, RequestRow.subject, RequestRow.size, RequestRow.lost),
)


def _conditions(tx: Tx, wanted: Wanted) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.source_id is not None:
        yield RequestRow.source_id == wanted.source_id
    if wanted.subjects is not None:
        yield RequestRow.subject.in_(wanted.subjects)
    if wanted.method is not None:
        yield RequestRow.method == wanted.method.upper()
    if wanted.status is not None:
        yield RequestRow.status.between(*wanted.status)
    if wanted.since is not None:
        yield RequestRow.id >= first_since(tx, wanted.since - _LATE)
        yield RequestRow.at_us >= to_us(wanted.since)


def _writes(tx: Tx, subject: str) -> Iterator[tuple[RequestView, bytes, bool]]:
    """The writes of a resource, newest first, with body and whether it is cut; at most ``_LOOKED_AT``."""
    query = (
        sa.select(*_COLUMNS, RequestRow.body)
        .where(RequestRow.subject == subject, RequestRow.method.in_(_WRITES), RequestRow.status < 300)
        .order_by(RequestRow.id.desc())
        .limit(_AT_ONCE)
    )
    older = query
    for _ in range(_LOOKED_AT // _AT_ONCE):  # bodies are large, and the first few mostly tell
        page = tx.execute(older).all()
        for row in page:
            yield _view(row), *_open_body(row.body)
        if len(page) < _AT_ONCE:
            return
        older = query.where(RequestRow.id < page[-1].id)


def _details(tx: Tx, *conditions: sa.ColumnElement[bool]) -> list[RequestDetail]:
    query = sa.select(*_COLUMNS, RequestRow.body, RequestRow.answer).where(*conditions).order_by(RequestRow.id)
    return [RequestDetail(_view(row), *_open(row.body), _open(row.answer)[0]) for row in tx.execute(query)]


def _open(packed: bytes | None) -> tuple[bytes | None, bool]:
    return (None, False) if packed is None else unpack(bytes(packed))


def _open_body(packed: bytes | None) -> tuple[bytes, bool]:
    raw, is_cut = _open(packed)
    return raw or b"", is_cut


def _view(row: Any) -> RequestView:
    """``row`` begins with ``_COLUMNS``."""
    id_, at_us, *rest = row[: len(_COLUMNS)]
    return RequestView(id_, from_us(at_us), *rest)
