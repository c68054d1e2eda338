"""Whose a credential is. Every way in ends here: a row found by its public part, and a source that may ask.

    credential                     | found by            | proven by
    -------------------------------+---------------------+------------------------------------
    bearer token                   | its public id       | the digest of its secret
    client (OAuth 2.0, HTTP basic) | its id              | the digest of its secret
    a JWT that we issued           | its client's id     | our signature, checked before
    Entra's own JWT                | tenant and audience | Entra's signature, checked beside

Nothing here knows a secret: callers keep what they pass in memory, to ask again a second later.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from scim_bridge.db import Tx
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import Source, Token
from scim_bridge.directory.tokens import BEARER, CLIENT, read_token

_OTHER = aliased(Source)
_SOURCE: tuple[Any, ...] = (
    Source.id.label("source_id"),
    Source.name,
    Source.kind.label("source_kind"),
    Source.joins,
    Source.disabled_at,
    Source.tenant_id,
    Source.audience,
    Source.networks,
    Source.requests_per_second,
    Source.takes_basic,
    Source.is_probe,
    sa.select(_OTHER.id).where(_OTHER.id != Source.id, _OTHER.joins).exists().label("has_peers"),
)
_BY_PUBLIC_ID = (  # built once, as the others: they are asked each second
    sa.select(Token.id, Token.kind, Token.secret_hash, Token.expires_at, Token.revoked_at, *_SOURCE)
    .join(Source, Source.id == Token.source_id)
    .where(Token.public_id == sa.bindparam("public_id"), Token.kind == sa.bindparam("kind"))
)
_STATE = sa.select(Token.kind, Token.expires_at, Token.revoked_at).where(Token.public_id == sa.bindparam("public_id"))
_BY_TENANT = sa.select(*_SOURCE).where(Source.tenant_id == sa.bindparam("tenant_id"))
_ANY_BASIC = sa.select(Source.id).where(Source.takes_basic, Source.disabled_at.is_(None)).limit(1)
_USED_TOKEN = sa.update(Token).where(Token.id == sa.bindparam("token")).values(last_used_at=sa.bindparam("at"))
_USED_TENANT = sa.update(Source).where(Source.id == sa.bindparam("source")).values(tenant_used_at=sa.bindparam("at"))


def authenticate(tx: Tx, token: str, now: datetime) -> SourceRef | None:
    """Whose bearer token this is, or None. A disabled source's is known, too: ``is_disabled`` says so."""
    parts = read_token(token)
    return by_secret(tx, now, *parts) if parts else None


def by_secret(tx: Tx, now: datetime, public_id: str, digest: str, kind: str = BEARER) -> SourceRef | None:
    """The source of a live token or client whose secret has this digest, or None."""
    row = _live(tx, now, public_id, kind)
    if row is None or not hmac.compare_digest(row.secret_hash, digest):
        return None
    return _source(row, row.id, row.expires_at)


def by_basic(tx: Tx, now: datetime, public_id: str, digest: str) -> SourceRef | None:
    """The source of a live client that may use HTTP basic, or None."""
    source = by_secret(tx, now, public_id, digest, CLIENT)
    return source if source is not None and source.takes_basic else None


def by_client(tx: Tx, now: datetime, public_id: str) -> SourceRef | None:
    """The source of a live client whose JWT was proven, or None: its JWTs end with it."""
    row = _live(tx, now, public_id, CLIENT)
    return None if row is None else _source(row, row.id, row.expires_at)


def by_tenant(tx: Tx, _now: datetime, tenant_id: str, audiences: Collection[str]) -> SourceRef | None:
    """The source that takes JWTs of this tenant for one of these audiences, or None."""
    rows = tx.execute(_BY_TENANT, {"tenant_id": tenant_id}).all()
    return next((_source(row) for row in rows if row.audience in audiences), None)


def is_tenant_known(tx: Tx, tenant_id: str) -> bool:
    """Whether any source takes JWTs of this tenant."""
    return tx.execute(_BY_TENANT, {"tenant_id": tenant_id}).first() is not None


def is_basic_on(tx: Tx) -> bool:
    """Whether HTTP basic is of use to anybody here."""
    return tx.execute(_ANY_BASIC).first() is not None


def why_refused(tx: Tx, now: datetime, public_id: str, kind: str | None, otherwise: str) -> str:
    """What an operator wants to read of a token or client that let nobody in; ``otherwise``: its row is no reason."""
    row = tx.execute(_STATE, {"public_id": public_id}).one_or_none()
    if row is None:
        return "no token or client has this id"
    if row.revoked_at is not None:
        return "it was revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "it has ended"
    if kind not in (None, row.kind):
        return "it is a client's secret, used as a token" if row.kind == CLIENT else "it is a token, used as a client's"
    return otherwise


def note_use(tx: Tx, source: SourceRef, *, now: datetime) -> None:
    """Write down that a credential was used; worth a write once a minute, not per request."""
    if source.token_id:
        tx.execute(_USED_TOKEN, {"token": source.token_id, "at": now})
    else:
        tx.execute(_USED_TENANT, {"source": source.id, "at": now})


def _live(tx: Tx, now: datetime, public_id: str, kind: str) -> sa.Row[Any] | None:
    row = tx.execute(_BY_PUBLIC_ID, {"public_id": public_id, "kind": kind}).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return row


def _source(row: sa.Row[Any], token_id: int = 0, ends_at: datetime | None = None) -> SourceRef:
    return SourceRef(
        row.source_id,
        row.name,
        row.source_kind,
        row.joins,
        is_disabled=row.disabled_at is not None,
        token_id=token_id,
        ends_at=ends_at,
        tenant_id=row.tenant_id,
        networks=tuple(row.networks or ()),
        requests_per_second=row.requests_per_second,
        takes_basic=row.takes_basic,
        is_probe=row.is_probe,
        has_peers=row.has_peers,
    )
