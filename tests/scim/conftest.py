"""SCIM tests: an application with the blueprint alone, and a client with an Okta source's token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from databases import NOON, db, empty_sqlite, opened, postgresql_url
from flask import Flask
from scim_kit import Client

from scim_bridge.db import Database, Tx
from scim_bridge.directory import sources
from scim_bridge.scim.blueprint import create_blueprint
from scim_bridge.scim.definitions import ResourceTypes

__all__ = ["NOON", "db", "empty_sqlite", "opened", "postgresql_url"]


@pytest.fixture
def wakes() -> list[str]:
    """One entry for each time that the engine was woken."""
    return []


@pytest.fixture
def types() -> ResourceTypes:
    """The resource types; a test of extension schemas gives its own."""
    return ResourceTypes()


@pytest.fixture
def app(db: Database, wakes: list[str], types: ResourceTypes) -> Flask:
    def is_linked(tx: Tx, person_id: int) -> bool:
        return False

    app = Flask("scim-test")
    app.register_blueprint(
        create_blueprint(
            db,
            wake=lambda: wakes.append("wake"),
            is_linked=is_linked,
            base_url="https://bridge.example.com",
            max_body_bytes=20_000,
            max_group_body_bytes=60_000,
            max_bulk_bytes=80_000,
            max_bulk_operations=20,
            types=types,
        )
    )
    return app


@pytest.fixture
def client_of(app: Flask, db: Database) -> Callable[[str], Client]:
    """Make a source of this name and return a client with its token."""

    def make(name: str) -> Client:
        with db.write() as tx:
            source_id = sources.add_source(tx, name=name, kind="generic", joins=True, now=NOON)
            return Client(app.test_client(), sources.new_token(tx, source_id, now=NOON))

    return make


@pytest.fixture
def client(client_of: Callable[[str], Client]) -> Client:
    return client_of("okta")
