"""Engine tests: a real database, an app in memory, a clock that stands still.

One database of each kind serves the whole run, emptied after each test: SQLAlchemy compiles each statement once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from databases import NOON, empty_sqlite, postgresql_url
from engine_kit import World

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database

__all__ = ["empty_sqlite", "postgresql_url"]


@pytest.fixture(scope="session")
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Database]]:
    """``opened("sqlite")``: the database of that kind."""
    known: list[Database] = []

    @cache
    def open_database(kind: str) -> Database:
        if kind == "sqlite":
            file = tmp_path_factory.mktemp("engine") / "bridge.db"
            shutil.copy(request.getfixturevalue("empty_sqlite"), file)
            url = f"sqlite:///{file}"
        else:
            url = request.getfixturevalue("postgresql_url")
        known.append(Database(url, synchronous="OFF"))
        return known[-1]

    yield open_database
    for database in known:
        database.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both kinds, or those that a module names in ``DATABASES``."""
    if "db" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "DATABASES", ("sqlite", "postgresql"))
        metafunc.parametrize("db", kinds, indirect=True)


@pytest.fixture
def db(
    request: pytest.FixtureRequest, opened: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """An empty database whose clock stands at noon."""
    database = opened(request.param)
    database.clock = FrozenClock(NOON)
    monkeypatch.setattr(database, "now", database.clock.now)  # PostgreSQL's own clock does not stand still
    yield database
    with database.write() as tx:
        for table in reversed(Base.metadata.sorted_tables):
            tx.execute(table.delete())


@pytest.fixture
def world(db: Database, tmp_path: Path) -> Iterator[World]:
    """A source, an app with one owner (``root``), and an engine that was not started yet."""
    world = World(db, tmp_path / "mappings")
    yield world
    world.stop()


@pytest.fixture
def live(world: World) -> World:
    """The same, live and read once."""
    world.begin()
    return world
