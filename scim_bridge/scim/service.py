"""What every SCIM request needs, wired once: the database, the limits, and whom to tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import Headers

from scim_bridge.db import Database, Tx
from scim_bridge.directory.joining import IsLinked
from scim_bridge.directory.sources import SourceRef
from scim_bridge.errors import NotFound
from scim_bridge.scim.answers import Answer
from scim_bridge.scim.attributes import Projection, read_projection
from scim_bridge.scim.body import Body
from scim_bridge.scim.definitions import ResourceType, ResourceTypes

PREFIX = "/scim/v2"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRY_AGAIN = ("40001", "40P01")  # PostgreSQL: two writers crossed, and one was sent back
_ATTEMPTS = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that handlers share. ``wake`` is called after each commit that may give the engine work."""

    db: Database
    max_body_bytes: int
    max_group_body_bytes: int
    wake: Callable[[], None]
    is_linked: IsLinked
    types: ResourceTypes = field(default_factory=ResourceTypes)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in one transaction and commit; then wake the engine."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.db.write() as tx:
                    result = work(tx)
                break
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN or attempt == _ATTEMPTS:
                    raise
        self.wake()
        return result


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whoever carries it (HTTP, or an operation of /Bulk): who asks, when, and for what.

    ``root`` is the address of the SCIM service that the client knows, without a slash at its end;
    ``query`` the parameters, ``headers`` the conditions that it came with.
    """

    service: Service
    source: SourceRef
    now: datetime
    root: str
    query: Mapping[str, str]
    headers: Headers
    body: Body

    @property
    def types(self) -> tuple[ResourceType, ...]:
        """All resource types."""
        return (self.users, self.groups)

    @property
    def users(self) -> ResourceType:
        """The resource type User, with the operator's extensions."""
        return self.service.types.users

    @property
    def groups(self) -> ResourceType:
        """The resource type Group, with the operator's extensions."""
        return self.service.types.groups

    def write(self, work: Callable[[Tx], Answer]) -> Answer:
        """Run ``work`` in one transaction and commit; then wake the engine."""
        return self.service.write(work)

    def location(self, endpoint: str, resource_id: str = "") -> str:
        """The absolute address of a resource."""
        return f"{self.root}{endpoint}/{resource_id}" if resource_id else f"{self.root}{endpoint}"

    def projection(self, kind: ResourceType) -> Projection:
        """What the answer shows."""
        return read_projection(self.query.get("attributes"), self.query.get("excludedAttributes"), kind)

    def meta(
        self, kind: ResourceType, scim_id: str, created: datetime, changed: datetime, version: int
    ) -> dict[str, Any]:
        """``meta`` of a stored resource; the version is weak (RFC 7643 section 3.1)."""
        return {
            "resourceType": kind.name,
            "created": _stamp(created),
            "lastModified": _stamp(changed),
            "location": self.location(kind.endpoint, scim_id),
            "version": f'W/"{version}"',
        }


def known_id(scim_id: str, kind: ResourceType) -> str:
    """``scim_id`` if it can be one of ours; anything else is nobody's (404), never an error of type."""
    if not _UUID.fullmatch(scim_id):
        raise NotFound(f"there is no {kind.name.lower()} of this id")
    return scim_id


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
