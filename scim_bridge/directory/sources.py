"""Identity sources: who may push to us. Their secrets are in ``tokens``, their limits in ``source_settings``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from scim_bridge.audit.record import UNRECORDED, record
from scim_bridge.db import Tx
from scim_bridge.directory.tables import Group, Source, User
from scim_bridge.directory.tokens import (
    BEARER,
    Rotation,
    TokenView,
    live_tokens,
    new_token,
    revoke_tokens,
    rotate_tokens,
    view_of,
)
from scim_bridge.errors import Conflict, InvalidInput, NotFound

__all__ = [
    "KINDS",
    "SourceRef",
    "SourceView",
    "add_source",
    "disable",
    "enable",
    "enabled_source_id_of",
    "list_sources",
    "new_token",
    "revoke",
    "rotate",
    "source_id_of",
]

KINDS = ("okta", "entra", "generic")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Who is asking, by which token or client (0: the tenant's own JWT), and what holds for its requests.

    ``ends_at``: when the token does. ``networks``: where it may come from (CIDR; empty: anywhere).
    """

    id: int
    name: str
    kind: str
    joins: bool
    is_disabled: bool = False
    token_id: int = 0
    ends_at: datetime | None = None
    tenant_id: str | None = None
    networks: tuple[str, ...] = ()
    requests_per_second: int | None = None
    takes_basic: bool = False
    is_probe: bool = False
    has_peers: bool = True  # other sources join people, too; as it was when the credential was proven

    @property
    def actor(self) -> str:
        """The name that audit rows carry; a probe's pushes concern nobody and leave none."""
        return UNRECORDED if self.is_probe else f"source:{self.name}"


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source for lists; ``tokens`` are the live ones, clients among them."""

    id: int
    name: str
    kind: str
    joins: bool
    disabled_at: datetime | None
    created_at: datetime
    users: int
    groups: int
    tokens: tuple[TokenView, ...]
    tenant_id: str | None = None
    audience: str | None = None
    tenant_used_at: datetime | None = None
    networks: tuple[str, ...] = ()
    requests_per_second: int | None = None
    takes_basic: bool = False


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


def rotate(
    tx: Tx,
    name: str,
    *,
    now: datetime,
    old_ends_after: timedelta,
    kind: str = BEARER,
    expires_after: timedelta | None = None,
    actor: str = "cli",
) -> Rotation:
    """Make a new token or client; the live one ends ``old_ends_after`` from now.

    Raises NotFound, Conflict (two are live, or the source is disabled).
    """
    source_id = enabled_source_id_of(tx, name)
    return rotate_tokens(
        tx, source_id, now=now, old_ends_after=old_ends_after, kind=kind, expires_after=expires_after, actor=actor
    )


def revoke(tx: Tx, name: str, public_id: str | None, *, now: datetime, actor: str = "cli") -> int:
    """End one live token or client of the source now, or all (None); how many. Raises NotFound."""
    ended = revoke_tokens(tx, source_id_of(tx, name), public_id, now=now, actor=actor)
    if not ended:
        what = f"live token {public_id}" if public_id else "live token"
        raise NotFound(f"source {name} has no {what}", advice="`scim-bridge source list` shows them")
    return ended


def disable(tx: Tx, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Refuse this source's requests from now on; nobody's access changes. Raises NotFound."""
    source_id = source_id_of(tx, name)
    tx.execute(sa.update(Source).where(Source.id == source_id, Source.disabled_at.is_(None)).values(disabled_at=now))
    record(tx, at=now, actor=actor, action="source.disabled", subject=f"source:{name}")


def enable(tx: Tx, name: str, *, now: datetime, actor: str = "cli") -> None:
    """Take this source's requests again, with the tokens that it had. Raises NotFound."""
    source_id = source_id_of(tx, name)
    tx.execute(sa.update(Source).where(Source.id == source_id).values(disabled_at=None))
    record(tx, at=now, actor=actor, action="source.enabled", subject=f"source:{name}")


def list_sources(tx: Tx, now: datetime | None = None) -> list[SourceView]:
    """All sources by name, without probes. With ``now``, tokens that have ended by then are left out."""
    rows = tx.execute(sa.select(Source).where(~Source.is_probe).order_by(Source.name)).all()
    live = live_tokens(tx, [row.id for row in rows], now)
    users = _counts(tx, User)
    groups = _counts(tx, Group)
    return [
        SourceView(
            id=row.id,
            name=row.name,
            kind=row.kind,
            joins=row.joins,
            disabled_at=row.disabled_at,
            created_at=row.created_at,
            users=users.get(row.id, 0),
            groups=groups.get(row.id, 0),
            tokens=tuple(view_of(token) for token in live if token.source_id == row.id),
            tenant_id=row.tenant_id,
            audience=row.audience,
            tenant_used_at=row.tenant_used_at,
            networks=tuple(row.networks or ()),
            requests_per_second=row.requests_per_second,
            takes_basic=row.takes_basic,
        )
        for row in rows
    ]


def source_id_of(tx: Tx, name: str) -> int:
    """The id of the source of this name. Raises NotFound."""
    source_id = _find(tx, name)
    if source_id is None:
        raise NotFound(f"there is no source {name}", advice="`scim-bridge source list` shows them")
    return source_id


def enabled_source_id_of(tx: Tx, name: str) -> int:
    """The same of a source that may ask. Raises NotFound and Conflict: a secret for a shut door helps nobody."""
    source_id = source_id_of(tx, name)
    if tx.execute(sa.select(Source.disabled_at).where(Source.id == source_id)).scalar_one() is not None:
        raise Conflict(f"source {name} is disabled", advice=f"`scim-bridge source enable {name}` first")
    return source_id


def _find(tx: Tx, name: str) -> int | None:
    return tx.execute(sa.select(Source.id).where(Source.name == name)).scalar_one_or_none()


def _counts(tx: Tx, table: type[User] | type[Group]) -> dict[int, int]:
    rows = tx.execute(sa.select(table.source_id, sa.func.count()).group_by(table.source_id))
    return {row[0]: row[1] for row in rows}
