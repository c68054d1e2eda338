"""An app that is down, slow, failing or talking garbage: its tasks say so, other hubs go on, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from story_kit import (
    HUB,
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
from scim_bridge.contract.simulator_server import Reply
from scim_bridge.local.process import BridgeProcess

ADA = "ada@acme.example"
OTHER = "github-other"


@pytest.fixture
def other() -> Iterator[GithubSimulator]:
    """A second organization, which nothing is wrong with."""
    with GithubSimulator(org="other") as simulator:
        yield simulator


@dataclass(frozen=True)
class Fault:
    """What happens to the app, what the task says then, and how it ends."""

    begin: Callable[[GithubSimulator], object]
    end: Callable[[GithubSimulator], object]
    cause: str


FAULTS = {
    "slow": Fault(
        lambda app: app.set_faults(latency_ms=4_000), lambda app: app.set_faults(latency_ms=0), "no answer within 1 s"
    ),
    "failing": Fault(lambda app: app.set_faults(fail=1), lambda app: app.set_faults(fail=0), "503"),
    "rate-limited": Fault(
        lambda app: app.set_faults(rate=0.25, burst=1), lambda app: app.set_faults(rate=0), "rate limit"
    ),
    "garbage": Fault(
        lambda app: setattr(app, "override", lambda _: Reply(201, b"<html>welcome</html>")),
        lambda app: setattr(app, "override", None),
        "JSON",
    ),
}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
def test_a_fault_shows_in_the_task_and_heals_by_itself(
    bridge: BridgeProcess, app: GithubSimulator, other: GithubSimulator, fault: Fault
) -> None:
    configure(bridge, HTTP_READ_S="1", HTTP_TIMEOUT_S="2", LEASE_S="20")
    write_mapping(bridge, app)
    write_mapping(bridge, other, hub=OTHER)
    bridge.start()
    observed(bridge)
    observed(bridge, OTHER)
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")

    fault.begin(app)
    if fault.cause == "rate limit":
        eventually(lambda: _somebody_elses_call(app) in (403, 429))  # who uses up the burst
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(other), {ADA: "invited member"})
    (task,) = eventually(lambda: tasks(bridge, "--hub", HUB, "--state", "retrying"))
    assert (task["person_id"], task["hub_id"], task["action"], task["step"]) == ("p1", HUB, "invite", "invite")
    assert fault.cause in task["cause"]
    assert task["advice"]
    assert task["next_try_at"]
    assert status(bridge)["state"] == "degraded"
    assert hub_status(bridge)["backlog"] == 1
    assert hub_status(bridge, OTHER)["backlog"] == 0

    fault.end(app)
    becomes(lambda: seats(app), {ADA: "invited member"}, within_s=40)
    assert 422 not in invitations(app, ADA), "nobody is invited who is invited already"
    becomes(lambda: hub_status(bridge)["backlog"], 0, within_s=40)
    (task,) = tasks(bridge, "--hub", HUB)
    assert (task["state"], task["cause"]) == ("done", None)
    assert status(bridge)["state"] == "ok"


def test_an_app_that_is_down_is_waited_for(bridge: BridgeProcess, app: GithubSimulator, other: GithubSimulator) -> None:
    write_mapping(bridge, app)
    write_mapping(bridge, other, hub=OTHER)
    bridge.start()
    observed(bridge)
    observed(bridge, OTHER)
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    port = int(app.url.rpartition(":")[2])

    app.close()
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(other), {ADA: "invited member"})
    (task,) = eventually(lambda: tasks(bridge, "--hub", HUB, "--state", "retrying"))
    assert "connect" in task["cause"]
    assert task["advice"]

    checked = bridge.run("hub", "check", HUB)
    assert checked.returncode == 1
    assert "connect" in checked.stdout
    assert bridge.run("plan", HUB, "--refresh").returncode == 1

    app.start(port)
    becomes(lambda: seats(app), {ADA: "invited member"})
    assert invitations(app, ADA) == [201]


def test_a_refused_credential_needs_a_person_and_a_mended_one_is_read_anew(
    bridge: BridgeProcess, app: GithubSimulator, other: GithubSimulator, tmp_path: Path
) -> None:
    app.token = "valid"
    secret = tmp_path / "token"
    secret.write_text("valid\n")
    write_mapping(bridge, app, token=f"file:{secret}")
    write_mapping(bridge, other, hub=OTHER)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")

    app.token = "replaced"
    okta.push_group("Engineering", [ada])
    becomes(lambda: (hub_status(bridge) or {}).get("state"), "needs_attention")
    becomes(lambda: seats(other), {ADA: "invited member"})
    (task,) = tasks(bridge, "--hub", HUB)
    assert (task["state"], task["action"], task["person_id"]) == ("waiting", "invite", "p1")
    assert "401" in task["cause"]
    assert task["advice"]
    assert hub_status(bridge)["next_try_at"], "a probe is to come"
    assert "401" in hub_status(bridge)["last_error"]
    assert "valid" not in bridge.log()

    secret.write_text("replaced\n")
    probed = bridge.run("hub", "probe", HUB)
    assert probed.returncode == 0, probed.stdout
    becomes(lambda: seats(app), {ADA: "invited member"})
    becomes(lambda: hub_status(bridge)["state"], "live")
    assert invitations(app, ADA) == [401, 201]


def _somebody_elses_call(app: GithubSimulator) -> int:
    headers = {"Authorization": "Bearer of-somebody-else"}
    return requests.get(f"{app.url}/user", headers=headers, timeout=10).status_code
