"""Real databases, new for each test: an SQLite file, and PostgreSQL where one answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import postgresql_database

from scim_bridge.db import Database
from scim_bridge.schema import upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        db = Database(f"sqlite:///{tmp_path}/bridge.db")
        yield db
        db.close()
        return
    with postgresql_database() as url:
        db = Database(url)
        yield db
        db.close()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """An SQLite database at the present schema."""
    db = Database(f"sqlite:///{tmp_path}/bridge.db")
    upgrade(db)
    yield db
    db.close()
