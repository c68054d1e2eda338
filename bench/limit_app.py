"""The limit: what Flask and SQLAlchemy Core can do at best with one statement a request, and no SCIM at all.

The bridge is measured against this. So it must be as fast as such a thing can honestly be: statements are built
once, documents are kept as text and never parsed again, reads open no transaction, nothing is authenticated,
journaled or audited. What a bridge may not save, it does not save either: a write is one transaction, as durable
as ours (SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE, one writer at a time; the same sizes of cache and pool).
It shares no code with the bridge: a yardstick must not grow with what it measures.

    GET   /Users?filter=userName eq "..." | externalId eq "..."   one indexed look-up
    POST  /Users                                                  one INSERT, unique by user name
    PATCH /Users/{id}                                             one UPDATE
    PATCH /Groups/{id}                                            one INSERT or DELETE of the members named
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask, Response, request
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

DATABASE_URL = "LIMIT_DATABASE_URL"
_POOL = 40  # as many as the bridge's own engine holds

metadata = sa.MetaData()
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scim_id", sa.String(36), unique=True, nullable=False),
    sa.Column("user_name_key", sa.String(512), unique=True, nullable=False),
    sa.Column("external_id", sa.String(512), index=True),
    sa.Column("document", sa.Text, nullable=False),
)
members = sa.Table(
    "members",
    metadata,
    sa.Column("group_id", sa.String(36), primary_key=True),
    sa.Column("user_id", sa.String(36), primary_key=True),
    sqlite_with_rowid=False,
)

_BY_NAME = sa.select(users.c.document).where(users.c.user_name_key == sa.bindparam("value"))
_BY_EXTERNAL_ID = sa.select(users.c.document).where(users.c.external_id == sa.bindparam("value"))
_NEW_USER = sa.insert(users)
_LEAVE = sa.delete(members).where(
    members.c.group_id == sa.bindparam("group"), members.c.user_id == sa.bindparam("member")
)


class Limit:
    """The database, and the few statements that depend on its dialect."""

    def __init__(self, url: str) -> None:
        is_sqlite = url.startswith("sqlite")
        self.engine = sa.create_engine(url, **_options(is_sqlite=is_sqlite))
        self._readers = sa.create_engine(url, isolation_level="AUTOCOMMIT", **_options(is_sqlite=is_sqlite))
        self._turn = threading.Lock() if is_sqlite else nullcontext()
        if is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self._readers, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_immediate)
        insert = sqlite.insert if is_sqlite else postgresql.insert
        self.join = insert(members).on_conflict_do_nothing()
        self.change_user = _change_user(is_sqlite=is_sqlite)

    def read(self, statement: sa.Executable, values: dict[str, Any]) -> list[str]:
        """The texts that one statement finds."""
        with self._readers.connect() as connection:
            return list(connection.execute(statement, values).scalars())

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that commits at the end."""
        with self._turn, self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()
        self._readers.dispose()


def _options(*, is_sqlite: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"pool_size": _POOL, "max_overflow": 20}
    if is_sqlite:
        options["connect_args"] = {"check_same_thread": False, "timeout": 15.0}
    return options


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # reads need no BEGIN, writes say a better one
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def create_app() -> Flask:
    """The application over the database that ``LIMIT_DATABASE_URL`` names; its tables are there."""
    limit = Limit(os.environ[DATABASE_URL])
    app = Flask("limit", static_folder=None)

    @app.get("/scim/v2/Users")
    def find_user() -> Response:
        attribute, _, value = request.args["filter"].partition(" eq ")
        value = value.strip('"')
        by_name = attribute == "userName"
        found = limit.read(_BY_NAME if by_name else _BY_EXTERNAL_ID, {"value": value.casefold() if by_name else value})
        return _json(f'{{"totalResults":{len(found)},"Resources":[{",".join(found)}]}}', 200)

    @app.post("/scim/v2/Users")
    def create_user() -> Response:
        row = user_row(json.loads(request.get_data()), str(uuid4()))
        try:
            with limit.write() as connection:
                connection.execute(_NEW_USER, row)
        except IntegrityError:
            return _json('{"status":"409"}', 409)
        return _json(row["document"], 201)

    @app.patch("/scim/v2/Users/<scim_id>")
    def change_user(scim_id: str) -> Response:
        change = json.loads(request.get_data())["Operations"][0]["value"]
        with limit.write() as connection:
            found = connection.execute(
                limit.change_user, {"row": scim_id, "change": _dump(change)}
            ).scalar_one_or_none()
        return _json('{"status":"404"}', 404) if found is None else _json(found, 200)

    @app.patch("/scim/v2/Groups/<scim_id>")
    def change_members(scim_id: str) -> Response:
        for operation in json.loads(request.get_data())["Operations"]:
            path: str = operation["path"]
            with limit.write() as connection:
                if operation["op"].lower() == "add":
                    rows = [{"group_id": scim_id, "user_id": member["value"]} for member in operation["value"]]
                    connection.execute(limit.join, rows)
                else:
                    connection.execute(_LEAVE, {"group": scim_id, "member": path.split('"')[1]})
        return Response(status=204)

    return app


def user_row(document: dict[str, Any], scim_id: str) -> dict[str, Any]:
    """The row of a new user."""
    return {
        "scim_id": scim_id,
        "user_name_key": document["userName"].casefold(),
        "external_id": document.get("externalId"),
        "document": _dump({"id": scim_id, **document}),
    }


def _change_user(*, is_sqlite: bool) -> sa.Executable:
    """Merge ``change`` (JSON text) into the document of ``row``; answers the new document."""
    change = sa.bindparam("change", type_=sa.Text())
    merged: sa.ColumnElement[str]
    if is_sqlite:
        merged = sa.func.json_patch(users.c.document, change, type_=sa.Text())
    else:
        merged = sa.cast(sa.cast(users.c.document, JSONB).concat(sa.cast(change, JSONB)), sa.Text())
    return (
        sa.update(users)
        .where(users.c.scim_id == sa.bindparam("row"))
        .values(document=merged)
        .returning(users.c.document)
    )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(text: str, status: int) -> Response:
    return Response(text, status, content_type="application/scim+json; charset=utf-8")
