"""Every failure as an Error body (RFC 7644 section 3.12); nothing else leaves the SCIM entrance.

failure                               | status | scimType
--------------------------------------+--------+-------------------------------
Refused                               | 400    | its own
InvalidFilter                         | 400    | invalidFilter
other InvalidInput                    | 400    | invalidValue
NotFound                              | 404    |
UserNameTaken                         | 409    | uniqueness
other Conflict                        | 409    |
Problem                               | its own|
the database is away, Transient       | 503    | (Retry-After)
anything else                         | 500    | (a request id, and nothing of the cause)
"""

from __future__ import annotations

import logging
import traceback

import sqlalchemy.exc
from flask import g
from werkzeug.exceptions import HTTPException

from scim_bridge.db import new_id
from scim_bridge.directory.users import UserNameTaken
from scim_bridge.errors import BridgeError, Conflict, InvalidInput, NotFound, Transient
from scim_bridge.filters import InvalidFilter
from scim_bridge.scim.answers import Answer, error_answer
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.refusals import Refused

_RETRY_AFTER_S = 5
_NO_FILE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")  # something else lies where the SQLite file was
log = logging.getLogger(__name__)


def translate(error: Exception) -> Answer:
    """The answer to any exception of a request."""
    match error:
        case Problem():
            return error_answer(error.status, error.detail, headers=error.headers)
        case Refused():
            return error_answer(400, str(error), scim_type=error.scim_type)
        case InvalidFilter():
            return error_answer(400, str(error), scim_type="invalidFilter")
        case InvalidInput():
            return error_answer(400, str(error), scim_type="invalidValue")
        case NotFound():
            return error_answer(404, str(error))
        case UserNameTaken():
            return error_answer(409, str(error), scim_type="uniqueness")
        case Conflict():
            return error_answer(409, str(error))
        case HTTPException():
            return error_answer(error.code or 500, error.description or error.name)
        case Transient():
            return _later(error, error.retry_after_s)
        case _ if is_database_away(error):
            return _later(error, None)
        case _:
            return _unknown(error)


def is_database_away(error: Exception) -> bool:
    """Whether the same request may work later: no connection, a lost one, a full pool, a lock not granted, no file."""
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, sqlalchemy.exc.DatabaseError) and getattr(error.orig, "sqlite_errorname", "") in _NO_FILE:
        return True
    return isinstance(
        error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError | sqlalchemy.exc.TimeoutError
    )


def _later(error: Exception, retry_after_s: float | None) -> Answer:
    log.warning("scim.unavailable", extra={"cause": type(error).__name__})
    wait_s = max(1, round(retry_after_s or _RETRY_AFTER_S))
    detail = str(error) if isinstance(error, BridgeError) else "the database does not answer; try again"
    return error_answer(503, detail, headers={"Retry-After": str(wait_s)})


def _unknown(error: Exception) -> Answer:
    """Say nothing of the cause; the log gets type and place, never the message: it may quote the request."""
    request_id = str(getattr(g, "request_id", None) or new_id())
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
    log.error("scim.failed", extra={"request": request_id, "cause": type(error).__name__, "frames": frames})
    return error_answer(500, f"an unexpected error; request {request_id}", headers={"X-Request-Id": request_id})
