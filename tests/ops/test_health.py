"""Probes: live whatever happens, ready only with a database at this version's schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import postgresql_database
from flask.testing import FlaskClient

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.schema import upgrade
from scim_bridge.settings import load_settings


def _client(db: Database) -> FlaskClient:
    return create_app(load_settings({}), db, wake=lambda: None).test_client()


@pytest.fixture
def client(db: Database) -> FlaskClient:
    return _client(db)


@pytest.fixture
def client_of_a_dead_server() -> Iterator[FlaskClient]:
    db = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    yield _client(db)
    db.close()


def test_a_served_database_is_live_and_ready(client: FlaskClient):
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json) == (200, {"state": "ready"})


def test_without_a_database_it_is_live_but_not_ready(client_of_a_dead_server: FlaskClient):
    assert client_of_a_dead_server.get("/health/live").status_code == 200
    ready = client_of_a_dead_server.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json == {"state": "not ready", "reason": "the database does not answer"}
    assert ready.headers["Retry-After"] == "5"


def test_without_a_database_status_says_failed(client_of_a_dead_server: FlaskClient):
    answer = client_of_a_dead_server.get("/status")
    assert answer.status_code == 503
    assert answer.json == {"state": "failed", "components": {"database": {"state": "failed"}}, "hubs": {}}


def test_it_is_ready_again_when_the_database_is_back():
    with postgresql_database() as url:
        db = Database(url)
        upgrade(db)
        client = _client(db)
        assert client.get("/health/ready").status_code == 200
        name = sa.make_url(url).database
        server = sa.create_engine(sa.make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )
            assert client.get("/health/ready").status_code == 503
            connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        server.dispose()
        assert client.get("/health/ready").status_code == 200
        db.close()


def test_another_schema_is_not_ready_and_says_how_to_mend_it(tmp_path: Path):
    db = Database(f"sqlite:///{tmp_path}/bridge.db")
    ready = _client(db).get("/health/ready")
    assert ready.status_code == 503
    assert ready.json is not None
    assert ready.json["reason"] == "the database is empty; run `scim-bridge db upgrade`"


def test_every_answer_has_a_request_id(client: FlaskClient):
    first, second = (client.get("/health/live").headers["X-Request-Id"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_an_unknown_path_is_404_as_json(client: FlaskClient):
    answer = client.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"]["message"] == "GET /nothing/here: Not Found"
    assert answer.json["error"]["request"] == answer.headers["X-Request-Id"]


def test_a_wrong_method_is_405_and_says_which_are_right(client: FlaskClient):
    answer = client.post("/health/live")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_scim_answers_below_its_path_with_scim_errors(client: FlaskClient):
    answer = client.get("/scim/v2/Users")
    assert answer.status_code == 401
    assert answer.content_type.startswith("application/scim+json")


def test_an_unexpected_error_is_500_and_shows_nothing_of_its_cause(db: Database, caplog: pytest.LogCaptureFixture):
    app = create_app(load_settings({}), db, wake=lambda: None)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("SELECT secret FROM tokens")

    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "request.failed" in caplog.text
