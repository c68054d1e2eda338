"""A fresh database for each test: SQLite always, PostgreSQL where a server answers on 127.0.0.1:5432."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

import scim_bridge.tables  # noqa: F401  (fills the metadata)
from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database

SERVER = "postgresql://postgres@127.0.0.1:5432"
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
def postgresql_url() -> Iterator[str]:
    """A database of our own with all tables, dropped at the end."""
    name = f"scim_bridge_test_{uuid4().hex}"
    try:
        server = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers on 127.0.0.1:5432")
    server.execute(f'CREATE DATABASE "{name}"')
    url = f"postgresql+psycopg://postgres@127.0.0.1:5432/{name}"
    db = Database(url)
    Base.metadata.create_all(db.engine)
    db.close()
    yield url
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database whose clock stands at noon."""
    if request.param == "sqlite":
        file = tmp_path / "bridge.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), file)
        url = f"sqlite:///{file}"
    else:
        url = request.getfixturevalue("postgresql_url")
    database = Database(url, clock=FrozenClock(NOON), synchronous="OFF")
    yield database
    if request.param == "postgresql":
        with database.engine.begin() as connection:  # faster than TRUNCATE for a handful of rows
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
    database.close()
