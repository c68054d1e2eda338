"""The one place that joins all parts into a Flask application.

Any WSGI server may carry it: it starts no engine, and its one thread (the journal's) with the first request, after
any fork. ``wake`` is how a request tells the engine, if one runs in this process, that there is something to do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from scim_bridge.contract import registry
from scim_bridge.db import Database
from scim_bridge.engine.linked import is_linked
from scim_bridge.engine.rules import Rules
from scim_bridge.journal.entry import new_request_id
from scim_bridge.journal.hidden import hidden
from scim_bridge.journal.journal import Journal
from scim_bridge.ops.health import health_blueprint
from scim_bridge.ops.pages import status_blueprint
from scim_bridge.scim.auth import Gate, token_blueprint
from scim_bridge.scim.blueprint import create_blueprint
from scim_bridge.scim.errors import is_database_away
from scim_bridge.scim.extensions import load_traits, load_types, never_shown
from scim_bridge.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


def create_app(settings: Settings, db: Database, *, wake: Callable[[], None]) -> Flask:
    """Everything that answers HTTP: SCIM at ``/scim/v2``, ``/oauth/token``, ``/health/*`` and ``/status``.

    Raises InvalidInput where the file of extension schemas cannot be taken.
    """
    app = Flask("scim_bridge", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max(
        settings.max_body_bytes, settings.max_group_body_bytes, settings.max_bulk_bytes
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the provider is Flask's own
    app.wsgi_app = _OneSlash(app.wsgi_app)  # type: ignore[method-assign]
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, proxies, proxies, proxies)  # type: ignore[method-assign]
    app.before_request(_name_request)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _other_error)
    types = load_types(settings.schemas)
    gate = Gate(
        db,
        token_key=settings.token_key,
        keys_url=settings.entra_keys_url,
        requests_per_second=settings.requests_per_second,
    )
    app.register_blueprint(
        create_blueprint(
            db,
            gate=gate,
            wake=wake,
            is_linked=is_linked,
            base_url=settings.base_url or None,
            journal=Journal(db, hidden(never_shown(types))) if settings.journal else None,
            max_body_bytes=settings.max_body_bytes,
            max_group_body_bytes=settings.max_group_body_bytes,
            max_bulk_bytes=settings.max_bulk_bytes,
            max_bulk_operations=settings.max_bulk_operations,
            types=types,
        )
    )
    app.register_blueprint(token_blueprint(gate))
    app.register_blueprint(health_blueprint(db))
    rules = Rules(registry.load(), settings.environment, load_traits(settings.schemas))
    app.register_blueprint(status_blueprint(settings, db, rules))
    return app


class _OneSlash:
    """``//Users`` is what a client makes of a base URL with a slash at its end.

    werkzeug would redirect it, and the client lose the method or the token on the way.
    """

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if "//" in path:
            environ["PATH_INFO"] = _SLASHES.sub("/", path)
        return self._inner(environ, start_response)


_SLASHES = re.compile("//+")


def _name_request() -> None:
    g.request_id = new_request_id()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = _request_id()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _request_id() -> str:
    return str(g.get("request_id", ""))


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    answer = _error(code, f"{request.method} {request.path}: {error.name}")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _other_error(error: Exception) -> Response:
    if is_database_away(error):
        log.warning("database.away", extra={"request": _request_id()})
        answer = _error(503, "the database does not answer; try again")
        answer.headers["Retry-After"] = "5"
        return answer
    log.error("request.failed", exc_info=error, extra={"request": _request_id(), "path": request.path})
    return _error(500, f"an unexpected error; the log has it under request {_request_id()}")


def _error(code: int, message: str) -> Response:
    answer = jsonify(error={"status": code, "message": message, "request": _request_id()})
    answer.status_code = code
    return answer
