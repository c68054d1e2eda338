"""An empty database for each test: SQLite always, PostgreSQL where a server answers (on CI one must)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

import scim_bridge.tables  # noqa: F401  (fills the metadata)
from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database, Tx
from scim_bridge.libpq import Statements
from scim_bridge.prepared import STATEMENTS
from scim_bridge.schema import upgrade

POSTGRES = os.environ.get("SCIM_BRIDGE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A server where the tests may make databases of their own, as a libpq address."""
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and no rows, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "empty.db"
    db = Database(f"sqlite:///{file}")
    Base.metadata.create_all(db.engine)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that all migrations have made, to be copied: they take a second each time."""
    file = tmp_path_factory.mktemp("migrated") / "bridge.db"
    db = Database(f"sqlite:///{file}")
    upgrade(db)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return file


def postgresql_server() -> psycopg.Connection:
    """A connection to the server, outside of transactions; the test is skipped where none answers."""
    try:
        return psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError as error:
        words = f"no PostgreSQL answers; name one in SCIM_BRIDGE_TEST_POSTGRES ({error})"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


@contextmanager
def postgresql_database(options: str = "") -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty database that is dropped at the end; ``options`` of CREATE DATABASE."""
    server = postgresql_server()
    name = f"scim_bridge_test_{uuid4().hex}"
    server.execute(f'CREATE DATABASE "{name}" {options}')
    # A commit waits for no disk: no test cuts the server's power.
    server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        yield database_url(name)
    finally:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.close()


@pytest.fixture(scope="session")
def migrated_postgresql() -> Iterator[str]:
    """Options of ``postgresql_database`` that copy one which all migrations have made."""
    with postgresql_database() as url:
        db = Database(url)
        upgrade(db)
        db.close()
        yield f'TEMPLATE "{sa.make_url(url).database}"'


def database_url(name: str) -> str:
    """The SQLAlchemy URL of a database on the server."""
    server = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg", database=name)
    return server.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of our own with all tables, dropped at the end."""
    with postgresql_database() as url:
        db = Database(url)
        Base.metadata.create_all(db.engine)
        db.close()
        yield url


def empty(db: Database) -> None:
    """Delete every row: faster than TRUNCATE for a handful, and one trip to PostgreSQL instead of one a table."""
    deletes = [f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables)]
    with db.write() as tx:
        for text in deletes if db.is_sqlite else (f"DO $$ BEGIN {'; '.join(deletes)}; END $$",):
            tx.exec_driver_sql(text)


@contextmanager
def sent(tx: Tx) -> Iterator[list[str]]:
    """Every statement that reaches the driver meanwhile, prepared or not."""
    seen: list[str] = []
    raw: Any = tx.connection.dbapi_connection
    if tx.dialect.name == "sqlite":
        raw.set_trace_callback(seen.append)
        yield seen
        raw.set_trace_callback(None)
        return

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **options: Any) -> Any:
            seen.append(str(query))
            return super().execute(query, *args, **options)

    class Prepared(Statements):
        def execute(self, text: str, values: Any) -> Any:
            seen.append(text)
            return super().execute(text, values)

    before, raw.cursor_factory = raw.cursor_factory, Cursor
    known = tx.info.pop(STATEMENTS, None)
    tx.info[STATEMENTS] = Prepared(raw)
    yield seen
    raw.cursor_factory = before
    tx.info[STATEMENTS] = known or Statements(raw)


class Shared(Database):
    """Serves many tests, until one of them closes it."""

    is_closed = False

    def close(self) -> None:
        super().close()
        self.is_closed = True


@pytest.fixture(scope="session")
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Shared]]:
    """``opened("sqlite")``: one of each kind for the whole run; it connects and compiles statements once."""
    known: dict[str, Shared] = {}

    def open_database(kind: str) -> Shared:
        if kind not in known or known[kind].is_closed:
            known[kind] = Shared(url_of(kind), synchronous="OFF")
        return known[kind]

    def url_of(kind: str) -> str:
        if kind == "postgresql":
            return str(request.getfixturevalue("postgresql_url"))
        file = tmp_path_factory.mktemp("opened") / "bridge.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), file)
        return f"sqlite:///{file}"

    yield open_database
    for database in known.values():
        database.close()


def give_back(database: Shared) -> None:
    """Leave it as it was found: empty; what was closed stays so."""
    empty(database)
    if database.is_closed:
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, opened: Callable[[str], Shared]) -> Iterator[Database]:
    """An empty database whose clock stands at noon. A test may close it: the next one gets another."""
    database = opened(request.param)
    database.clock = FrozenClock(NOON)
    yield database
    give_back(database)
