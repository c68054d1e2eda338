"""Identity sources and their tokens.

A token is ``scb-<public id>-<secret>``: the public id finds the row, SHA-256 over 256 random bits proves
it. A slow hash would cost a hundred milliseconds a request and add nothing: there is no dictionary of
random bits. Two tokens may live at once, so that a change of token needs no gap.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from scim_bridge.audit.record import UNRECORDED, record
from scim_bridge.db import Tx
from scim_bridge.directory.tables import Group, Source, Token, User
from scim_bridge.errors import Conflict, InvalidInput, NotFound

KINDS = ("okta", "entra", "generic")
_LIVE_AT_ONCE = 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TOKEN = re.compile(r"scb-([0-9a-f]{16})-([0-9a-f]{64})")
_USE_KEPT_FOR = timedelta(minutes=1)

_BY_PUBLIC_ID = (  # built once: every request asks this
    sa.select(Token, Source.name, Source.kind, Source.joins, Source.disabled_at, Source.is_probe)
    .join(Source, Source.id == Token.source_id)
    .where(Token.public_id == sa.bindparam("public_id"))
)


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Who is asking. ``use_is_stale``: the token's last use should be written down again (``note_use``)."""

    id: int
    name: str
    kind: str
    joins: bool
    is_disabled: bool = False
    token_id: int = 0
    use_is_stale: bool = False
    is_probe: bool = False

    @property
    def actor(self) -> str:
        """The name that audit rows carry; a probe's pushes concern nobody and leave none."""
        return UNRECORDED if self.is_probe else f"source:{self.name}"


@dataclass(frozen=True, slots=True)
class TokenView:
    """A live token without its secret."""

    public_id: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source for lists; ``tokens`` are the live ones."""

    id: int
    name: str
    kind: str
    joins: bool
    disabled_at: datetime | None
    created_at: datetime
    users: int
    groups: int
    tokens: tuple[TokenView, ...]


@dataclass(frozen=True, slots=True)
class Rotation:
    """The new token, shown once, and when the old ones end; None: there were none."""

    token: str
    old_ends_at: datetime | None


def add_source(tx: Tx, *, name: str, kind: str, joins: bool, now: datetime, actor: str = "cli") -> int:
    """Make a source and return its id. Raises InvalidInput (name, kind) and Conflict (name taken)."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a source", advice="use 1 to 100 letters, digits, dots, dashes or _"
        )
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is no kind of source", advice=f"use one of {', '.join(KINDS)}")
    if _find(tx, name) is not None:
        raise Conflict(f"source {name} is there already", advice="choose another name")
    try:
        source_id = tx.execute(
            sa.insert(Source).values(name=name, kind=kind, joins=joins, created_at=now).returning(Source.id)
        ).scalar_one()
    except IntegrityError as error:
        raise Conflict(f"source {name} is there already", advice="choose another name") from error
    record(tx, at=now, actor=actor, action="source.added", subject=f"source:{name}", detail={"kind": kind})
    return source_id


def new_token(tx: Tx, source_id: int, *, now: datetime, actor: str = "cli") -> str:
    """Make a token; only this answer ever shows it. Raises Conflict where two are live."""
    if len(_live(tx, [source_id], now)) >= _LIVE_AT_ONCE:
        raise Conflict(f"{_LIVE_AT_ONCE} tokens are live already", advice="revoke one, or wait until the old one ends")
    public_id, secret = secrets.token_hex(8), secrets.token_hex(32)
    tx.execute(
        sa.insert(Token).values(source_id=source_id, public_id=public_id, secret_hash=_digest(secret), created_at=now)
    )
    record(tx, at=now, actor=actor, action="token.created", subject=f"token:{public_id}")
    return f"scb-{public_id}-{secret}"


def rotate(tx: Tx, name: str, *, now: datetime, old_ends_after: timedelta, actor: str = "cli") -> Rotation:
    """Make a new token; the live one ends ``old_ends_after`` from now. Raises NotFound, Conflict (also if disabled)."""
    source_id = _get(tx, name)
    if tx.execute(sa.select(Source.disabled_at).where(Source.id == source_id)).scalar_one() is not None:
        raise Conflict(f"source {name} is disabled", advice=f"`scim-bridge source enable {name}` first")
    old = _live(tx, [source_id], now)
    token = new_token(tx, source_id, now=now, actor=actor)
    ends_at = now + old_ends_after
    ends = [min(ends_at, row.expires_at or ends_at) for row in old]
    for row, at in zip(old, ends, strict=True):
        tx.execute(sa.update(Token).where(Token.id == row.id).values(expires_at=at))
        record(tx, at=now, actor=actor, action="token.rotated", subject=f"token:{row.public_id}")
    return Rotation(token, max(ends, default=None))


