"""Too many people lose their seats at once: the brake holds the rest until a person releases it."""

from __future__ import annotations

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
    tasks,
    write_mapping,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess

STAFF = [f"{name}@acme.example" for name in ("ada", "ben", "cleo", "dora", "emil", "finn")]
BOSS, OLGA, NEW = "boss@acme.example", "olga@acme.example", "new@acme.example"
BRAKED = "{start: apply, settle: 0, max_removals: {count: 2}, keep_at_least: {admin: 2}, protect: [boss]}"


def test_a_held_mass_removal_goes_on_when_it_is_released(bridge: BridgeProcess, app: GithubSimulator) -> None:
    okta, ids, engineering, owners = _a_staffed_hub(bridge, app)

    okta.change_members(engineering, remove=[ids[email] for email in (*STAFF[:5], BOSS)])
    okta.change_members(owners, remove=[ids[OLGA]])
    eventually(lambda: hub_status(bridge)["held"] == 5)
    okta.change_members(engineering, add=[okta.assign(NEW, "New", "Comer")])
    becomes(lambda: seats(app).get(NEW), "invited member")
    at_rest(bridge)

    left = {email for email in STAFF if email in seats(app)}
    assert len(left) == 4
    assert seats(app)[OLGA] == "active admin"
    held = tasks(bridge, "--state", "held")
    assert {(task["hub_id"], task["action"], task["thing"]) for task in held} == {(HUB, "remove", "seat")}
    causes = sorted(task["cause"] for task in held)
    assert causes[0].startswith("`safety.keep_at_least` wants 2 admin")
    assert causes[1:4] == ["more than 2 seats would end within an hour (`safety.max_removals: {count: 2}`)"] * 3
    assert causes[4].startswith("the account is under `safety.protect`")
    shown = bridge.run("status")
    assert shown.returncode == 3
    plan = bridge.run("plan", HUB, "--json")
    assert plan.returncode == 3
    assert plan.stdout.count('"held": "') + plan.stdout.count('"held":"') == 5

    released = bridge.run("apply", HUB, "--release")
    assert released.returncode == 3, "two are held by protect and keep_at_least, which no release lifts"
    becomes(
        lambda: seats(app),
        {STAFF[5]: "active member", BOSS: "active member", OLGA: "active admin", NEW: "invited member"},
    )
    at_rest(bridge)
    assert hub_status(bridge)["held"] == 2


def test_time_and_readings_do_not_release_what_was_held(bridge: BridgeProcess, app: GithubSimulator) -> None:
    okta, ids, engineering, _ = _a_staffed_hub(bridge, app)
    okta.change_members(engineering, remove=[ids[email] for email in STAFF[:5]])
    eventually(lambda: hub_status(bridge)["held"] == 3)
    at_rest(bridge)
    still = set(seats(app))

    assert bridge.run("hub", "check", HUB).returncode == 0
    at_rest(bridge)
    assert (set(seats(app)), hub_status(bridge)["held"]) == (still, 3)

    # Whoever is wanted again is held no longer.
    okta.change_members(engineering, add=[ids[email] for email in STAFF[:5] if email in still])
    eventually(lambda: hub_status(bridge)["held"] == 0)
    at_rest(bridge)
    assert set(seats(app)) == still


def _a_staffed_hub(bridge: BridgeProcess, app: GithubSimulator) -> tuple[OktaClient, dict[str, str], str, str]:
    """Seven members and an owner, made by hand and adopted; beside owner1, who is nobody's."""
    for email in (*STAFF, BOSS, OLGA):
        by_hand(app, "add", login=email.partition("@")[0], email=email, role="admin" if email == OLGA else "member")
    write_mapping(bridge, app, safety=BRAKED)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ids = {email: okta.assign(email, email.partition("@")[0].title(), "Example") for email in (*STAFF, BOSS, OLGA)}
    engineering = okta.push_group("Engineering", [ids[email] for email in (*STAFF, BOSS)])
    owners = okta.push_group("GitHub Owners", [ids[OLGA]])
    at_rest(bridge)
    assert bridge.json("plan", HUB)["changes"] == []
    return okta, ids, engineering, owners
