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

import json
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import sqlalchemy.exc
from flask import Response, g
from werkzeug.exceptions import HTTPException

from scim_bridge.db import new_id
from scim_bridge.directory.users import UserNameTaken
from scim_bridge.errors import BridgeError, Conflict, InvalidInput, NotFound, Transient
from scim_bridge.filters import InvalidFilter
from scim_bridge.scim.refusals import Refused

MEDIA_TYPE = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_RETRY_AFTER_S = 5
log = logging.getLogger(__name__)


class Problem(Exception):
    """A failure of HTTP itself: a status, a sentence, headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A SCIM response."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    response = Response(text, status=status, content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers.update(headers or {})
    return response


def error_answer(
    status: int, detail: str, *, scim_type: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An Error body; ``status`` is text in it (RFC 7644 section 3.12)."""
    body = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return answer(body, status, headers)


def translate(error: Exception) -> Response:
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
    """Whether the same request may work later: no connection, a lost one, a full pool, a lock not granted."""
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(
        error, sqlalchemy.exc.OperationalError | sqlalchemy.exc.InterfaceError | sqlalchemy.exc.TimeoutError
    )


def _later(error: Exception, retry_after_s: float | None) -> Response:
    log.warning("scim.unavailable", extra={"cause": type(error).__name__})
    wait_s = max(1, round(retry_after_s or _RETRY_AFTER_S))
    detail = str(error) if isinstance(error, BridgeError) else "the database does not answer; try again"
    return error_answer(503, detail, headers={"Retry-After": str(wait_s)})


def _unknown(error: Exception) -> Response:
    """Say nothing of the cause; the log gets type and place, never the message: it may quote the request."""
    request_id = str(getattr(g, "request_id", None) or new_id())
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
    log.error("scim.failed", extra={"request": request_id, "cause": type(error).__name__, "frames": frames})
    return error_answer(500, f"an unexpected error; request {request_id}", headers={"X-Request-Id": request_id})
