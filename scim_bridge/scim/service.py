"""What every SCIM request needs, wired once: the database, the limits, and whom to tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import Headers

from scim_bridge.db import Database, Tx
from scim_bridge.directory.joining import IsLinked
from scim_bridge.directory.marks import Marks
from scim_bridge.directory.sources import SourceRef
from scim_bridge.errors import NotFound
from scim_bridge.journal.entry import Asked
from scim_bridge.journal.journal import Journal
from scim_bridge.scim import etags
from scim_bridge.scim.answers import Answer, Shown
from scim_bridge.scim.attributes import Projection, read_projection
from scim_bridge.scim.body import Body
from scim_bridge.scim.definitions import ResourceType, ResourceTypes
from scim_bridge.scim.errors import translate
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.refusals import invalid_value

PREFIX = "/scim/v2"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRY_AGAIN = ("40001", "40P01", "23503")
"""PostgreSQL: two writers crossed, and one was sent back; or what a new row points at was deleted meanwhile."""
_ATTEMPTS = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that handlers share. ``wake`` is called after each commit that may give the engine work.

    ``journal`` is None where it is switched off.
    """

    db: Database
    max_body_bytes: int
    max_group_body_bytes: int
    wake: Callable[[], None]
    is_linked: IsLinked
    max_bulk_bytes: int = 0
    max_bulk_operations: int = 0
    types: ResourceTypes = field(default_factory=ResourceTypes)
    journal: Journal | None = None
    marks: Marks = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "marks", Marks(self.db))

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in one transaction and commit; then wake the engine."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.db.write(together=True) as tx:
                    result = work(tx)
                break
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN or attempt == _ATTEMPTS:
                    raise
        self.wake()
        return result


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whoever carries it (HTTP, or an operation of /Bulk): who asks, when, and for what.

    ``root`` is the address of the SCIM service that the client knows, without a slash at its end;
    ``query`` the parameters, ``headers`` the conditions that it came with; ``asked`` what the journal calls it.
    ``promised_id`` is the id of what a POST makes, where /Bulk has given it away beforehand.
    """

    service: Service
    source: SourceRef
    now: datetime
    root: str
    query: Mapping[str, str]
    headers: Headers
    body: Body
    asked: Asked
    promised_id: str | None = None

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

    @property
    def _journal(self) -> Journal | None:
        """None for a probe's requests, too: a probe leaves nothing behind."""
        return None if self.source.is_probe else self.service.journal

    def write(self, work: Callable[[Tx], Answer]) -> Answer:
        """Run ``work`` in one transaction, with the journal's entry, and commit; then wake the engine."""
        journal = self._journal
        if journal is None:
            return self.service.write(work)
        raw = self.body.raw or b""
        body = journal.body(raw)

        def work_and_tell(tx: Tx) -> Answer:
            answer = work(tx)
            journal.enter(
                tx,
                self.asked,
                at=self.now,
                source_id=self.source.id,
                status=answer.status,
                location=answer.headers.get("Location"),
                size=len(raw),
                body=body,
            )
            return answer

        answer = self.service.write(work_and_tell)
        self.asked.is_entered = True
        return answer

    def carried_out(self, handle: Callable[[], Answer]) -> Answer:
        """The answer of ``handle``, or the one to its failure; the journal is told of what has no entry yet."""
        try:
            answer = handle()
        except Exception as error:  # here and not in Flask's own handler: the journal keeps what was refused
            answer = translate(error)
        if self._journal is not None and not self.asked.is_entered:
            self._journal.note(
                self.asked,
                at=self.now,
                source_id=self.source.id,
                status=answer.status,
                raw=self.body.raw,
                answer=answer.text() if answer.status >= 400 else None,
            )
        return answer

    def location(self, endpoint: str, resource_id: str = "") -> str:
        """The absolute address of a resource."""
        return f"{self.root}{endpoint}/{resource_id}" if resource_id else f"{self.root}{endpoint}"

    def projection(self, kind: ResourceType) -> Projection:
        """What the answer shows. Raises Refused for both parameters at once (RFC 7644 section 3.9)."""
        attributes, excluded = self.query.get("attributes"), self.query.get("excludedAttributes")
        if attributes and excluded:
            raise invalid_value("attributes and excludedAttributes exclude each other", advice="send one of them")
        return read_projection(attributes, excluded, kind)

    def meta(self, kind: ResourceType, scim_id: str, created: datetime, changed: datetime, tag: str) -> dict[str, Any]:
        """``meta`` of a stored resource; ``tag`` is its version (RFC 7643 section 3.1)."""
        return {
            "resourceType": kind.name,
            "created": _stamp(created),
            "lastModified": _stamp(changed),
            "location": self.location(kind.endpoint, scim_id),
            "version": tag,
        }

    def shown(self, tag: str, body: Callable[[], Shown]) -> Answer:
        """The answer to GET: ``body()``, or 304 where the client has it (see ``etags``). Raises Problem 412."""
        headers = {"ETag": tag}
        if (wanted := self.headers.get("If-Match")) and not etags.names(wanted, "If-Match", tag):
            raise _moved(tag)
        if (known := self.headers.get("If-None-Match")) and etags.names(known, "If-None-Match", tag):
            return Answer(None, 304, headers)
        return Answer(body(), headers=headers)

    @property
    def is_conditional(self) -> bool:
        """Whether the request sets a condition on the version of what it writes."""
        return "If-Match" in self.headers or "If-None-Match" in self.headers

    def may_write(self, version: int) -> None:
        """Call this under the row's lock: raises Problem 412 where a condition on its version is not met."""
        tag = etags.tag(version)
        if (wanted := self.headers.get("If-Match")) and not etags.names_version(wanted, "If-Match", tag):
            raise _moved(tag)
        if (known := self.headers.get("If-None-Match")) and etags.names_version(known, "If-None-Match", tag):
            raise _moved(tag)


def _moved(tag: str) -> Problem:
    return Problem(412, f"the resource is at version {tag} now; read it again, and send what should change")


def known_id(scim_id: str, kind: ResourceType) -> str:
    """``scim_id`` if it can be one of ours; anything else is nobody's (404), never an error of type."""
    if not _UUID.fullmatch(scim_id):
        raise NotFound(f"there is no {kind.name.lower()} of this id")
    return scim_id


@lru_cache(maxsize=4096)
def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
