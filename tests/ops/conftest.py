"""Real databases, new for each test: an SQLite file, and PostgreSQL where one answers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import migrated_sqlite, postgresql_database

from scim_bridge.db import Database

__all__ = ["migrated_sqlite"]


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
def db(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Database]:
    """An SQLite database at the present schema."""
    shutil.copy(migrated_sqlite, tmp_path / "bridge.db")
    db = Database(f"sqlite:///{tmp_path}/bridge.db")
    yield db
    db.close()
