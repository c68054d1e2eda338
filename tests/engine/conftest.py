"""Engine tests: a real database, an app in memory, a clock that stands still."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import db, empty_sqlite, postgresql_url
from engine_kit import World

from scim_bridge.db import Database

__all__ = ["db", "empty_sqlite", "postgresql_url"]


@pytest.fixture
def world(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A source, an app with one owner (``root``), and an engine that was not started yet."""
    monkeypatch.setattr(db, "now", db.clock.now)  # PostgreSQL's clock does not stand still
    world = World(db, tmp_path / "mappings")
    yield world
    world.stop()


@pytest.fixture
def live(world: World) -> World:
    """The same, live and read once."""
    world.begin()
    return world
