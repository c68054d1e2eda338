"""Callers with credentials of every kind, and Entra's key server as a small real one of ours."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from databases import NOON
from flask import Request
from jose import jwk, jws
from werkzeug.test import EnvironBuilder

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.directory.sources import SourceRef
from scim_bridge.scim.auth import Gate
from scim_bridge.scim.problems import Problem

TENANT = "3f1c2a9e-0000-4000-8000-00000000000a"
ENTRA_APP = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
HERE = "198.51.100.7"
NOON_S = int(NOON.timestamp())


class Ticks:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class SigningKeyPair:
    """An RSA key made for the test, as Entra has them: known by its ``kid``."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.private_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.public_pem = (
            key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    @property
    def published(self) -> dict[str, Any]:
        return {**jwk.construct(self.public_pem, "RS256").to_dict(), "kid": self.kid, "use": "sig"}

    def sign(self, **claims: Any) -> str:
        """A JWT as Entra sends it at noon; a claim of None is left out."""
        usual = {
            "iss": f"https://sts.windows.net/{TENANT}/",
            "aud": ENTRA_APP,
            "nbf": NOON_S - 300,
            "exp": NOON_S + 3_600,
        }
        kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jws.sign(kept, self.private_pem, {"kid": self.kid}, "RS256")


class KeyServer:
    """Publishes keys at ``/{tenant}/keys``. ``status`` 200 answers; ``asked`` lists the paths."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.on_ask: Callable[[], None] = lambda: None
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[KeyServer]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                owner.on_ask()
                owner.may_answer.wait(10)
                body = json.dumps({"keys": owner.keys}).encode()
                self.send_response(owner.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Tests speak for themselves."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/{{tenant}}/keys"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.may_answer.set()
            server.shutdown()
            server.server_close()
            thread.join()


def request_of(authorization: str | None, address: str = HERE) -> Request:
    """A request as the web server hands it over."""
    headers = {} if authorization is None else {"Authorization": authorization}
    environ = EnvironBuilder(headers=headers, environ_overrides={"REMOTE_ADDR": address}).get_environ()
    return Request(environ)


def ask(gate: Gate, authorization: str | None, address: str = HERE) -> SourceRef:
    """Pass the gate, or raise its Problem."""
    return gate.source_of(request_of(authorization, address), gate.db.clock.now())


def status_of(gate: Gate, authorization: str | None, address: str = HERE) -> int:
    """200, or the status of the Problem."""
    try:
        ask(gate, authorization, address)
    except Problem as problem:
        return problem.status
    return 200


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def refused_rows(db: Database) -> list[dict[str, Any]]:
    """The audit rows of refusals: actor, subject and detail."""
    with db.read() as tx:
        rows = tx.execute(sa.select(AuditRow).where(AuditRow.action == "source.refused").order_by(AuditRow.id)).all()
    return [{"actor": row.actor, "subject": row.subject, **row.detail} for row in rows]
