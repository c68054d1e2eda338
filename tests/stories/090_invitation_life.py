"""An invitation lapses, is cancelled by hand, or is overtaken by other wishes before anybody accepts it."""

from __future__ import annotations

from story_kit import (
    HUB,
    accept,
    at_rest,
    becomes,
    by_hand,
    check_hub,
    connect_okta,
    eventually,
    hub_status,
    invitations,
    seats,
    tasks,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA, BEN = "ada@acme.example", "ben@acme.example"


def test_an_expired_invitation_is_sent_again_twice_and_then_a_person_must_act(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    okta.push_group("Engineering", [okta.assign(ADA, "Ada", "Lovelace")])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    for sent in (2, 3):
        by_hand(app, "expire", email=ADA)
        check_hub(bridge)
        becomes(lambda: seats(app), {ADA: "invited member"})
        at_rest(bridge)
        assert invitations(app, ADA) == [201] * sent

    by_hand(app, "expire", email=ADA)
    check_hub(bridge)
    (failed,) = eventually(lambda: tasks(bridge, "--state", "failed"))
    assert (failed["hub_id"], failed["action"], failed["cause"]) == (
        HUB,
        "invite",
        "the invitation expired 3 times and needs attention",
    )
    assert "tasks retry" in failed["advice"]
    assert seats(app) == {}
    assert hub_status(bridge)["failed"] == 1
    plan = bridge.run("plan", HUB)
    assert (plan.returncode, "needs attention" in plan.stdout) == (0, True)

    assert bridge.run("tasks", "retry", str(failed["id"])).returncode == 0
    becomes(lambda: seats(app), {ADA: "invited member"})


def test_an_invitation_cancelled_in_the_app_is_shown_and_sent_again_when_a_person_says_so(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    okta.push_group("Engineering", [okta.assign(ADA, "Ada", "Lovelace")])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)

    by_hand(app, "cancel", email=ADA)
    check_hub(bridge)
    (failed,) = eventually(lambda: tasks(bridge, "--state", "failed"))
    assert failed["cause"] == "the invitation was cancelled in the app"
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    (drift,) = why["drift"]
    assert drift.startswith("seat: the app shows nothing, ours is member")
    assert invitations(app, ADA) == [201]

    assert bridge.run("tasks", "retry", str(failed["id"])).returncode == 0
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    assert tasks(bridge, "--state", "failed") == []


def test_less_while_pending_invites_anew_and_more_waits_for_the_acceptance(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    core, platform = okta.push_group("gh-team-core", [ada]), okta.push_group("gh-team-platform")
    owners = okta.push_group("GitHub Owners", [ben])
    okta.push_group("Engineering", [ada, ben])
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited admin"})
    at_rest(bridge)

    okta.change_members(platform, add=[ada])
    at_rest(bridge)
    assert seats(app)[ADA] == "invited member core:member"
    (why,) = bridge.json("why", ADA, HUB)["hubs"]
    assert "team/platform follows when the invitation is accepted" in why["waits"]

    okta.change_members(owners, remove=[ben])
    becomes(lambda: seats(app).get(BEN), "invited member")
    okta.change_members(core, remove=[ada])
    becomes(lambda: seats(app).get(ADA), "invited member platform:member")
    at_rest(bridge)
    assert (invitations(app, ADA), invitations(app, BEN)) == ([201, 201], [201, 201])

    okta.change_members(core, add=[ada])
    accept(app, ADA)
    check_hub(bridge)
    becomes(lambda: seats(app).get(ADA), "active member core:member platform:member")
    assert hub_status(bridge)["held"] == 0


def test_an_invitation_is_cancelled_when_the_seat_is_lost(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    engineering = okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    okta.change_members(engineering, remove=[ada])
    becomes(lambda: seats(app), {})
    okta.change_members(engineering, add=[ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    assert len(writes(app)) == 3


def test_an_acceptance_is_noticed_by_the_clock(bridge: BridgeProcess, app: GithubSimulator) -> None:
    bridge.environment["SCIM_BRIDGE_INVITATION_CHECK"] = "10s"
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    okta.push_group("gh-team-core", [ada])
    at_rest(bridge)
    accept(app, ADA)
    becomes(lambda: seats(app), {ADA: "active member core:member"}, within_s=20)


def test_a_kill_between_cancel_and_new_invitation_is_carried_on(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ben = okta.assign(BEN, "Ben", "Franklin")
    owners = okta.push_group("GitHub Owners", [ben])
    okta.push_group("Engineering", [ben])
    becomes(lambda: seats(app), {BEN: "invited admin"})
    at_rest(bridge)

    # From now on no invitation is taken: what was cancelled to be sent anew is in no list when the bridge dies.
    app.override = lambda request: app.broken() if request.method == "POST" and "/invitations" in request.path else None
    okta.change_members(owners, remove=[ben])
    becomes(lambda: seats(app), {})
    eventually(lambda: 503 in invitations(app, BEN))
    bridge.kill()
    app.override = None

    bridge.start()
    becomes(lambda: seats(app), {BEN: "invited member"})
    at_rest(bridge)
    assert tasks(bridge, "--state", "failed") == []
