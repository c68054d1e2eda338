"""Who is asking: a bearer token names one identity source, and every request sees that source only."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from flask import Request
from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.sources import SourceRef
from scim_bridge.scim.problems import Problem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="scim"'}


class Gate:
    """Lets requests in. A token's last use is written at most once a minute, by one request of the process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._noting: set[int] = set()
        self._lock = Lock()

    def source_of(self, request: Request, now: datetime) -> SourceRef:
        """The source of the request's token; raises Problem 401 (no such token) or 403 (source disabled)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem(401, "send Authorization: Bearer <token>", _CHALLENGE)
        with self._db.read() as tx:
            source = sources.authenticate(tx, token.strip(), now)
        if source is None:
            raise Problem(401, "this token is not known, has ended, or was revoked", _CHALLENGE)
        if source.is_disabled:
            advice = f"ask the operator: `scim-bridge source enable {source.name}`"
            raise Problem(403, f"the source {source.name} is disabled; {advice}")
        return source

    def note_use(self, source: SourceRef, now: datetime) -> None:
        """After the answer is made: write down that the token lives; a database that is away is no matter."""
        with self._lock:
            if not source.use_is_stale or source.token_id in self._noting:
                return
            self._noting.add(source.token_id)
        try:
            with self._db.write() as tx:
                sources.note_use(tx, source.token_id, now=now)
        except SQLAlchemyError:
            return  # the request itself was answered; the next minute's will note it
        finally:
            with self._lock:
                self._noting.discard(source.token_id)
