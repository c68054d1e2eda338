"""The published suites against real servers: one bridge on SQLite and one on PostgreSQL, for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from databases import postgresql_database
from suite_kit import Live, live_bridge


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running bridge with one identity source."""
    with ExitStack() as stack:
        url = stack.enter_context(postgresql_database()) if request.param == "postgresql" else None
        folder = tmp_path_factory.mktemp(f"live-{request.param}")
        yield stack.enter_context(live_bridge(folder, url))
