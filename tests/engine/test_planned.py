"""Plans as values: words of a step, what a plan adds up to, and what an applied plan admits."""

from __future__ import annotations

from typing import Any

import pytest

from scim_bridge.engine.allowed import admits, brings, carried, of_rows, to_rows
from scim_bridge.engine.compare import compare
from scim_bridge.engine.diff import SUSPENDED, Change, Standing
from scim_bridge.engine.plan_file import FiledStep
from scim_bridge.engine.planned import PlannedChange, ProposedRemoval, add_up, by_person, reasons, summary, words

OWNER, MEMBER = frozenset({"owner"}), frozenset({"member"})
INVITE = Change("invite", "seat", after=MEMBER)
CORE = Change("add_asset", "team/7", after=MEMBER)


def step(action: str, before: str | None = None, after: str | None = None, **more: Any) -> PlannedChange:
    values = {"person_id": 1, "user_name": "ana", "asset": None, "because": (), "held": None, "failed": None}
    return PlannedChange(**{**values, "action": action, "before": before, "after": after, **more})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (step("invite", None, "member"), "+ invite as member"),
        (step("add", None, "member", brings=(("team/core", "member"),)), "+ add as member, with team/core member"),
        (step("cancel_invitation", "member"), "- cancel the invitation as member"),
        (step("remove", "member", takes=(("team/core", "member"),)), "- seat member, with team/core member"),
        (step("change_role", "guest", "member"), "~ seat guest -> member"),
        (step("add_asset", None, "edit, view", asset="board/roadmap"), "+ board/roadmap edit, view"),
        (step("change_asset", "view", "edit", asset="board/roadmap"), "~ board/roadmap view -> edit"),
        (step("remove_asset", "view", asset="board/roadmap"), "- board/roadmap view"),
        (step("suspend", "member", None), "- suspend the seat member"),
        (step("resume", None, "member"), "+ resume the seat member"),
        (step("adopt", None, "member"), "= seat member becomes ours"),
        (step("adopt", "guest", "member"), "= seat member becomes ours (was guest)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_step_in_words(change: PlannedChange, text: str) -> None:
    assert words(change) == text


def test_reasons_name_file_and_line() -> None:
    because = ({"rule": "staff", "file": "mappings/acme.yaml", "line": 7},)
    assert reasons(step("invite", None, "member", because=because)) == ["staff (mappings/acme.yaml:7)"]


def proposed(state: str | None, *, person_id: int | None = None) -> ProposedRemoval:
    name = None if person_id is None else "bo@acme.example"
    return ProposedRemoval("mallory", "7", person_id, name, "remove", "member", state and 12, state)


@pytest.mark.parametrize(
    ("state", "waits", "says"),
    [
        pytest.param(None, True, "asked about once the hub is live and was read again", id="not-asked-yet"),
        pytest.param(
            "pending", True, "`scim-bridge approvals approve 12 --reason WHY`, or reject", id="nobody-answered"
        ),
        pytest.param("approved", False, "approved (approval 12): the engine removes it", id="approved"),
        pytest.param("rejected", False, "rejected (approval 12): it stays", id="rejected"),
    ],
)
def test_a_proposed_removal_says_what_it_waits_for(state: str | None, waits: bool, says: str) -> None:
    one = proposed(state)
    assert (one.waits, one.held, one.to_json()["held"]) == (waits, says, says if waits else None)


def test_a_proposed_removal_names_its_leaver() -> None:
    assert proposed("pending").to_json()["person"] is None
    assert proposed("pending", person_id=3).to_json()["person"] == {"id": "p3", "user_name": "bo@acme.example"}


def test_proposals_that_nobody_answered_are_counted() -> None:
    totals = add_up([], ["owner"], [proposed(None), proposed("pending"), proposed("approved"), proposed("rejected")])
    assert (totals.proposed, summary(totals)) == (2, "seats +0 -0; owner +0 -0; 2 proposed")


def test_what_a_plan_adds_up_to() -> None:
    core, roadmap = (("team/core", "member"),), (("board/roadmap", "view"),)
    changes = [
        step("invite", None, "owner", brings=core),
        step("remove", "owner", person_id=2, takes=core + roadmap),
        step("change_role", "member", "guest", person_id=3),
        step("change_role", "owner", "member", person_id=4),
        step("add_asset", None, "member", asset="team/web", person_id=4),
        step("change_asset", "view", "edit", asset="board/roadmap", person_id=4),
        step("adopt", None, "owner", person_id=5),
        step("suspend", "owner", person_id=8),
        step("resume", None, "owner", person_id=9),
        step("remove", "owner", person_id=6, held="too many"),
        step("invite", None, "owner", person_id=7, failed="no address"),
    ]
    totals = add_up(changes, ["owner", "member"])
    assert summary(totals) == (
        "seats +1 -1; owner +1 -2; board +0 -1 ~1; team +2 -1; 1 suspended; 1 resumed; 1 adopted; 1 held; 1 failed"
    )
    assert totals.people == 9


def test_a_renewed_invitation_is_neither_a_seat_won_nor_lost() -> None:
    renew = (Change("renew", "seat", OWNER, MEMBER),)
    both = [
        step("cancel_invitation", "owner", steps=renew),
        step("invite", None, "member", steps=renew, is_second=True),
    ]
    assert summary(add_up(both, ["owner", "member"])) == "seats +0 -0; owner +0 -1"


def test_an_app_without_roles_has_no_highest() -> None:
    assert summary(add_up([step("invite", None, "member")], [])) == "seats +1 -0"
    assert add_up([], []).to_json()["highest_role"] is None


def test_a_suspended_seat_stays_and_so_does_a_resumed_one() -> None:
    changes = [step("suspend", "owner"), step("resume", None, "member", person_id=2)]
    assert summary(add_up(changes, ["owner", "member"])) == "seats +0 -0; owner +0 -0; 1 suspended; 1 resumed"


def test_steps_of_a_person_stay_together() -> None:
    changes = [step("change_role"), step("add_asset"), step("invite", person_id=2)]
    assert [[each.action for each in steps] for steps in by_person(changes)] == [
        ["change_role", "add_asset"],
        ["invite"],
    ]


# What an applied plan admits


def test_changes_are_kept_as_rows_and_read_back() -> None:
    changes = {INVITE, CORE, Change("change_role", "seat", MEMBER, OWNER, is_fix=True)}
    assert of_rows(to_rows(changes)) == changes


@pytest.mark.parametrize(
    ("change", "is_admitted"),
    [
        pytest.param(INVITE, True, id="the-very-change"),
        pytest.param(Change("invite", "seat", after=MEMBER, is_fix=True), True, id="the-same-to-bring-drift-back"),
        pytest.param(Change("adopt", "seat", after=MEMBER), True, id="somebody-was-quicker"),
        pytest.param(Change("forget", "team/8", MEMBER), True, id="forgetting-takes-nothing"),
        pytest.param(Change("adopt", "seat", after=OWNER), False, id="adopting-another-role"),
        pytest.param(Change("invite", "seat", after=OWNER), False, id="another-role"),
        pytest.param(Change("remove", "seat", MEMBER), False, id="another-change"),
    ],
)
def test_what_an_applied_plan_admits(change: Change, is_admitted: bool) -> None:
    assert admits({INVITE, CORE}, change) is is_admitted


def test_assets_come_along_with_a_seat_and_with_nothing_else() -> None:
    desired = {"seat": MEMBER, "team/7": MEMBER}
    assert brings(INVITE, desired) == (CORE,)
    assert brings(Change("change_role", "seat", MEMBER, OWNER), desired) == ()


def test_only_the_assets_of_the_plan_come_along() -> None:
    desired = {"seat": MEMBER, "team/7": MEMBER, "team/8": MEMBER}
    assert carried(desired, {INVITE, CORE}) == {"seat": MEMBER, "team/7": MEMBER}


# Whether it still holds


def filed(*steps: Change, held: str | None = None, name: str = "ana") -> FiledStep:
    return FiledStep(1, name, "seat", str(steps[0].action), steps, held)


@pytest.mark.parametrize(
    ("standing", "is_done"),
    [
        pytest.param(Standing(applied={"seat": MEMBER}), True, id="ours"),
        pytest.param(Standing(observed={"seat": MEMBER}), False, id="there-but-not-ours"),
        pytest.param(Standing(), False, id="nowhere"),
    ],
)
def test_a_change_that_is_wanted_no_longer_is_done_where_it_is_so(standing: Standing, is_done: bool) -> None:
    found = compare([filed(INVITE)], [], {1: standing}, {1: "ana"}, {}, is_released=False)
    assert (found.done, len(found.moved)) == (int(is_done), int(not is_done))


@pytest.mark.parametrize(
    ("change", "standing", "is_done"),
    [
        pytest.param(Change("remove", "seat", MEMBER), Standing(), True, id="gone"),
        pytest.param(Change("remove", "seat", MEMBER), Standing(observed={"seat": MEMBER}), False, id="there"),
        pytest.param(
            Change("remove_asset", "team/7", MEMBER), Standing(observed={"team/7": OWNER}), True, id="by-hand-beside"
        ),
        pytest.param(
            Change("change_asset", "board/1", MEMBER, MEMBER | OWNER),
            Standing(applied={"board/1": OWNER}, observed={"board/1": MEMBER | OWNER}),
            True,
            id="ours-beside-what-is-by-hand",
        ),
        pytest.param(
            Change("suspend", "suspension", MEMBER),
            Standing(applied={"suspension": SUSPENDED}, observed={"suspension": SUSPENDED}),
            True,
            id="suspended",
        ),
        pytest.param(Change("suspend", "suspension", MEMBER), Standing(), False, id="not-suspended"),
        pytest.param(
            Change("change_role", "seat", OWNER, MEMBER, is_fix=True),
            Standing(applied={"seat": MEMBER}, observed={"seat": OWNER}),
            False,
            id="drift-that-is-there-still",
        ),
    ],
)
def test_a_removal_is_done_where_nothing_is_left(change: Change, standing: Standing, is_done: bool) -> None:
    assert compare([filed(change)], [], {1: standing}, {1: "ana"}, {}, is_released=False).done == is_done


@pytest.mark.parametrize(
    ("names", "now"),
    [({1: "eve"}, "p1 is eve"), ({}, "there is no p1")],
)
def test_somebody_else_under_the_same_id_is_named(names: dict[int, str], now: str) -> None:
    (moved,) = compare([filed(INVITE)], [filed(INVITE, name="eve")], {}, names, {}, is_released=False).moved
    assert moved.now == now
