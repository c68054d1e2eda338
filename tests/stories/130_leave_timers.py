"""Whoever loses access keeps it for a while and may come back; whoever leaves the company does not."""

from __future__ import annotations

from story_kit import HUB, at_rest, becomes, by_hand, connect_okta, observed, seats, write_mapping, writes

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA, BEN = "ada@acme.example", "ben@acme.example"
LEAVE = """\
leave:
  lost_access: [{after: 3s, do: remove_assets}, {after: 6s, do: remove}]
  disabled: [{after: 0, do: remove}]
"""


def test_assets_go_first_then_the_seat_and_a_leaver_goes_at_once(bridge: BridgeProcess, app: GithubSimulator) -> None:
    for email in (ADA, BEN):
        by_hand(app, "add", login=email.partition("@")[0], email=email)
        by_hand(app, "asset", login=email.partition("@")[0], asset="team/core", role="member")
    write_mapping(bridge, app, more=LEAVE)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    okta.push_group("gh-team-core", [ada, ben])
    engineering = okta.push_group("Engineering", [ada, ben])
    at_rest(bridge)

    # Back within the time: nothing happened.
    okta.change_members(engineering, remove=[ada, ben])
    at_rest(bridge)
    okta.change_members(engineering, add=[ada, ben])
    at_rest(bridge)
    assert writes(app) == []

    okta.change_members(engineering, remove=[ada])
    okta.deactivate(ben)
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    assert "leave" in {wait["kind"] for wait in why["waits"]}
    becomes(lambda: seats(app), {ADA: "active member"})
    becomes(lambda: seats(app), {})
    assert writes(app) == [
        "DELETE /orgs/acme/memberships/ben 204",
        "DELETE /orgs/acme/teams/core/memberships/ada 204",
        "DELETE /orgs/acme/memberships/ada 204",
    ]
