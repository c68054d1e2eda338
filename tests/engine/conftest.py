"""Engine tests: a real database, an app in memory, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import NOON, Shared, empty_sqlite, give_back, opened, postgresql_url
from engine_kit import World

from scim_bridge.clock import FrozenClock
from scim_bridge.db import Database

__all__ = ["empty_sqlite", "opened", "postgresql_url"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both kinds, or those that a module names in ``DATABASES``."""
    if "db" in metafunc.fixturenames:
        kinds = getattr(metafunc.module, "DATABASES", ("sqlite", "postgresql"))
        metafunc.parametrize("db", kinds, indirect=True)


@pytest.fixture
def db(
    request: pytest.FixtureRequest, opened: Callable[[str], Shared], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """An empty database whose clock stands at noon."""
    database = opened(request.param)
    database.clock = FrozenClock(NOON)
    monkeypatch.setattr(database, "now", database.clock.now)  # PostgreSQL's own clock does not stand still
    yield database
    give_back(database)


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
