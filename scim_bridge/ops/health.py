"""Probes for whoever restarts and routes: open, fast, and silent about the inside.

``live``: the process answers, so a restart would help nothing. ``ready``: send requests here; 503 while
the database is away or has another version's schema.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.db import Database
from scim_bridge.errors import InvalidInput
from scim_bridge.schema import check_schema

log = logging.getLogger(__name__)


def health_blueprint(db: Database) -> Blueprint:
    """``GET /health/live`` and ``GET /health/ready``."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live")
    def live() -> Response:
        return jsonify(state="live")

    @routes.get("/ready")
    def ready() -> Response:
        try:
            check_schema(db)
        except SQLAlchemyError:
            log.warning("database.away")
            return _not_ready("the database does not answer")
        except InvalidInput as error:
            return _not_ready(str(error))
        return jsonify(state="ready")

    return routes


def _not_ready(reason: str) -> Response:
    answer = jsonify(state="not ready", reason=reason)
    answer.status_code = 503
    answer.headers["Retry-After"] = "5"
    return answer
