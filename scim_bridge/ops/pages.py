"""``GET /status`` over HTTP: JSON for a monitor, a page for a person, and who may see it.

Open to this machine, elsewhere only with ``STATUS_TOKEN``. A proxy on the same machine makes every caller
look local, so a request that came through more, or other, proxies than ``TRUSTED_PROXIES`` says is not
local, whatever its address.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.db import Database, Tx
from scim_bridge.durations import format_duration
from scim_bridge.engine.lock import is_held
from scim_bridge.engine.rules import Rules
from scim_bridge.errors import BridgeError
from scim_bridge.mapping.load import MappingSet
from scim_bridge.ops.status import Status, database_away, details, read_status
from scim_bridge.settings import Settings

log = logging.getLogger(__name__)

_FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")


def status_blueprint(settings: Settings, db: Database, rules: Rules) -> Blueprint:
    """``GET /status``; ``rules`` tell what the hubs ignore."""
    routes = Blueprint("status", __name__, template_folder="templates")

    @routes.get("/status")
    def status() -> Response:
        if refusal := _refusal(settings):
            return refusal
        return _shown(_read(db, rules))

    return routes


def _read(db: Database, rules: Rules) -> Status:
    try:
        engine_runs = is_held(db)
        with db.read() as tx:
            return read_status(tx, mappings=_in_force(tx, rules), now=db.now(), engine_runs=engine_runs)
    except SQLAlchemyError:
        log.warning("database.away")
        return database_away()


def _in_force(tx: Tx, rules: Rules) -> MappingSet:
    """The set in force; where this process cannot read it (another version's), the rest is told all the same."""
    try:
        return rules.in_force(tx).mappings
    except BridgeError:
        log.warning("mappings.unreadable")
        return MappingSet({})


def _shown(status: Status) -> Response:
    if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
        answer = make_response(render_template("status.html", status=status, details=details, duration=format_duration))
        answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    else:
        answer = jsonify(status.to_json())
    answer.status_code = 503 if status.state == "failed" else 200
    answer.headers["Cache-Control"] = "no-store"
    answer.vary.add("Accept")
    return answer


def _refusal(settings: Settings) -> Response | None:
    if _is_local(settings.trusted_proxies):
        return None
    if not settings.status_token:
        return _refused(403, "open on this machine only; set STATUS_TOKEN to read it from elsewhere")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), settings.status_token.encode()):
        return None
    answer = _refused(401, "send STATUS_TOKEN as a bearer token")
    answer.headers["WWW-Authenticate"] = 'Bearer realm="status"'
    return answer


def _refused(code: int, message: str) -> Response:
    answer = jsonify(error={"status": code, "message": message})
    answer.status_code = code
    return answer


def _is_local(trusted_proxies: int) -> bool:
    hops = [hop for line in request.headers.getlist("X-Forwarded-For") for hop in line.split(",")]
    if trusted_proxies == 0 and any(name in request.headers for name in _FORWARDED):
        return False
    if 0 < len(hops) < trusted_proxies:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
