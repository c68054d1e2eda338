"""A world on each database. `make fuzz` sets SCIM_BRIDGE_TEST_FUZZ_CASES and a seed; `make test` tries 500 cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from databases import NOON, postgresql_database
from fuzz_world import World

import scim_bridge.tables  # noqa: F401  (fills the metadata)
from scim_bridge.clock import FrozenClock
from scim_bridge.db import Base, Database

pytest.register_assert_rewrite("fuzz_laws")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A filled directory behind the whole application."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'bridge.db'}"
        else:
            url = stack.enter_context(postgresql_database())
        db = Database(url, clock=FrozenClock(NOON), synchronous="OFF")
        stack.callback(db.close)
        Base.metadata.create_all(db.engine)
        yield World(db)
