"""The web server's worker: a request that the server itself refuses is answered like all others.

gunicorn writes a page of HTML for what is no HTTP, or too long to be read; a SCIM client can do nothing with that.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from gunicorn import util
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

log = logging.getLogger(__name__)

_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_OURS = ("ConfigurationProblem", "InvalidResponseHeader", "InvalidResponseHeaderName")
_ANSWERS = {
    "LimitRequestLine": (
        414,
        "URI Too Long",
        "the address is longer than 8190 characters; send what is long by POST /Users/.search or /Groups/.search",
    ),
    "LimitRequestHeaders": (
        431,
        "Request Header Fields Too Large",
        "there are too many headers, or one is too long; send fewer",
    ),
    "UnsupportedTransferCoding": (
        501,
        "Not Implemented",
        "the transfer coding is not known; send chunked, or a Content-Length",
    ),
    "ExpectationFailed": (417, "Expectation Failed", "the expectation is not known; send 100-continue, or none"),
}
_NO_HTTP = (400, "Bad Request", "this is no request of HTTP/1.1; send it as RFC 9112 has it")


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that could not be read."""
        name = type(exc).__name__
        if not isinstance(exc, ParseException) or name in _OURS:
            super().handle_error(req, client, addr, exc)
            return
        status, reason, detail = _ANSWERS.get(name, _NO_HTTP)
        log.info("http.refused", extra={"status": status, "cause": name})
        body = json.dumps({"schemas": [_ERROR], "status": str(status), "detail": detail})
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/scim+json; charset=utf-8\r\n"
            f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, (head + body).encode())
        except OSError:
            log.debug("http.refusal_not_sent", exc_info=True)
