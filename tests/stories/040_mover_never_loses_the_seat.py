"""People move between groups, in either order of the requests: nobody is ever without the seat in between."""

from __future__ import annotations

from story_kit import (
    GRANTS,
    accept,
    at_rest,
    becomes,
    check_hub,
    connect_okta,
    invitations,
    seats,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess

ADA, BEN = "ada@acme.example", "ben@acme.example"
SETTLES = "{start: apply, settle: 2s}"
CONTRACTORS = "  - {name: contractors, group: Contract Engineers, role: member}\n"


def test_a_mover_never_loses_the_seat(bridge: BridgeProcess, app: GithubSimulator) -> None:
    """Ada is removed before she is added, Ben added before he is removed."""
    write_mapping(bridge, app, grants=GRANTS + CONTRACTORS, safety=SETTLES)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    core, platform = okta.push_group("gh-team-core", [ada, ben]), okta.push_group("gh-team-platform")
    staff, contractors = okta.push_group("Engineering", [ada, ben]), okta.push_group("Contract Engineers")
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member core:member"})

    _move(okta, ada, ben, staff, contractors)
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member core:member", BEN: "invited member core:member"}
    assert (invitations(app, ADA), invitations(app, BEN)) == ([201], [201])

    accept(app, ADA)
    accept(app, BEN)
    check_hub(bridge)
    at_rest(bridge)
    before = len(writes(app))
    _move(okta, ada, ben, contractors, staff)
    at_rest(bridge)
    assert writes(app)[before:] == []

    _move(okta, ada, ben, core, platform)
    becomes(lambda: seats(app), {ADA: "active member platform:member", BEN: "active member platform:member"})
    calls = writes(app)[before:]
    for login in ("ada", "ben"):
        assert [call for call in calls if f"/{login} " in call] == [
            f"PUT /orgs/acme/teams/platform/memberships/{login} 200",
            f"DELETE /orgs/acme/teams/core/memberships/{login} 204",
        ]


def test_what_comes_and_goes_within_the_settle_time_makes_no_call(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app, safety=SETTLES)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    engineering = okta.push_group("Engineering")
    okta.change_members(engineering, add=[ada])
    okta.change_members(engineering, remove=[ada])
    at_rest(bridge)
    assert writes(app) == []


def _move(okta: OktaClient, ada: str, ben: str, old: str, new: str) -> None:
    okta.change_members(old, remove=[ada])
    okta.change_members(new, add=[ada])
    okta.change_members(new, add=[ben])
    okta.change_members(old, remove=[ben])
