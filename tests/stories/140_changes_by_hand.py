"""Somebody changes things inside the app: what is ours is drift, shown and left or brought back; the rest stays."""

from __future__ import annotations

from story_kit import (
    HUB,
    accept,
    at_rest,
    becomes,
    by_hand,
    check_hub,
    connect_okta,
    invitations,
    seats,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA, BEN = "ada@acme.example", "ben@acme.example"


def test_drift_is_shown_and_left_until_the_mapping_says_fix_or_the_rules_want_something_else(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    okta.push_group("gh-team-core", [ada])
    engineering = okta.push_group("Engineering", [ada, ben])
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member"})
    accept(app, ADA)
    accept(app, BEN)
    check_hub(bridge)
    at_rest(bridge)
    before = len(writes(app))

    by_hand(app, "role", login="ada", role="admin")
    by_hand(app, "asset", login="ada", asset="team/core", role=None)
    by_hand(app, "asset", login="ada", asset="team/platform", role="maintainer")
    by_hand(app, "remove", login="ben")
    check_hub(bridge)
    at_rest(bridge)
    assert writes(app)[before:] == []
    assert bridge.json("plan", HUB)["changes"] == []
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    assert [drift.partition(", since ")[0] for drift in why["drift"]] == [
        "seat: the app shows admin, ours is member",
        "team/core: the app shows nothing, ours is member",
        "team/platform: the app shows maintainer, ours is nothing",
    ]
    kept = bridge.json("drift", "list", HUB)
    assert [(each["user_name"], each["thing"], each["ours"], each["shown"]) for each in kept] == [
        (ADA, "seat", ["member"], ["admin"]),
        (ADA, "team/core", ["member"], []),
        (ADA, "team/platform", [], ["maintainer"]),
        (BEN, "seat", ["member"], []),
    ]
    assert bridge.json("status")["hubs"][HUB]["drift"] == 4

    # Where the mapping says so, it is brought back; what the bridge did not give is taken.
    write_mapping(bridge, app, safety="{start: apply, settle: 0, drift: fix}")
    becomes(lambda: bridge.json("drift", "list", HUB), [])
    becomes(lambda: seats(app), {ADA: "active member core:member", BEN: "invited member"})
    accept(app, BEN)
    check_hub(bridge)
    write_mapping(bridge, app)
    by_hand(app, "remove", login="ben")
    check_hub(bridge)
    at_rest(bridge)

    # Who loses the seat that somebody took by hand has nothing to lose, and is new when wanted again.
    okta.change_members(engineering, remove=[ben])
    at_rest(bridge)
    okta.change_members(engineering, add=[ben])
    becomes(lambda: seats(app).get(BEN), "invited member")
    assert invitations(app, BEN) == [201, 201, 201]
    okta.deactivate(ada)
    becomes(lambda: seats(app), {BEN: "invited member"})
