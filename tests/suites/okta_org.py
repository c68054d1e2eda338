"""A stand-in for an Okta org: the few calls of its API that Okta's CRUD test makes, and what Okta then sends us.

the org is told to          | Okta sends to the SCIM app
----------------------------+-------------------------------------------------------
add a user                  | nothing: the user is not assigned
assign the user to the app  | the existence check, then POST, or PUT with active true
change the user's profile   | GET, PUT
deactivate the user         | PATCH active false; the assignment is gone
activate the user           | nothing: assigning comes next
end the assignment          | PATCH active false
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from scim_bridge.local.okta import OktaClient


@dataclass
class _User:
    """A user of the org; ``scim_id`` while it is assigned to the app."""

    id: str
    profile: dict[str, Any]
    status: str = "ACTIVE"
    scim_id: str | None = None

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "status": self.status, "profile": self.profile}


@dataclass
class OktaOrg:
    """One org with one SCIM app. A context manager: it listens on ``url`` inside the block."""

    app_client: OktaClient
    app_id: str
    token: str
    _users: dict[str, _User] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = make_server("127.0.0.1", 0, self._application())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _application(self) -> Flask:
        app = Flask("okta-org")

        @app.before_request
        def let_in() -> tuple[Response, int] | None:
            if request.headers.get("Authorization") != f"SSWS {self.token}":
                return jsonify(errorCode="E0000011", errorSummary="Invalid token provided"), 401
            return None

        for method, rule, view in (
            ("GET", f"/api/v1/apps/{self.app_id}", lambda: {"id": self.app_id, "status": "ACTIVE"}),
            ("POST", "/api/v1/users", self._add_user),
            ("PUT", "/api/v1/users/<user_id>", self._change_profile),
            ("POST", "/api/v1/users/<user_id>/lifecycle/deactivate", self._deactivate),
            ("POST", "/api/v1/users/<user_id>/lifecycle/activate", self._activate),
            ("POST", f"/api/v1/apps/{self.app_id}/users", self._assign),
            ("DELETE", f"/api/v1/apps/{self.app_id}/users/<user_id>", self._unassign),
        ):
            app.add_url_rule(rule, endpoint=f"{method} {rule}", view_func=view, methods=[method])
        return app

    def _add_user(self) -> dict[str, Any]:
        user = _User(f"00u{uuid4().hex[:17]}", request.get_json()["profile"])
        self._users[user.id] = user
        return user.shown()

    def _assign(self) -> dict[str, Any]:
        body = request.get_json()
        user, profile = self._users[body["id"]], body["profile"]
        user.scim_id = self.app_client.assign(
            body["credentials"]["userName"], profile["givenName"], profile["familyName"]
        )
        return {"id": user.id, "scope": body["scope"], "externalId": user.scim_id}

    def _change_profile(self, user_id: str) -> dict[str, Any]:
        user = self._users[user_id]
        user.profile = request.get_json()["profile"]
        if user.scim_id is not None:
            name = {"givenName": user.profile["firstName"], "familyName": user.profile["lastName"]}
            self.app_client.update(user.scim_id, name=name)
        return user.shown()

    def _deactivate(self, user_id: str) -> dict[str, Any]:
        self._unassign(user_id)
        self._users[user_id].status = "DEPROVISIONED"
        return {}

    def _activate(self, user_id: str) -> dict[str, Any]:
        self._users[user_id].status = "ACTIVE"
        return {"activationUrl": f"{self.url}/welcome/{user_id}"}

    def _unassign(self, user_id: str) -> tuple[str, int]:
        user = self._users[user_id]
        if user.scim_id is not None:
            self.app_client.deactivate(user.scim_id)
            user.scim_id = None
        return "", 204
