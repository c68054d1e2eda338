"""The database is away for a while: 503 with Retry-After, and everything works again without a restart.

PostgreSQL lets nobody in and cuts who is there; an SQLite file is written by another process, its disk is full, or it
is no database any more. What was acknowledged is there afterwards.
"""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
import requests
import sqlalchemy as sa
from databases import postgresql_database, postgresql_server
from suite_kit import USER, Live, live_bridge

from scim_bridge.app import create_app
from scim_bridge.db import Base, Database
from scim_bridge.directory import sources
from scim_bridge.settings import load_settings

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CLIENTS = 4


@contextmanager
def _away(url: str) -> Iterator[None]:
    """Inside the block nobody gets into this PostgreSQL database."""
    name = sa.make_url(url).database
    server = postgresql_server()
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    try:
        yield
    finally:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        server.close()


def _is_unavailable(answer: requests.Response) -> bool:
    """Whether the answer is the 503 that a client can live with; any other failure is none."""
    if answer.status_code != 503:
        return False
    body = answer.json()
    assert (body["schemas"], body["status"]) == ([ERROR], "503")
    assert int(answer.headers["Retry-After"]) >= 1
    return True


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, str]]:
    """A bridge on a PostgreSQL database of its own."""
    with postgresql_database() as url, live_bridge(tmp_path_factory.mktemp("away"), url) as live:
        yield live, url


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[tuple[Live, Path]]:
    """A bridge on an SQLite file of its own."""
    file = tmp_path / "bridge.db"
    with live_bridge(tmp_path, f"sqlite:///{file}") as live:
        yield live, file


def test_every_entrance_that_needs_it_is_503_while_postgresql_is_away(postgresql: tuple[Live, str]) -> None:
    live, url = postgresql
    user = live.user("everywhere@example.com")
    path = f"/Users/{user['id']}"
    entrances = [
        *(("GET", "/Users", None), ("GET", path, None), ("GET", "/Groups", None)),
        *(("POST", "/Users", {"userName": "x"}), ("PUT", path, {"userName": "x"}), ("DELETE", path, None)),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "title", "value": "x"}]}),
        ("POST", "/Groups", {"displayName": "x"}),
    ]
    with _away(url):
        for method, at, body in entrances:
            assert _is_unavailable(live.send(method, at, body)), f"{method} {at}"
        ready = requests.get(f"{live.bridge.url}/health/ready", timeout=20)
        assert (ready.status_code, int(ready.headers["Retry-After"]) >= 1) == (503, True)
        assert requests.get(f"{live.bridge.url}/health/live", timeout=20).status_code == 200
    _until(lambda: requests.get(f"{live.bridge.url}/health/ready", timeout=20).status_code == 200)
    _until(lambda: live.send("GET", path).status_code == 200)
    assert live.get(path) == user


def test_no_acknowledged_user_is_lost_when_postgresql_goes_and_returns(postgresql: tuple[Live, str]) -> None:
    live, url = postgresql
    acknowledged: list[str] = []
    refused = [Event() for _ in range(CLIENTS)]
    is_back = Event()

    def push(client: int) -> None:
        """Create users until ten were taken after the return; whatever is not 201 must be a 503 in good shape."""
        taken_after = 0
        while taken_after < 10:
            after = is_back.is_set()
            name = f"{uuid4().hex}@example.com"
            answer = live.send("POST", "/Users", {"schemas": [USER], "userName": name})
            if answer.status_code == 201:
                acknowledged.append(name)
                taken_after += after
            else:
                assert _is_unavailable(answer), answer.text
                refused[client].set()

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(push, client) for client in range(CLIENTS)]
        with _away(url):
            assert all(event.wait(30) for event in refused)
        is_back.set()
        for each in running:
            each.result(60)
    found = {user["userName"] for page in _pages(live) for user in page}
    assert set(acknowledged) <= found


def test_another_process_may_write_the_sqlite_file_for_long(on_sqlite: tuple[Live, Path]) -> None:
    live, file = on_sqlite
    user = live.user("locked@example.com")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(CLIENTS) as pool:
        writes = [pool.submit(live.user, f"w{number}@example.com") for number in range(CLIENTS)]
        assert live.get(f"/Users/{user['id']}") == user, "readers do not wait for writers"
        assert requests.get(f"{live.bridge.url}/health/ready", timeout=5).status_code == 200
        other.execute("ROLLBACK")
        names = {write.result(30)["userName"] for write in writes}
    assert names == {f"w{number}@example.com" for number in range(CLIENTS)}


def test_who_waits_too_long_for_the_sqlite_file_is_told_so_in_time(on_sqlite: tuple[Live, Path]) -> None:
    """An identity provider hangs up after 60 s (Okta), so several writers must not wait one after the other."""
    live, file = on_sqlite
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    body = {"schemas": [USER], "userName": "waiting@example.com"}
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [pool.submit(live.send, "POST", "/Users", body) for _ in range(CLIENTS)]
        for answer in answers:
            assert _is_unavailable(answer.result())
            assert answer.result().elapsed.total_seconds() < 40
    other.execute("ROLLBACK")
    assert live.send("POST", "/Users", body).status_code == 201


def test_a_full_disk_is_503_for_writers_and_nothing_to_readers(on_sqlite: tuple[Live, Path]) -> None:
    live, _ = on_sqlite
    user = live.user("full@example.com", title="before")
    change = {"op": "replace", "path": "title", "value": "after"}
    for pid in _workers(live.bridge.pid):
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))  # no file can grow
    assert _is_unavailable(live.patch(f"/Users/{user['id']}", change))
    assert live.get(f"/Users/{user['id']}") == user
    for pid in _workers(live.bridge.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    assert live.patch(f"/Users/{user['id']}", change).json()["title"] == "after"


@pytest.mark.parametrize(
    "content", [b"this is no database, but it is long enough to be asked" * 100, b"SQLite format 3\0" * 64]
)
def test_a_file_that_is_no_database_is_503_until_it_is_back(tmp_path: Path, content: bytes) -> None:
    file, away = tmp_path / "bridge.db", tmp_path / "bridge.away"
    db = Database(f"sqlite:///{file}")
    Base.metadata.create_all(db.engine)
    client = create_app(load_settings({}), db, wake=lambda: None).test_client()
    with db.write() as tx:
        source = sources.add_source(tx, name="okta", kind="okta", joins=True, now=db.clock.now())
        token = sources.new_token(tx, source, now=db.clock.now())
    db.close()
    file.rename(away)
    file.write_bytes(content)
    answer = client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.get_json()["status"], "Retry-After" in answer.headers) == (503, "503", True)
    assert client.get("/health/ready").status_code == 503
    db.close()
    away.rename(file)
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    db.close()


def _workers(pid: int) -> list[int]:
    """The processes that serve: children of the one that was started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _pages(live: Live) -> Iterator[list[dict[str, object]]]:
    start = 1
    while page := live.get(f"/Users?startIndex={start}&count=500")["Resources"]:
        yield page
        start += len(page)


def _until(check: Callable[[], bool], *, within_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline_s, f"not within {within_s} s"
        time.sleep(0.05)
