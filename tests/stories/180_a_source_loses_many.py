"""A sync that breaks looks like a mass resignation; and what nobody's account, or a high role, waits for."""

from __future__ import annotations

from story_kit import (
    HUB,
    at_rest,
    becomes,
    by_hand,
    check_hub,
    connect_okta,
    eventually,
    hub_status,
    observed,
    seats,
    write_mapping,
)
from story_kit import status as bridge_status

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

STAFF = [f"{name}@acme.example" for name in ("ada", "ben", "cleo", "dora", "emil", "finn")]
LOOSE = "{start: apply, settle: 0, max_removals: {count: 100}}"


def test_a_broken_sync_takes_nobody_s_seat_until_a_person_says_so(bridge: BridgeProcess, app: GithubSimulator) -> None:
    for email in STAFF:
        by_hand(app, "add", login=email.partition("@")[0], email=email, role="member")
    write_mapping(bridge, app, safety=LOOSE)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ids = {email: okta.assign(email, email.partition("@")[0].title(), "Example") for email in STAFF}
    okta.push_group("Engineering", list(ids.values()))
    at_rest(bridge)

    okta.deactivate(ids[STAFF[0]])
    becomes(lambda: sorted(seats(app)), sorted(STAFF[1:]))  # in the normal way, as far as anybody can tell
    for email in STAFF[1:4]:
        okta.deactivate(ids[email])
    eventually(lambda: hub_status(bridge)["held"] == 3)
    at_rest(bridge)
    assert len(seats(app)) == 5
    shown = bridge_status(bridge)
    assert shown["state"] == "degraded"
    assert shown["components"]["sources"]["which"] == "okta"
    assert bridge.run("status").returncode == 1

    okta.activate(ids[STAFF[3]])
    eventually(lambda: hub_status(bridge)["held"] == 2)
    done = bridge.run("approvals", "approve", "--source", "okta", "--reason", "the site closes")
    assert done.stdout == "the people of source okta may go: 2 held changes approved\n"
    becomes(lambda: sorted(seats(app)), sorted(STAFF[3:]))
    at_rest(bridge)
    eventually(lambda: bridge_status(bridge)["state"] == "ok")


def test_a_high_role_and_a_strange_account_wait_for_a_word(bridge: BridgeProcess, app: GithubSimulator) -> None:
    by_hand(app, "add", login="ada", email=STAFF[0], role="member")
    by_hand(app, "add", login="mallory", email="mallory@elsewhere.example", role="member")
    safety = "{start: apply, settle: 0, approve_roles: [admin], unmanaged: hold, protect: [owner1]}"
    write_mapping(bridge, app, safety=safety)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ada = okta.assign(STAFF[0], "Ada", "Example")
    okta.push_group("Engineering", [ada])
    at_rest(bridge)
    okta.push_group("GitHub Owners", [ada])
    eventually(lambda: hub_status(bridge)["held"] == 1)
    at_rest(bridge)
    check_hub(bridge)
    asked = {each["kind"]: each for each in bridge.json("approvals", "list")}
    assert (asked["role"]["after"], asked["unmanaged"]["whose"]) == ("admin", "account mallory")
    assert seats(app)[STAFF[0]] == "active member"

    said = bridge.run("approvals", "approve", "--all", "--hub", HUB, "--reason", "asked their boss")
    assert said.returncode == 0
    becomes(lambda: seats(app), {STAFF[0]: "active admin"})
    assert bridge.json("approvals", "list") == []
