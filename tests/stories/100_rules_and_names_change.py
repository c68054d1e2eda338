"""Mapping files change while the bridge runs; groups, logins and teams get other names."""

from __future__ import annotations

from story_kit import (
    GRANTS,
    HUB,
    accept,
    at_rest,
    becomes,
    by_hand,
    check_hub,
    connect_okta,
    eventually,
    hub_status,
    seats,
    status,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

ADA, BEN, MAL = "ada@acme.example", "ben@acme.example", "mal@acme.example"
SUPPORT = "  - {name: support, group: Support, role: member}\n"


def test_a_changed_file_is_picked_up_and_an_invalid_one_replaces_nothing(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    engineering = okta.push_group("Engineering", [ada])
    okta.push_group("Support", [ben])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)

    revision = status(bridge)["components"]["mappings"]["revision"]
    write_mapping(bridge, app, grants=GRANTS + SUPPORT)
    becomes(lambda: status(bridge)["components"]["mappings"]["revision"], revision + 1, within_s=2)
    becomes(lambda: seats(app), {ADA: "invited member", BEN: "invited member"})

    write_mapping(bridge, app, grants="  - {name: nobody, grup: Engineering, role: member}\n")
    becomes(lambda: status(bridge)["components"]["mappings"]["state"], "degraded")
    shown = bridge.run("status")
    assert shown.returncode == 1
    assert "mappings/github-acme.yaml:7:" in " ".join(shown.stdout.split())
    assert bridge.run("mapping", "lint").returncode == 1
    okta.change_members(engineering, remove=[ada])
    becomes(lambda: seats(app), {BEN: "invited member"})

    write_mapping(bridge, app)
    becomes(lambda: seats(app), {})
    becomes(lambda: status(bridge)["state"], "ok")


def test_a_hub_whose_file_is_gone_is_detached_until_it_returns(bridge: BridgeProcess, app: GithubSimulator) -> None:
    file = write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    kept = file.rename(file.with_suffix(".away"))
    becomes(lambda: hub_status(bridge)["state"], "detached")
    assert status(bridge)["state"] == "degraded"

    okta.deactivate(ada)
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member"}

    kept.rename(file)
    becomes(lambda: seats(app), {})
    becomes(lambda: hub_status(bridge)["state"], "live")


def test_a_renamed_group_keeps_its_access_and_another_one_that_takes_the_name_is_refused(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, mal = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(MAL, "Mal", "Lory")
    engineering = okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    okta.rename_group(engineering, "Engineers of old")
    at_rest(bridge)
    assert len(writes(app)) == 1

    okta.push_group("Engineering", [mal])
    (refused,) = eventually(lambda: [each for each in bridge.json("binding", "list", HUB) if each["candidate_id"]])
    assert (refused["name"], refused["target_name"], refused["candidate_name"]) == (
        "Engineering",
        "Engineers of old",
        "Engineering",
    )
    at_rest(bridge)
    assert seats(app) == {ADA: "invited member"}
    (why,) = bridge.json("why", MAL, HUB)["hubs"]
    assert "engineers" in {near["rule"] for near in why["near"]}

    assert bridge.run("binding", "confirm", str(refused["id"])).returncode == 0
    becomes(lambda: seats(app), {MAL: "invited member"})


def test_a_renamed_login_and_a_renamed_team_are_still_the_same(bridge: BridgeProcess, app: GithubSimulator) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    core = okta.push_group("gh-team-core", [ada])
    okta.push_group("Engineering", [ada, ben])
    becomes(lambda: seats(app), {ADA: "invited member core:member", BEN: "invited member"})
    accept(app, ADA)
    accept(app, BEN)
    check_hub(bridge)
    at_rest(bridge)

    by_hand(app, "rename", login="ada", to="countess")
    by_hand(app, "add", login="ada", email="stranger@elsewhere.example")
    with app.lock:
        team = app.org.teams.pop("core")
        team.slug = "kernel"
        app.org.teams["kernel"] = team
    check_hub(bridge)
    okta.change_members(core, add=[ben])
    becomes(lambda: seats(app).get(BEN), "active member kernel:member")
    becomes(lambda: seats(app).get(ADA), "active member kernel:member")

    # A pattern follows the name of the group.
    okta.rename_group(core, "gh-team-platform")
    becomes(lambda: seats(app).get(ADA), "active member platform:member")
    becomes(lambda: seats(app).get(BEN), "active member platform:member")
    okta.deactivate(ada)
    becomes(lambda: seats(app), {BEN: "active member platform:member", "stranger@elsewhere.example": "active member"})
    at_rest(bridge)
    assert hub_status(bridge)["last_error"] is None


def test_a_login_renamed_after_the_last_reading_is_found_by_its_number(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    accept(app, ADA)
    check_hub(bridge)
    at_rest(bridge)

    by_hand(app, "rename", login="ada", to="countess")
    by_hand(app, "add", login="ada", email="stranger@elsewhere.example")
    okta.deactivate(ada)
    becomes(lambda: seats(app), {"stranger@elsewhere.example": "active member"})


def test_a_deleted_group_takes_its_seats_along_and_a_new_one_of_its_name_must_be_confirmed(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada, ben = okta.assign(ADA, "Ada", "Lovelace"), okta.assign(BEN, "Ben", "Franklin")
    engineering = okta.push_group("Engineering", [ada, ben])
    becomes(lambda: seats(app), {ADA: "invited member", BEN: "invited member"})
    accept(app, BEN)
    check_hub(bridge)
    okta.delete_group(engineering)
    becomes(lambda: seats(app), {})

    okta.push_group("Engineering", [ada])
    (refused,) = eventually(lambda: [each for each in bridge.json("binding", "list", HUB) if each["candidate_id"]])
    assert (refused["target_name"], refused["candidate_name"]) == (None, "Engineering")
    at_rest(bridge)
    assert seats(app) == {}
    assert bridge.run("binding", "confirm", str(refused["id"])).returncode == 0
    becomes(lambda: seats(app), {ADA: "invited member"})


def test_a_forgotten_hub_begins_anew_and_finds_what_it_gave(bridge: BridgeProcess, app: GithubSimulator) -> None:
    file = write_mapping(bridge, app)
    bridge.start()
    okta = connect_okta(bridge)
    ada = okta.assign(ADA, "Ada", "Lovelace")
    okta.push_group("Engineering", [ada])
    becomes(lambda: seats(app), {ADA: "invited member"})
    at_rest(bridge)
    assert bridge.run("hub", "forget", HUB).returncode == 1, "its file is still there"
    kept = file.rename(file.with_suffix(".away"))
    becomes(lambda: hub_status(bridge)["state"], "detached")
    assert bridge.run("hub", "forget", HUB).returncode == 0
    assert hub_status(bridge) is None

    kept.rename(file)
    eventually(lambda: (hub_status(bridge) or {}).get("last_success_at"))
    at_rest(bridge)
    assert len(writes(app)) == 1
    assert bridge.json("plan", HUB)["changes"] == []
    okta.deactivate(ada)
    becomes(lambda: seats(app), {})
