"""Secrets of sources: bearer tokens, and clients of OAuth 2.0 or HTTP basic.

A secret is ``scb-<public id>-<secret>``: the public id finds the row (and is a client's id), SHA-256 over
256 random bits proves it. A slow hash would cost a hundred milliseconds a request and add nothing: there
is no dictionary of random bits. Two of a kind may live at once, so that a change needs no gap. One kind is
never taken for the other: a client's secret is no bearer token, and HTTP basic stays off where it is off.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.tables import Token
from scim_bridge.errors import Conflict

BEARER: Final = "bearer"
CLIENT: Final = "client"
_LIVE_AT_ONCE = 2
_NOUNS = {BEARER: "token", CLIENT: "client"}
_PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
_SHAPE = re.compile(r"scb-([0-9a-f]{16})-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class TokenView:
    """A live token or client without its secret."""

    public_id: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    kind: str = BEARER


@dataclass(frozen=True, slots=True)
class Rotation:
    """The new secret, shown once, and when the old ones end; None: there were none."""

    token: str
    old_ends_at: datetime | None


def read_token(text: str) -> tuple[str, str] | None:
    """The public id of a secret, and the digest of what proves it; None where ``text`` has another shape."""
    parts = _SHAPE.fullmatch(text)
    return (parts[1], _digest(parts[2])) if parts else None


def is_public_id(text: str) -> bool:
    """Whether ``text`` can name a token or client of ours."""
    return _PUBLIC_ID.fullmatch(text) is not None


def public_id_of(token: str) -> str:
    """The public id of a secret that we made; a client's id."""
    return token.split("-")[1]


def new_token(
    tx: Tx,
    source_id: int,
    *,
    now: datetime,
    kind: str = BEARER,
    expires_after: timedelta | None = None,
    actor: str = "cli",
) -> str:
    """Make a token or client; only this answer ever shows it. Raises Conflict where two are live."""
    noun = _NOUNS[kind]
    if len(live_tokens(tx, [source_id], now, kind)) >= _LIVE_AT_ONCE:
        raise Conflict(f"{_LIVE_AT_ONCE} {noun}s are live already", advice="revoke one, or wait until the old one ends")
    public_id, secret = secrets.token_hex(8), secrets.token_hex(32)
    tx.execute(
        sa.insert(Token).values(
            source_id=source_id,
            kind=kind,
            public_id=public_id,
            secret_hash=_digest(secret),
            created_at=now,
            expires_at=None if expires_after is None else now + expires_after,
        )
    )
    record(tx, at=now, actor=actor, action=f"{noun}.created", subject=f"token:{public_id}")
    return f"scb-{public_id}-{secret}"


def rotate_tokens(
    tx: Tx,
    source_id: int,
    *,
    now: datetime,
    old_ends_after: timedelta,
    kind: str = BEARER,
    expires_after: timedelta | None = None,
    actor: str = "cli",
) -> Rotation:
    """Make a new one; the live one of its kind ends ``old_ends_after`` from now. Raises Conflict."""
    old = live_tokens(tx, [source_id], now, kind)
    token = new_token(tx, source_id, now=now, kind=kind, expires_after=expires_after, actor=actor)
    ends_at = now + old_ends_after
    ends = [min(ends_at, row.expires_at or ends_at) for row in old]
    for row, at in zip(old, ends, strict=True):
        tx.execute(sa.update(Token).where(Token.id == row.id).values(expires_at=at))
        record(tx, at=now, actor=actor, action=f"{_NOUNS[kind]}.rotated", subject=f"token:{row.public_id}")
    return Rotation(token, max(ends, default=None))


def revoke_tokens(tx: Tx, source_id: int, public_id: str | None, *, now: datetime, actor: str = "cli") -> int:
    """End one live token or client of the source now, or all (None); how many."""
    chosen = [row for row in live_tokens(tx, [source_id], now) if public_id in (None, row.public_id)]
    for row in chosen:
        tx.execute(sa.update(Token).where(Token.id == row.id).values(revoked_at=now))
        record(tx, at=now, actor=actor, action=f"{_NOUNS[row.kind]}.revoked", subject=f"token:{row.public_id}")
    return len(chosen)


def live_tokens(
    tx: Tx, source_ids: Sequence[int], now: datetime | None, kind: str | None = None
) -> Sequence[sa.Row[Any]]:
    """Tokens and clients, or those of one kind, in the order of their making. Without ``now``: ended ones, too."""
    statement = (
        sa.select(Token)
        .where(Token.source_id.in_(source_ids), Token.revoked_at.is_(None))
        .order_by(Token.created_at, Token.id)
    )
    if now is not None:
        statement = statement.where(sa.or_(Token.expires_at.is_(None), Token.expires_at > now))
    if kind is not None:
        statement = statement.where(Token.kind == kind)
    return tx.execute(statement).all()


def view_of(token: sa.Row[Any]) -> TokenView:
    """What may be shown of a row."""
    return TokenView(token.public_id, token.created_at, token.expires_at, token.last_used_at, token.kind)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
