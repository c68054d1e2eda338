"""People move between groups, in either order of the requests: nobody is ever without the seat in between."""

from __future__ import annotations

import pytest
from story_kit import GRANTS, accept, at_rest, becomes, check_hub, connect_okta, invitations, seats, write_mapping, writes

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA = "ada@acme.example"
SETTLES = "{start: apply, settle: 2s}"
CONTRACTORS = "  - {name: contractors, group: Contract Engineers, role: member}\n"
ORDERS = pytest.mark.parametrize(
    "removes_first", [pytest.param(True, id="remove-then-add"), pytest.param(False, id="add-then-remove")]
)


@ORDERS
def test_a_mover_between_groups_causes_no_call_and_one_between_teams_is_never_in_neither(
    bridge: BridgeProcess, app: GithubSimulator, removes_first: bool
) -> None:
    write_mapping(bridge, app, grants=GRANTS + CONTRACTORS, safety=SETTLES)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    core, platform = okta.push_group("gh-team-core", [ada]), okta.push_group("gh-team-platform")
    staff, contractors = okta.push_group("Engineering", [ada]), okta.push_group("Contract Engineers")
    becomes(lambda: seats(app), {ADA: "invited member core:member"})
    accept(app, ADA)
    check_hub(bridge)
    at_rest(bridge)
    before = len(writes(app))

    def move(old: str, new: str) -> None:
        steps = [lambda: okta.change_members(old, remove=[ada]), lambda: okta.change_members(new, add=[ada])]
        for step in steps if removes_first else reversed(steps):
            step()

    move(staff, contractors)
    at_rest(bridge)
    assert writes(app)[before:] == []

    move(core, platform)
    becomes(lambda: seats(app), {ADA: "active member platform:member"})
    assert writes(app)[before:] == [
        "PUT /orgs/acme/teams/platform/memberships/ada 200",
        "DELETE /orgs/acme/teams/core/memberships/ada 204",
    ]


@ORDERS
def test_a_mover_whose_invitation_is_pending_is_not_invited_again(
    bridge: BridgeProcess, app: GithubSimulator, removes_first: bool
) -> None:
    write_mapping(bridge, app, grants=GRANTS + CONTRACTORS, safety=SETTLES)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    staff, contractors = okta.push_group("Engineering", [ada]), okta.push_group("Contract Engineers")
    becomes(lambda: seats(app), {ADA: "invited member"})
    if removes_first:
        okta.change_members(staff, remove=[ada])
        okta.change_members(contractors, add=[ada])
    else:
        okta.change_members(contractors, add=[ada])
        okta.change_members(staff, remove=[ada])
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member"}
    assert invitations(app, ADA) == [201]


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
