"""The database is away for a while; and nobody runs two engines on one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
import requests
from databases import database_url, postgresql_server
from story_kit import (
    becomes,
    configure,
    connect_okta,
    eventually,
    hub_status,
    invitations,
    observed,
    seats,
    status,
    tasks,
    write_mapping,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess, free_port

ADA, BEN = "ada@acme.example", "ben@acme.example"


class PostgresDatabase:
    """A database of our own that can be closed to everybody and opened again."""

    def __init__(self, server: psycopg.Connection) -> None:
        self._server = server
        self.name = f"scim_bridge_story_{os.getpid()}"
        self.url = database_url(self.name)
        server.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{self.name}"')

    def close(self) -> None:
        """Cut every connection and let nobody in."""
        self._server.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS false')
        self._server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.name,))

    def open(self) -> None:
        """It is back."""
        self._server.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS true')

    def drop(self) -> None:
        """The story is over."""
        self._server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')


@pytest.fixture
def postgres() -> Iterator[PostgresDatabase]:
    """A database on the server at 127.0.0.1:5432, where there is one."""
    server = postgresql_server()
    database = PostgresDatabase(server)
    yield database
    database.drop()
    server.close()


def test_everything_works_again_when_the_database_is_back(
    bridge: BridgeProcess, app: GithubSimulator, postgres: PostgresDatabase
) -> None:
    configure(bridge, DATABASE_URL=postgres.url, LEASE_S="12", HTTP_TIMEOUT_S="2")
    write_mapping(bridge, app)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    engineering = okta.push_group("Engineering")

    # It goes while the app carries out a call: its answer cannot be written down.
    app.override = lambda request: postgres.close() if request.method == "POST" and "/invit" in request.path else None
    okta.change_members(engineering, add=[ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    app.override = None
    with pytest.raises(requests.HTTPError) as refused:
        okta.change_members(engineering, add=[ben])
    answer = refused.value.response
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert (answer.json()["schemas"], answer.json()["status"]) == (
        ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "503",
    )
    ready = requests.get(f"{bridge.url}/health/ready", timeout=20)
    assert (ready.status_code, ready.headers["Retry-After"]) == (503, "5")
    assert requests.get(f"{bridge.url}/health/live", timeout=20).status_code == 200
    assert status(bridge)["state"] == "failed"

    postgres.open()
    eventually(lambda: requests.get(f"{bridge.url}/health/ready", timeout=20).status_code == 200)
    okta.change_members(engineering, add=[ben])
    becomes(lambda: seats(app), {ADA: "invited member", BEN: "invited member"}, within_s=20)
    becomes(lambda: status(bridge)["state"], "ok", within_s=20)
    eventually(lambda: hub_status(bridge)["backlog"] == 0, within_s=30)
    assert (invitations(app, ADA), invitations(app, BEN)) == ([201], [201])
    assert {task["state"] for task in tasks(bridge)} == {"done"}


def test_a_second_engine_on_one_file_is_refused(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    second = bridge.run("serve", "--port", str(free_port()))
    assert second.returncode == 1
    assert second.stderr.startswith("scim-bridge: another engine already runs on this database (")
    assert "stop it first, or serve with --no-engine beside it" in second.stderr

    okta = connect_okta(bridge)
    okta.push_group("Engineering", [okta.assign(ADA, "Ada", "Lovelace")])
    becomes(lambda: seats(app), {ADA: "invited member"})