def revoke(tx: Tx, name: str, public_id: str | None, *, now: datetime, actor: str = "cli") -> int:
    """End one live token of the source now, or all (None); how many. Raises NotFound."""
    live = _live(tx, [_get(tx, name)], now)
    chosen = [row for row in live if public_id in (None, row.public_id)]
    if not chosen:
        what = f"live token {public_id}" if public_id else "live token"
        raise NotFound(f"source {name} has no {what}", advice="`scim-bridge source list` shows them")
    for row in chosen:
        tx.execute(sa.update(Token).where(Token.id == row.id).values(revoked_at=now))
        record(tx, at=now, actor=actor, action="token.revoked", subject=f"token:{row.public_id}")
    return len(chosen)


def disable(tx: Tx, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Refuse this source's requests from now on; nobody's access changes. Raises NotFound."""
    source_id = _get(tx, name)
    tx.execute(sa.update(Source).where(Source.id == source_id, Source.disabled_at.is_(None)).values(disabled_at=now))
    record(tx, at=now, actor=actor, action="source.disabled", subject=f"source:{name}")


def enable(tx: Tx, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Take this source's requests again, with the tokens that it had. Raises NotFound."""
    source_id = _get(tx, name)
    tx.execute(sa.update(Source).where(Source.id == source_id).values(disabled_at=None))
    record(tx, at=now, actor=actor, action="source.enabled", subject=f"source:{name}")


def list_sources(tx: Tx, now: datetime | None = None) -> list[SourceView]:
    """All sources by name, without probes. With ``now``, tokens that have ended by then are left out."""
    rows = tx.execute(sa.select(Source).where(~Source.is_probe).order_by(Source.name)).all()
    live = _live(tx, [row.id for row in rows], now)
    users = _counts(tx, User)
    groups = _counts(tx, Group)
    return [
        SourceView(
            row.id,
            row.name,
            row.kind,
            row.joins,
            row.disabled_at,
            row.created_at,
            users.get(row.id, 0),
            groups.get(row.id, 0),
            tuple(
                TokenView(token.public_id, token.created_at, token.expires_at, token.last_used_at)
                for token in live
                if token.source_id == row.id
            ),
        )
        for row in rows
    ]


def authenticate(tx: Tx, token: str, now: datetime) -> SourceRef | None:
    """Whose token this is, or None. A disabled source's is known, too: ``is_disabled`` says so."""
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    row = tx.execute(_BY_PUBLIC_ID, {"public_id": parts[1]}).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _digest(parts[2])):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    is_stale = row.last_used_at is None or now - row.last_used_at >= _USE_KEPT_FOR
    is_disabled = row.disabled_at is not None
    return SourceRef(row.source_id, row.name, row.kind, row.joins, is_disabled, row.id, is_stale, is_probe=row.is_probe)


def note_use(tx: Tx, token_id: int, *, now: datetime) -> None:
    """Write down that a token was used; worth a write once a minute, not per request."""
    tx.execute(sa.update(Token).where(Token.id == token_id).values(last_used_at=now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _find(tx: Tx, name: str) -> int | None:
    return tx.execute(sa.select(Source.id).where(Source.name == name)).scalar_one_or_none()


def _get(tx: Tx, name: str) -> int:
    source_id = _find(tx, name)
    if source_id is None:
        raise NotFound(f"there is no source {name}", advice="`scim-bridge source list` shows them")
    return source_id


def _live(tx: Tx, source_ids: Sequence[int], now: datetime | None) -> Sequence[sa.Row[Any]]:
    statement = (
        sa.select(Token)
        .where(Token.source_id.in_(source_ids), Token.revoked_at.is_(None))
        .order_by(Token.created_at, Token.id)
    )
    if now is not None:
        statement = statement.where(sa.or_(Token.expires_at.is_(None), Token.expires_at > now))
    return tx.execute(statement).all()


def _counts(tx: Tx, table: type[User] | type[Group]) -> dict[int, int]:
    rows = tx.execute(sa.select(table.source_id, sa.func.count()).group_by(table.source_id))
    return {row[0]: row[1] for row in rows}
