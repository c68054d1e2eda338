"""``POST /oauth/token``: a client's id and secret against a JWT of an hour (RFC 6749 section 4.4).

Its errors are RFC 6749's own (section 5.2), not SCIM's. Where it has no word for a failure (429, 503) the
authorization endpoint's ``temporarily_unavailable`` stands in; a source that may not ask is
``unauthorized_client``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from urllib.parse import unquote_plus

from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import HTTPException

from scim_bridge.errors import Transient
from scim_bridge.scim.auth.basic import read_basic
from scim_bridge.scim.auth.gate import Gate
from scim_bridge.scim.auth.issued_tokens import LIFE_S
from scim_bridge.scim.errors import is_database_away
from scim_bridge.scim.problems import Problem

log = logging.getLogger(__name__)

TOKEN_PATH = "/oauth/token"  # noqa: S105  an address
_MAX_BODY_BYTES = 16 * 1024
_CODES = {401: "invalid_client", 403: "unauthorized_client", 429: "temporarily_unavailable"}


class _Refused(Exception):
    """An error of section 5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status


def token_blueprint(gate: Gate) -> Blueprint:
    """The blueprint for ``/oauth/token``; ``gate`` is the SCIM entrance's own, so that guesses count once."""
    blueprint = Blueprint("oauth", __name__)

    @blueprint.post(TOKEN_PATH)
    def token() -> Response:
        now = gate.db.clock.now()
        client_id, secret = _read(request)
        source = gate.client_of(client_id, secret, request, now)
        issued = gate.issued.issue(client_id, now)
        gate.note_use(source, now)
        return _answer({"access_token": issued, "token_type": "Bearer", "expires_in": LIFE_S, "scope": "scim"})

    blueprint.register_error_handler(Exception, _translate)
    return blueprint


def _read(request: Request) -> tuple[str, str]:
    """The client's id and secret. Raises _Refused."""
    request.max_content_length = _MAX_BODY_BYTES
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _Refused("invalid_request", "send application/x-www-form-urlencoded")
    form = request.form.to_dict(flat=False)
    twice = next((name for name, values in form.items() if len(values) > 1), None)
    if twice is not None:
        raise _Refused("invalid_request", "a parameter comes twice")
    grant = form.get("grant_type", [""])[0]
    if not grant:
        raise _Refused("invalid_request", "grant_type is missing; send grant_type=client_credentials")
    if grant != "client_credentials":
        raise _Refused("unsupported_grant_type", "only client_credentials is possible here")
    in_body = (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
    header = request.headers.get("Authorization", "")
    if not header.strip():
        if not all(in_body):
            raise _Refused("invalid_client", "client_id and client_secret are missing", 401)
        return in_body
    if in_body[1]:
        raise _Refused("invalid_request", "the client proves itself twice; use the header or the body")
    found = _basic(header)
    if in_body[0] not in ("", found[0]):
        raise _Refused("invalid_request", "the header and the body name different clients")
    return found


def _basic(header: str) -> tuple[str, str]:
    """Id and secret, each form-encoded inside (section 2.3.1)."""
    scheme, _, value = header.strip().partition(" ")
    found = read_basic(value) if scheme.lower() == "basic" else None
    client_id, secret = found or ("", "")
    if not client_id or not secret:
        raise _Refused("invalid_client", "send Authorization: Basic <client id>:<client secret>", 401)
    return unquote_plus(client_id), unquote_plus(secret)


def _translate(error: Exception) -> Response:
    match error:
        case _Refused():
            return _error(error.status, error.code, error.description)
        case Problem(status=401):
            return _error(401, "invalid_client", "this client is not known, has ended, or was revoked")
        case Problem():
            return _error(error.status, _CODES[error.status], error.detail, error.headers)
        case HTTPException():
            return _error(error.code or 400, "invalid_request", error.name)
        case _ if isinstance(error, Transient) or is_database_away(error):
            log.warning("oauth.unavailable", extra={"cause": type(error).__name__})
            return _error(503, "temporarily_unavailable", "no answer is possible now; try again", {"Retry-After": "5"})
        case _:
            raise error


def _error(status: int, code: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    challenge = {"WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"'} if status == 401 else {}
    return _answer({"error": code, "error_description": description}, status, {**(headers or {}), **challenge})


def _answer(body: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(json.dumps(body), status=status, content_type="application/json")
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", **(headers or {})})
    return response
