"""The directory that every case begins with, put back as it was between cases; and all of its rows to look at."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from flask import Flask
from fuzz_invariants import Rows
from fuzz_requests import ADA, ALL, BEN, CY, ELSEWHERE, EMPTY, ENG, EVE, Request
from werkzeug.test import TestResponse

from scim_bridge.app import create_app
from scim_bridge.db import Base, Database
from scim_bridge.directory import sources, tables
from scim_bridge.settings import load_settings

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WHAT_A_CLIENT_WRITES = (
    *(tables.User, tables.UserEmail, tables.Person, tables.Group, tables.Membership, tables.NestedGroup),
    *(tables.PendingMember, tables.DeletedUser, tables.DeletedEmail, tables.PersonChange, tables.GroupChange),
)
_ADA = {
    "userName": "ada@example.com",
    "externalId": "ext-ada",
    "displayName": "Ada Lovelace",
    "title": "Analyst",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"},
    "emails": [
        {"value": "ada@example.com", "type": "work", "primary": True},
        {"value": "ada@home.example", "type": "home"},
    ],
    "phoneNumbers": [{"value": "+44 1", "type": "work"}, {"value": "+44 2", "type": "mobile"}],
    "addresses": [{"type": "work", "country": "GB", "formatted": "St James's Square\nLondon"}],
    "roles": [{"value": "Admin", "primary": True, "type": "WindowsAzureActiveDirectoryRole"}],
    ENTERPRISE: {"department": "Engines", "employeeNumber": "1", "manager": {"value": BEN}},
}


class World:
    """An application over a database with two sources, five users and four groups; ids are those of the requests."""

    def __init__(self, db: Database) -> None:
        self.db = db
        app = create_app(load_settings({"SCIM_BRIDGE_DATABASE_URL": str(db.url)}), db, wake=lambda: None)
        self._http = app.test_client()
        with db.write() as tx:
            self._tokens = [
                sources.new_token(
                    tx,
                    sources.add_source(tx, name=name, kind="generic", joins=True, now=db.clock.now()),
                    now=db.clock.now(),
                )
                for name in ("okta", "other")
            ]
        self._fill(app)
        self._rows = {table.name: self._read(table) for table in Base.metadata.sorted_tables}
        self.before = self.rows()

    def send(self, request: Request) -> TestResponse:
        """Send a request of the first source."""
        return self._send(0, request)

    def rows(self) -> Rows:
        """Every row that a client may have written, by table and primary key."""
        found: dict[str, dict[Any, Any]] = {}
        with self.db.read() as tx:
            for table in WHAT_A_CLIENT_WRITES:
                columns = table.__table__
                keys = [column.name for column in columns.primary_key]
                rows = [dict(row) for row in tx.execute(sa.select(columns)).mappings()]
                found[columns.name] = {_key(row, keys): row for row in rows}
        return found

    def put_back(self) -> None:
        """The directory as it was at the beginning; the sources stay, since the journal is writing about them."""
        kept = (tables.Source.__tablename__, tables.Token.__tablename__)
        changing = [table for table in Base.metadata.sorted_tables if table.name not in kept]
        with self.db.write() as tx:
            for table in reversed(changing):
                tx.execute(table.delete())
            for table in changing:
                if self._rows[table.name]:
                    tx.execute(table.insert(), self._rows[table.name])

    def _read(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.db.read() as tx:
            return [dict(row) for row in tx.execute(sa.select(table)).mappings()]

    def _fill(self, app: Flask) -> None:
        self._make(0, "/Users", ADA, _ADA)
        self._make(0, "/Users", BEN, {"userName": "ben"})
        self._make(0, "/Users", CY, {"userName": "cy@example.com", "active": False})
        self._make(1, "/Users", EVE, {"userName": "eve@example.com", "externalId": "ext-eve"})
        members = [{"value": ADA}, {"value": BEN}, {"value": "not-yet-there"}]
        self._make(0, "/Groups", ENG, {"displayName": "Engineering", "externalId": "ext-eng", "members": members})
        self._make(0, "/Groups", ALL, {"displayName": "Everyone", "members": [{"value": ENG}, {"value": CY}]})
        self._make(0, "/Groups", EMPTY, {"displayName": "Nobody"})
        self._make(1, "/Groups", ELSEWHERE, {"displayName": "Engineering", "members": [{"value": EVE}]})

    def _make(self, source: int, endpoint: str, scim_id: str, body: dict[str, Any]) -> None:
        """Create a resource and give it the id that requests know."""
        answer = self._send(source, Request("POST", endpoint, "", json.dumps(body)))
        assert answer.status_code == 201, answer.text
        table = tables.User if endpoint == "/Users" else tables.Group
        with self.db.write() as tx:
            tx.execute(sa.update(table).where(table.scim_id == answer.get_json()["id"]).values(scim_id=scim_id))

    def _send(self, source: int, request: Request) -> TestResponse:
        headers = {
            "Authorization": f"Bearer {self._tokens[source]}",
            "Content-Type": "application/scim+json",
            **request.headers,
        }
        return self._http.open(
            f"/scim/v2{request.path}",
            method=request.method,
            query_string=request.query,
            data=None if request.body is None else request.body.encode("latin-1"),
            headers=headers,
        )


def _key(row: dict[str, Any], keys: list[str]) -> Any:
    return row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)
