"""The kit under every simulator: faults, journal and control side, with the smallest app there is."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from scim_bridge.contract.simulator import AccountState, Simulator, simulate_command
from scim_bridge.contract.simulator_server import Reply, Request


class Echo(Simulator):
    """An app with one call, ``/echo``, and no accounts."""

    app = "echo"

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Event()

    def key(self, request: Request) -> str | None:
        self.arrived.set()
        return request.query.get("key")

    def admit(self, request: Request) -> Reply | None:
        return None

    def answer(self, request: Request) -> Reply:
        if request.path == "/bug":
            raise RuntimeError("a fault in the simulator")
        return Reply(200, {"path": request.path, "query": dict(request.query), "body": request.json()})

    def over_limit(self, wait_s: int) -> Reply:
        return Reply(429, {}, {"Retry-After": str(wait_s)})

    def broken(self) -> Reply:
        return Reply(503, {})

    def accounts(self) -> list[AccountState]:
        return []

    def accept(self, email: str) -> str:
        return email

    def change(self, op: str, **details: Any) -> None:
        return None


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as sim:
        yield sim


def get(sim: Simulator, path: str, **more: Any) -> requests.Response:
    return requests.get(sim.url + path, timeout=5, **more)


def faults(sim: Simulator, **changes: Any) -> requests.Response:
    return requests.post(sim.url + "/_sim/faults", json=changes, timeout=5)


def test_path_query_and_body_arrive(echo: Echo) -> None:
    answer = requests.post(echo.url + "/echo?a=1%20b&c", json={"x": "é"}, timeout=5)
    assert answer.json() == {"path": "/echo", "query": {"a": "1 b", "c": ""}, "body": {"x": "é"}}


def test_a_connection_is_kept_for_many_requests(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", int(echo.url.rpartition(":")[2])), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_connection_is_closed_when_the_client_asks(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", int(echo.url.rpartition(":")[2])), timeout=5) as connection:
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with connection.makefile("rb") as stream:
            assert stream.read().endswith(b"}")


def test_the_journal_leaves_the_control_side_out(echo: Echo) -> None:
    get(echo, "/echo?key=ada")
    get(echo, "/_sim/state")
    (entry,) = get(echo, "/_sim/journal").json()
    assert (entry["method"], entry["path"], entry["status"], entry["key"]) == ("GET", "/echo", 200, "ada")


def test_calls_are_journalled_in_the_order_of_arrival(echo: Echo) -> None:
    faults(echo, latency_ms=300)
    slow = threading.Thread(target=get, args=(echo, "/slow?key=slow"))
    slow.start()
    assert echo.arrived.wait(5)
    faults(echo, latency_ms=0)
    get(echo, "/fast")
    slow.join()
    assert [entry["path"] for entry in echo.journal()] == ["/slow", "/fast"]


def test_latency_slows_the_app_and_not_the_control_side(echo: Echo) -> None:
    faults(echo, latency_ms=600)
    started = time.monotonic()
    get(echo, "/_sim/state")
    assert time.monotonic() - started < 0.5
    get(echo, "/echo")
    assert time.monotonic() - started >= 0.6


def test_fail_is_the_share_of_calls_that_break(echo: Echo) -> None:
    faults(echo, fail=0.5)
    statuses = [get(echo, "/echo").status_code for _ in range(60)]
    assert 15 <= statuses.count(503) <= 45


def test_fail_of_one_breaks_all_but_the_control_side(echo: Echo) -> None:
    faults(echo, fail=1)
    assert get(echo, "/echo").status_code == 503
    assert get(echo, "/_sim/state").status_code == 200


def test_the_rate_lets_a_burst_pass(echo: Echo) -> None:
    faults(echo, rate=0.1, burst=2)
    assert [get(echo, "/echo").status_code for _ in range(4)] == [200, 200, 429, 429]


def test_a_rate_of_zero_is_no_limit(echo: Echo) -> None:
    faults(echo, rate=0.1, burst=1)
    faults(echo, rate=0)
    assert [get(echo, "/echo").status_code for _ in range(4)] == [200] * 4


def test_what_is_not_named_stays(echo: Echo) -> None:
    faults(echo, latency_ms=1, fail=0)
    assert faults(echo, rate=5).json() == {"latency_ms": 1, "rate": 5, "burst": 0, "fail": 0}


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": 1},
        {"rate": -1},
        {"fail": "often"},
        {"fail": 1.5},
        {"fail": True},
        {"burst": 1.5},
        {"latency_ms": -0.1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(echo: Echo, changes: dict[str, Any]) -> None:
    assert faults(echo, **changes).status_code == 422


def test_broken_control_bodies_and_paths_are_refused(echo: Echo) -> None:
    assert requests.post(echo.url + "/_sim/faults", data=b"[", timeout=5).status_code == 422
    assert requests.post(echo.url + "/_sim/accept", json=[], timeout=5).status_code == 422
    assert requests.post(echo.url + "/_sim/accept", json={}, timeout=5).status_code == 422
    assert get(echo, "/_sim/nothing").status_code == 404


def test_a_bug_in_a_simulator_is_a_500_and_the_next_call_works(echo: Echo) -> None:
    assert get(echo, "/bug").status_code == 500
    assert get(echo, "/echo").status_code == 200


def test_sixteen_clients_at_once_lose_nothing(echo: Echo) -> None:
    def client() -> None:
        with requests.Session() as session:
            for _ in range(25):
                session.get(echo.url + "/echo", timeout=5)

    clients = [threading.Thread(target=client) for _ in range(16)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert len(echo.journal()) == 400


def test_a_closed_simulator_is_down(echo: Echo) -> None:
    url = echo.url
    echo.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_the_command_has_the_kits_options() -> None:
    result = CliRunner().invoke(simulate_command("echo", Echo), ["--help"])
    assert result.exit_code == 0
    for option in ("--port", "--latency-ms", "--rate", "--burst", "--fail", "--seed-members", "--token"):
        assert option in result.output


def test_a_wrong_option_is_exit_2() -> None:
    assert CliRunner().invoke(simulate_command("echo", Echo), ["--fail", "2"]).exit_code == 2


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    code = "from adapters.github.simulator import GithubSimulator as G; G().run(0)"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = line.split()[3].rstrip(",")
        assert requests.get(url + "/_sim/state", timeout=5).json()["accounts"][0]["key"] == "owner1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
