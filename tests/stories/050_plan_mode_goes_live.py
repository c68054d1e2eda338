"""A hub starts in plan mode: changes gather and nothing is written until a person says so."""

from __future__ import annotations

import getpass

from story_kit import (
    HUB,
    at_rest,
    becomes,
    by_hand,
    connect_okta,
    eventually,
    hub_status,
    observed,
    seats,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA, GRACE, HAL = "ada@acme.example", "grace@acme.example", "hal@elsewhere.example"


def test_changes_gather_until_somebody_applies_the_plan(bridge: BridgeProcess, app: GithubSimulator) -> None:
    by_hand(app, "add", login="grace", email=GRACE)
    by_hand(app, "asset", login="grace", asset="team/platform", role="member")
    by_hand(app, "add", login="hal", email=HAL)
    write_mapping(bridge, app, safety="{settle: 0}")
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada, grace = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(GRACE, "Grace", "Hopper")
    okta.push_group("gh-team-core", [ada, grace])
    okta.push_group("Engineering", [ada, grace])

    eventually(lambda: hub_status(bridge)["backlog"] == 2)
    assert hub_status(bridge)["state"] == "plan"
    plan = bridge.json("plan", HUB)
    assert (plan["hub"], plan["mode"]) == (HUB, "plan")
    assert {(c["person"]["user_name"], c["action"], c.get("asset"), c["from"], c["to"]) for c in plan["changes"]} == {
        (ADA, "invite", None, None, "member"),
        (GRACE, "adopt", None, None, "member"),
        (GRACE, "add_asset", "team/core", None, "member"),
    }
    assert {why["rule"] for c in plan["changes"] for why in c["because"]} == {"engineers", "teams"}
    assert all(c["held"] is None for c in plan["changes"])
    assert writes(app) == []

    applied = bridge.json("apply", HUB)
    assert applied["applied"]["made_live"] is True
    becomes(
        lambda: seats(app),
        {ADA: "invited member core:member", GRACE: "active member core:member platform:member", HAL: "active member"},
    )
    at_rest(bridge)
    assert bridge.json("plan", HUB)["changes"] == []
    assert hub_status(bridge)["state"] == "live"
    (entry,) = bridge.json("audit", "list", "--action", "hub.applied")
    assert (entry["actor"], entry["hub_id"]) == (f"cli:{getpass.getuser()}", HUB)
    assert entry["detail"]["made_live"] is True
    (unlinked,) = [each for each in bridge.json("account", "list", HUB, "--unlinked") if each["login"] == "hal"]
    assert unlinked["person_id"] is None


def test_an_adopted_account_is_ours_and_one_made_by_hand_never_is(bridge: BridgeProcess, app: GithubSimulator) -> None:
    by_hand(app, "add", login="grace", email=GRACE)
    by_hand(app, "add", login="hal", email=HAL)
    write_mapping(bridge, app, safety="{settle: 0}")
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    grace, hal = okta.assign(GRACE, "Grace", "Hopper"), okta.assign(HAL, "Hal", "Nine")
    okta.push_group("Engineering", [grace])
    assert bridge.run("apply", HUB).returncode == 0
    at_rest(bridge)

    okta.deactivate(grace)
    okta.deactivate(hal)
    becomes(lambda: seats(app), {HAL: "active member"})
    at_rest(bridge)
    assert writes(app) == ["DELETE /orgs/acme/memberships/grace 204"]


def test_a_paused_hub_takes_pushes_and_writes_nothing_until_it_is_resumed(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    assert bridge.run("pause", HUB).returncode == 0
    okta.push_group("Engineering", [okta.assign(ADA, "Ada", "Lovelace")])
    eventually(lambda: hub_status(bridge)["backlog"] == 1)
    assert hub_status(bridge)["state"] == "paused"
    assert [change["action"] for change in bridge.json("plan", HUB)["changes"]] == ["invite"]
    assert writes(app) == []

    assert bridge.run("resume", "--all").returncode == 0
    becomes(lambda: seats(app), {ADA: "invited member"})
