"""Every adapter's laws, as a person's token and as an app, each exchange held against GitHub's description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from adapters.github.adapter import GithubAdapter
from adapters.github.simulator import GithubSimulator
from scim_bridge.contract.conformance import Conformance
from scim_bridge.contract.protocol import Adapter
from scim_bridge.contract.simulator import Simulator
from scim_bridge.contract.simulator_server import Reply, Request

HEADERS = ("authorization", "user-agent", "accept", "x-github-api-version")


class TestWithToken(Conformance):
    adapter_class: ClassVar[type[Adapter]] = GithubAdapter

    def simulator(self) -> Simulator:
        return GithubSimulator()

    def connection(self, simulator: Simulator) -> tuple[Mapping[str, str], Mapping[str, str]]:
        return {"org": "acme", "api_url": simulator.url}, {"token": "t0ken"}


class TestEveryExchangeIsAsPublished(TestWithToken):
    @pytest.fixture(autouse=True)
    def _judge(self, publish: Callable[..., Any], judged: Callable[..., Simulator]) -> None:
        publish("github.json", "basic-error", HEADERS)
        self.judged = judged

    def simulator(self) -> Simulator:
        sim = GithubSimulator(seed_members=120, teams="core,platform,core/api")
        return self.judged(sim, "github.json", "basic-error", HEADERS)


ASKED = Request("GET", "/orgs/acme", {}, dict.fromkeys(HEADERS, "x"), b"")


@pytest.mark.parametrize(
    ("request_", "reply", "problem"),
    [
        (Request("GET", "/orgs/acme/people", {}, ASKED.headers, b""), Reply(200, []), "no such call"),
        (Request("GET", "/orgs/acme", {}, {}, b""), Reply(304), "without the header user-agent"),
        (Request("GET", "/orgs/acme", {"x": "1"}, ASKED.headers, b""), Reply(304), "undeclared parameter x"),
        (Request("PUT", "/orgs/acme/memberships/a", {}, ASKED.headers, b'{"role":"king"}'), Reply(304), "king"),
        (Request("PUT", "/orgs/acme/memberships/a", {}, ASKED.headers, b'{"rule":"x"}'), Reply(304), "undeclared rule"),
        (ASKED, Reply(200, {"login": "acme"}), "required property"),
        (ASKED, Reply(202, {}), "undeclared"),
        (ASKED, Reply(503, {"oops": 1}), "'message' is a required property"),
    ],
)
def test_the_judge_notices(publish: Callable[..., Any], request_: Request, reply: Reply, problem: str) -> None:
    published = publish("github.json", "basic-error", HEADERS)
    published.check(request_, reply, is_the_apps=True)
    assert any(problem in found for found in published.problems)
