"""What holds for a source's requests: whose JWTs are taken, where it may come from, how fast, and by which scheme.

A change names only what it changes (``KEEP`` is everything else), is checked before it is written, and is
audited with the names and new values: none of them is secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from scim_bridge.audit.record import record
from scim_bridge.db import Tx
from scim_bridge.directory.networks import read_networks
from scim_bridge.directory.sources import source_id_of
from scim_bridge.directory.tables import Source
from scim_bridge.errors import Conflict, InvalidInput


class Keep(Enum):
    """Not named in a change."""

    KEEP = 0


KEEP: Final = Keep.KEEP
ENTRA_AUDIENCE = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"  # every app of Entra that is not from its gallery
MOST_PER_SECOND = 1_000_000
_MOST_NETWORKS = 100
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_Kept = Literal[Keep.KEEP]


@dataclass(frozen=True, slots=True)
class SourceChange:
    """None (or no networks) goes back to the default: no tenant, Entra's own audience, anywhere, the setting."""

    tenant_id: str | _Kept | None = KEEP
    audience: str | _Kept | None = KEEP
    networks: Sequence[str] | _Kept = KEEP
    requests_per_second: int | _Kept | None = KEEP
    takes_basic: bool | _Kept = KEEP


def change_source(tx: Tx, name: str, change: SourceChange, *, now: datetime, actor: str = "cli") -> None:
    """Change what holds for a source. Raises NotFound, InvalidInput, and Conflict (a tenant that another has)."""
    source_id = source_id_of(tx, name)
    values = {each.name: getattr(change, each.name) for each in fields(change)}
    given = {key: value for key, value in values.items() if value is not KEEP}
    if not given:
        raise InvalidInput("nothing to change was named", advice="`scim-bridge source set --help` lists what can be")
    checked = {key: _CHECKS[key](value) for key, value in given.items()}
    _pair_tenant_and_audience(tx, source_id, checked)
    try:
        with tx.begin_nested():
            tx.execute(sa.update(Source).where(Source.id == source_id).values(**checked))
    except IntegrityError as error:
        raise Conflict(
            "another source takes JWTs of this tenant and audience",
            advice="give one of the two apps in Entra another audience, or a bearer token instead",
        ) from error
    record(tx, at=now, actor=actor, action="source.changed", subject=f"source:{name}", detail=checked)


def _pair_tenant_and_audience(tx: Tx, source_id: int, checked: dict[str, Any]) -> None:
    """An audience without a tenant means nothing, and a tenant always has one."""
    if not checked.keys() & {"tenant_id", "audience"}:
        return
    row = tx.execute(sa.select(Source.tenant_id, Source.audience).where(Source.id == source_id)).one()
    tenant_id = checked.get("tenant_id", row.tenant_id)
    if tenant_id is None:
        if checked.get("audience"):
            raise InvalidInput("an audience needs a tenant", advice="give --tenant-id, too")
        checked["audience"] = None
    else:
        checked["audience"] = checked.get("audience", row.audience) or ENTRA_AUDIENCE


def _tenant(value: str | None) -> str | None:
    if value is None:
        return None
    tenant_id = value.strip().lower()
    if not _GUID.fullmatch(tenant_id):
        raise InvalidInput(
            "this is no tenant id", advice="copy the Directory (tenant) ID from the overview of Entra's admin center"
        )
    return tenant_id


def _audience(value: str | None) -> str | None:
    if value is None:
        return None
    if not 1 <= len(value.strip()) <= 255:
        raise InvalidInput("an audience has 1 to 255 characters", advice="give the application id of the app in Entra")
    return value.strip()


def _networks(value: Sequence[str]) -> list[str] | None:
    networks = read_networks(value)
    if len(networks) > _MOST_NETWORKS:
        raise InvalidInput(f"these are over {_MOST_NETWORKS} networks", advice="join neighbours into larger ones")
    return networks or None


def _rate(value: int | None) -> int | None:
    if value is not None and not 1 <= value <= MOST_PER_SECOND:
        raise InvalidInput(f"{value} requests a second is out of range", advice=f"use 1 to {MOST_PER_SECOND}")
    return value


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "tenant_id": _tenant,
    "audience": _audience,
    "networks": _networks,
    "requests_per_second": _rate,
    "takes_basic": bool,
}
