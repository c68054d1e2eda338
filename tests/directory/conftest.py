"""Directory tests: a database and two sources that join."""

from __future__ import annotations

import pytest
from databases import NOON, db, empty_sqlite, opened, postgresql_url

from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.sources import SourceRef

__all__ = ["NOON", "db", "empty_sqlite", "opened", "postgresql_url"]


def _source(db: Database, name: str, kind: str, *, joins: bool = True) -> SourceRef:
    with db.write() as tx:
        source_id = sources.add_source(tx, name=name, kind=kind, joins=joins, now=NOON)
    return SourceRef(source_id, name, kind, joins)


@pytest.fixture
def okta(db: Database) -> SourceRef:
    return _source(db, "okta", "okta")


@pytest.fixture
def entra(db: Database) -> SourceRef:
    return _source(db, "entra", "entra")


@pytest.fixture
def apart(db: Database) -> SourceRef:
    return _source(db, "apart", "generic", joins=False)
