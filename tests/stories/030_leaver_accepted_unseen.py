"""A leaver whose invitation was accepted before anybody looked: a 404 on the cancel is no proof of anything."""

from __future__ import annotations

from story_kit import (
    HUB,
    accept,
    at_rest,
    becomes,
    check_hub,
    connect_okta,
    eventually,
    hub_status,
    seats,
    tasks,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA = "ada@acme.example"


def test_with_saml_the_account_is_found_and_removed(bridge: BridgeProcess, app: GithubSimulator) -> None:
    _leave_after_an_unseen_acceptance(bridge, app)
    becomes(lambda: seats(app), {})
    at_rest(bridge)
    assert writes(app) == [
        "POST /orgs/acme/invitations 201",
        _the_cancel(app),
        "DELETE /orgs/acme/memberships/ada 204",
    ]
    assert _the_cancel(app).endswith(" 404")
    assert {task["state"] for task in tasks(bridge, "--person", ADA)} <= {"done", "cancelled"}


def test_without_saml_the_removal_is_held_until_the_account_is_linked(
    bridge: BridgeProcess, app_without_saml: GithubSimulator
) -> None:
    app = app_without_saml
    _leave_after_an_unseen_acceptance(bridge, app)
    (held,) = eventually(lambda: tasks(bridge, "--state", "held"))
    assert (held["hub_id"], held["action"], held["thing"]) == (HUB, "remove", "seat")
    assert held["cause"] == "the invitation was accepted by an account that we cannot name"
    assert "scim-bridge account link" in held["advice"]
    assert seats(app) == {ADA: "active member"}
    assert hub_status(bridge)["held"] == 1
    assert bridge.run("status").returncode == 3
    assert bridge.run("plan", HUB).returncode == 3
    unlinked = bridge.json("account", "list", HUB, "--unlinked")
    assert {account["login"] for account in unlinked} == {"ada", "owner1"}

    assert bridge.run("account", "link", HUB, "ada", ADA).returncode == 0
    becomes(lambda: seats(app), {}, within_s=5)
    at_rest(bridge)
    assert hub_status(bridge)["held"] == 0
    assert bridge.run("status").returncode == 0


def _leave_after_an_unseen_acceptance(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    accept(app, ADA)
    okta.deactivate(ada)


def _the_cancel(app: GithubSimulator) -> str:
    (call,) = [call for call in writes(app) if call.startswith("DELETE /orgs/acme/invitations/")]
    return call


def test_without_saml_somebody_who_is_still_wanted_is_not_invited_again(
    bridge: BridgeProcess, app_without_saml: GithubSimulator
) -> None:
    app = app_without_saml
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    accept(app, ADA)
    okta.push_group("gh-team-core", [ada])
    check_hub(bridge)
    at_rest(bridge)
    assert seats(app) == {ADA: "active member"}
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    assert any("accepted by an account that we cannot name" in wait["text"] for wait in why["waits"])

    assert bridge.run("account", "link", HUB, "ada", ADA).returncode == 0
    becomes(lambda: seats(app), {ADA: "active member core:member"}, within_s=5)
    at_rest(bridge)
    assert len([call for call in writes(app) if call.startswith("POST")]) == 1
    okta.deactivate(ada)
    becomes(lambda: seats(app), {})
