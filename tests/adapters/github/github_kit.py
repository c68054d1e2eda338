"""What is asked of a simulated organization in tests, and how one answer of it is replaced."""

from __future__ import annotations

from collections.abc import Callable

from adapters.github.adapter import GithubAdapter
from adapters.github.simulator import GithubSimulator
from scim_bridge.contract.simulator_server import Reply, Request

Start = Callable[..., GithubSimulator]
Connect = Callable[..., GithubAdapter]

HEADERS = ("authorization", "user-agent", "accept", "x-github-api-version")
ADA = "ada@example.com"


def logins(sim: GithubSimulator) -> list[str]:
    return [account["key"] for account in sim.state()["accounts"]]


def calls(sim: GithubSimulator, method: str, path: str) -> int:
    return sum(entry["method"] == method and entry["path"] == path for entry in sim.journal())


def answers(method: str, path: str, reply: Reply) -> Callable[[Request], Reply | None]:
    return lambda request: reply if (request.method, request.path) == (method, path) else None
