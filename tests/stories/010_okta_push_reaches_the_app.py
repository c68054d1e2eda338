"""Okta pushes people and groups; seats, teams and roles follow in the app; a leaver's seat is taken back."""

from __future__ import annotations

import requests
from story_kit import (
    GRANTS,
    HUB,
    StoryBridge,
    accept,
    at_rest,
    becomes,
    check_hub,
    connect_okta,
    seats,
    status,
    tasks,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess

ADA, BEN = "ada@acme.example", "ben@acme.example"
LEADS = "  - {name: core-leads, group: Core Leads, assets: {team/core: maintainer}}\n"


def test_a_push_becomes_a_seat_and_a_leaver_gives_it_back(bridge: StoryBridge, app: GithubSimulator) -> None:
    bridge.spawns_commands = True
    write_mapping(bridge, app, grants=GRANTS + LEADS)
    bridge.start()

    base_url, token = bridge.add_source("okta", "okta")
    _test_connection(base_url, token)
    okta = OktaClient(base_url, token)

    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    okta.push_group("gh-team-core", [ada])
    engineering = okta.push_group("Engineering", [ada, ben])
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member"})

    accept(app, ADA)
    accept(app, BEN)
    check_hub(bridge)
    okta.push_group("Core Leads", [ada])
    becomes(lambda: seats(app), {ADA: "active member core:maintainer", BEN: "active member"})
    at_rest(bridge)
    _everything_is_explained(bridge)

    okta.deactivate(ada)
    becomes(lambda: seats(app), {BEN: "active member"})
    okta.change_members(engineering, remove=[ben])
    becomes(lambda: seats(app), {})
    at_rest(bridge)
    assert writes(app) == [
        "POST /orgs/acme/invitations 201",
        "POST /orgs/acme/invitations 201",
        "PUT /orgs/acme/teams/core/memberships/ada 200",
        "DELETE /orgs/acme/memberships/ada 204",
        "DELETE /orgs/acme/memberships/ben 204",
    ]
    trail = bridge.json("audit", "list", "--person", ADA)
    assert [entry["action"] for entry in trail if entry["hub_id"] == HUB] == [
        "seat.invited",
        "asset.changed",
        "seat.removed",
    ]


def test_the_same_push_again_makes_no_call(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("gh-team-core", [ada])
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member core:member"})
    calls = writes(app)

    okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("gh-team-core", [ada])
    okta.push_group("Engineering", [ada])
    at_rest(bridge)
    assert writes(app) == calls


def _test_connection(base_url: str, token: str) -> None:
    """What Okta's button "Test API Credentials" asks, with the right token and with a wrong one."""
    page = {"startIndex": 1, "count": 1}
    right = requests.get(f"{base_url}/Users", params=page, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert (right.status_code, right.json()["totalResults"]) == (200, 0)
    wrong = requests.get(f"{base_url}/Users", params=page, headers={"Authorization": "Bearer x"}, timeout=10)
    assert (wrong.status_code, wrong.json()["status"]) == (401, "401")


def _everything_is_explained(bridge: BridgeProcess) -> None:
    """Ada is an engineer, in team core and its lead: every command says so in the same words."""
    plan = bridge.json("plan", HUB)
    assert (plan["mode"], plan["changes"]) == ("live", [])
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    assert why["desired"] == {"seat": ["member"], "team/core": ["maintainer"]}
    assert why["applied"] == why["desired"]
    assert (why["observed"]["account"], why["observed"]["things"]) == ("ada", why["desired"])
    assert {(grant["thing"], grant["rule"]) for grant in why["grants"] if grant["won"]} == {
        ("seat", "engineers"),
        ("team/core", "core-leads"),
    }
    assert {(task["action"], task["thing"], task["state"]) for task in tasks(bridge, "--person", ADA)} == {
        ("invite", "seat", "done"),
        ("change_asset", "team/core", "done"),
    }
    found = status(bridge)
    assert found["state"] == "ok"
    assert (found["hubs"][HUB]["state"], found["hubs"][HUB]["backlog"], found["hubs"][HUB]["held"]) == ("live", 0, 0)
    assert bridge.run("status").returncode == 0
