"""Journal tests: the SCIM entrance with a journal, and a source's client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases import NOON, db, empty_sqlite, opened, postgresql_url
from flask import Flask
from journal_kit import Okta

from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.journal.journal import Journal
from scim_bridge.scim.blueprint import create_blueprint

__all__ = ["NOON", "db", "empty_sqlite", "opened", "postgresql_url"]


@pytest.fixture
def journal(db: Database) -> Iterator[Journal]:
    journal = Journal(db)
    yield journal
    journal.close()


@pytest.fixture
def okta(db: Database, journal: Journal) -> Okta:
    app = Flask("journal-test")
    app.register_blueprint(
        create_blueprint(
            db,
            wake=lambda: None,
            is_linked=lambda _tx, _person: False,
            base_url="https://bridge.example.com",
            journal=journal,
            max_body_bytes=200_000,
        )
    )
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON)
        token = sources.new_token(tx, source_id, now=NOON)
    return Okta(app.test_client(), token, db, journal)
