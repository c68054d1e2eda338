"""kill -9 in the middle of a hundred calls, and a restart at once: the same seats, nothing done twice."""

from __future__ import annotations

from story_kit import (
    at_rest,
    becomes,
    by_hand,
    connect_okta,
    eventually,
    invitations,
    observed,
    seats,
    tasks,
    write_mapping,
    writes,
)

from adapters.github.simulator import GithubSimulator
from scim_bridge.local.process import BridgeProcess

PEOPLE = [f"person{number}@acme.example" for number in range(60)]
IN_FLIGHT = 4  # the mapping's concurrency


def test_after_a_kill_every_seat_is_there_and_no_invitation_was_doubled(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app)
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ids = [okta.assign(email, f"Person {number}", "Example") for number, email in enumerate(PEOPLE)]
    app.set_faults(latency_ms=50)
    okta.push_group("Engineering", ids)

    for share in (1 / 3, 2 / 3):
        eventually(lambda share=share: len(writes(app)) >= len(PEOPLE) * share)  # type: ignore[misc]
        bridge.kill()
        assert len(seats(app)) < len(PEOPLE)
        bridge.start()

    becomes(lambda: seats(app), dict.fromkeys(PEOPLE, "invited member"), within_s=30)
    at_rest(bridge)
    answers = [invitations(app, email) for email in PEOPLE]
    assert [each.count(201) for each in answers] == [1] * len(PEOPLE)
    assert sum(len(each) - 1 for each in answers) <= 2 * IN_FLIGHT


def test_a_push_that_was_answered_is_carried_out_though_the_bridge_died(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    write_mapping(bridge, app, safety="{start: apply, settle: 3s}")
    bridge.start()
    okta = connect_okta(bridge)
    okta.push_group("Engineering", [okta.assign("ada@acme.example", "Ada", "Lovelace")])
    bridge.kill()
    assert writes(app) == []

    bridge.start()
    becomes(lambda: seats(app), {"ada@acme.example": "invited member"})


def test_after_a_kill_among_removals_everybody_is_out_and_every_task_is_done(
    bridge: BridgeProcess, app: GithubSimulator
) -> None:
    leavers = PEOPLE[:40]
    for email in leavers:
        by_hand(app, "add", login=email.partition("@")[0], email=email)
    write_mapping(bridge, app, safety="{start: apply, settle: 0, max_removals: {count: 40}}")
    bridge.start()
    observed(bridge)
    okta = connect_okta(bridge)
    ids = [okta.assign(email, f"Person {number}", "Example") for number, email in enumerate(leavers)]
    engineering = okta.push_group("Engineering", ids)
    at_rest(bridge)
    app.set_faults(latency_ms=50)
    okta.change_members(engineering, remove=ids)

    eventually(lambda: len(writes(app)) >= len(leavers) / 2)
    bridge.kill()
    assert seats(app)
    bridge.start()
    becomes(lambda: seats(app), {})
    at_rest(bridge)
    found = tasks(bridge, "--limit", "1000")
    assert {(task["action"], task["state"]) for task in found} == {("remove", "done")}
    assert len(found) == len(leavers)
