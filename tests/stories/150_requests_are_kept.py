"""What a provider asked is kept beside what came of it, through a kill -9, and `why` names the push."""

from __future__ import annotations

from story_kit import at_rest, becomes, connect_okta, eventually, observed, seats, write_mapping

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess


def test_every_write_that_was_answered_has_its_entry_after_a_kill(bridge: BridgeProcess, app: GithubSimulator) -> None:
    bridge.start()
    okta = connect_okta(bridge)
    ids = [okta.assign(f"person{number}@acme.example", f"Person {number}", "Example") for number in range(20)]
    bridge.kill()
    found = bridge.json("requests", "--method", "POST", "--limit", "1000")
    assert [each["subject"] for each in found] == [f"user:{each}" for each in ids]
    users = bridge.run("requests", "show", str(found[-1]["id"])).stdout
    assert "person19@acme.example" in users


def test_reads_are_there_a_second_later_and_when_the_bridge_is_stopped(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    bridge.start()
    okta = connect_okta(bridge)
    okta.assign("ada@acme.example", "Ada", "Lovelace")
    eventually(lambda: bridge.json("requests", "--method", "GET"))
    okta.assign("bob@acme.example", "Bob", "Example")
    bridge.stop()
    paths = [each["path"] for each in bridge.json("requests", "--method", "GET")]
    assert [path.partition('"')[2].partition('"')[0] for path in paths if "filter" in path] == [
        "ada@acme.example",
        "bob@acme.example",
    ]


def test_why_names_the_request_that_brought_a_seat(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada = okta.assign("ada@acme.example", "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {"ada@acme.example": "invited member"})
    at_rest(bridge)
    (hub,) = bridge.json("why", "ada@acme.example")["hubs"]
    (through,) = hub["grants"][0]["through"]
    assert through["group"] == "Engineering"
    (shown,) = bridge.json("requests", "show", through["request"]["request_id"])
    assert ada in str(shown["body"])
    told = " ".join(bridge.run("why", "ada@acme.example").stdout.split())  # as wide as the terminal
    assert f"(request {through['request']['id']})" in told
