"""The brake: what stands over what, and what is counted (mapping format, rule 5 and `safety`)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.asks import Answer, Loss, key_of
from scim_bridge.engine.diff import Change, Roles
from scim_bridge.engine.guard import (
    Counts,
    Hold,
    held_because,
    is_named,
    limit,
    loses_suddenly,
    takes_away,
    takes_role,
)
from scim_bridge.mapping.model import MaxRemovals, Safety

ROLES = Roles({SEAT: ("owner", "member"), "team": ("maintainer", "member")}, frozenset(["team"]))
SAFETY = Safety(keep_at_least={"owner": 1}, protect=("octo-*", "boss@acme.example"))
HELD = "more than 2 seats would end within an hour (`safety.max_removals: {count: 10, percent: 20}`)"
HELD_UNDER_OTHER_RULES = "more than 1 seat would end within an hour (`safety.max_removals: {count: 1}`)"


def change(action: str, thing: str, before: str = "", after: str = "") -> Change:
    return Change(action, thing, frozenset(before.split()), frozenset(after.split()))  # type: ignore[arg-type]


REMOVE = change("remove", SEAT, "member")
REMOVE_OWNER = change("remove", SEAT, "owner")
DEMOTE = change("change_role", SEAT, "owner", "member")
LOSS = Loss(1, "okta", 30, 100)


def said(one: Change, state: str) -> Answer:
    """What a person said to this change."""
    return Answer(7, key_of(one, takes=True), "limit", "the limit", state, "cli:ops", "as agreed")


def hold(
    one: Change,
    counts: Counts,
    *,
    safety: Safety = SAFETY,
    names: tuple[str, ...] = ("ana",),
    is_active: bool = True,
    held_before: tuple[str, ...] = (),
    answer: str = "",
    loss: Loss | None = None,
    is_paused: bool = False,
) -> Hold | None:
    return held_because(
        one,
        names=names,
        is_active=is_active,
        held_before=held_before,
        answer=said(one, answer) if answer else None,
        loss=loss,
        is_paused=is_paused,
        safety=safety,
        counts=counts,
        roles=ROLES,
    )


def held(one: Change, counts: Counts, **more: object) -> str | None:
    found = hold(one, counts, **more)  # type: ignore[arg-type]
    return None if found is None else found.cause


@pytest.mark.parametrize(
    ("one", "takes"),
    [
        pytest.param(REMOVE, True, id="a-removed-seat"),
        pytest.param(change("cancel_invitation", SEAT, "member"), True, id="a-cancelled-invitation"),
        pytest.param(change("renew", SEAT, "owner", "member"), True, id="a-renewed-one"),
        pytest.param(change("remove_asset", "team/7", "member"), True, id="an-asset-taken"),
        pytest.param(DEMOTE, True, id="a-lower-role"),
        pytest.param(change("change_role", SEAT, "member", "owner"), False, id="a-higher-role"),
        pytest.param(change("change_asset", "team/7", "maintainer", "member"), True, id="a-lower-asset-role"),
        pytest.param(change("add_asset", "team/7", "", "member"), False, id="an-asset-given"),
        pytest.param(change("invite", SEAT, "", "member"), False, id="an-invitation"),
        pytest.param(change("suspend", SEAT, "member"), True, id="a-suspended-account"),
    ],
)
def test_who_has_less_afterwards(one: Change, takes: bool) -> None:
    assert takes_away(one, ROLES) is takes


@pytest.mark.parametrize(
    ("patterns", "names", "named"),
    [
        pytest.param(["svc-*"], ["SVC-deploy"], True, id="any-case"),
        pytest.param(["*[bot]"], ["dependabot[bot]"], True, id="brackets-mean-themselves"),
        pytest.param(["*[bot]"], ["robot"], False, id="brackets-are-no-class"),
        pytest.param(["a?"], ["ab"], False, id="a-question-mark-is-no-joker"),
        pytest.param(["a?"], ["a?"], True, id="a-question-mark-means-itself"),
        pytest.param(["ana"], ["ana@acme.example"], False, id="the-whole-name"),
        pytest.param(["x", "*@acme.example"], ["ana", "ana@acme.example"], True, id="any-name-any-pattern"),
        pytest.param([], ["ana"], False, id="no-pattern"),
    ],
)
def test_names(patterns: list[str], names: list[str], named: bool) -> None:
    assert is_named(patterns, names) is named


@pytest.mark.parametrize(
    ("count", "percent", "managed", "most"),
    [
        pytest.param(10, 20.0, 100, 10, id="the-stricter-wins-count"),
        pytest.param(10, 20.0, 20, 4, id="the-stricter-wins-percent"),
        pytest.param(None, 20.0, 11, 3, id="percentages-round-up"),
        pytest.param(None, 0.0, 50, 1, id="never-below-1"),
        pytest.param(None, 1.0, 5, 1, id="from-5-accounts-on"),
        pytest.param(10, 20.0, 4, None, id="below-5-no-limit"),
        pytest.param(500, None, 1000, 500, id="a-count-alone"),
        pytest.param(None, None, 1000, None, id="neither"),
    ],
)
def test_limit(count: int | None, percent: float | None, managed: int, most: int | None) -> None:
    assert limit(Safety(max_removals=MaxRemovals(count, percent)), managed) == most


@pytest.mark.parametrize(
    ("one", "counts", "more", "reason"),
    [
        pytest.param(REMOVE, Counts(10), {}, None, id="a-removal-within-limits"),
        pytest.param(
            change("add_asset", "team/7", "", "member"),
            Counts(10),
            {"names": ("octo-cat",)},
            None,
            id="protected-may-gain",
        ),
        pytest.param(REMOVE, Counts(10), {"names": ("octo-cat",)}, "`safety.protect`", id="protected-never-loses"),
        pytest.param(
            REMOVE, Counts(10), {"names": ("x", "BOSS@acme.example")}, "`safety.protect`", id="protected-by-address"
        ),
        pytest.param(REMOVE_OWNER, Counts(10, holders=Counter(owner=2)), {}, None, id="one-owner-stays"),
        pytest.param(
            REMOVE_OWNER, Counts(10, holders=Counter(owner=1)), {}, "wants 1 owner; 1 left", id="the-last-owner-stays"
        ),
        pytest.param(
            DEMOTE, Counts(10, holders=Counter(owner=1)), {}, "wants 1 owner", id="the-last-owner-is-not-demoted"
        ),
        pytest.param(
            REMOVE_OWNER,
            Counts(10, holders=Counter(owner=1)),
            {"answer": "approved"},
            "wants 1 owner",
            id="an-approval-does-not-lift-keep",
        ),
        pytest.param(
            change("cancel_invitation", SEAT, "owner"),
            Counts(10),
            {"is_active": False},
            None,
            id="an-invitation-is-no-holder",
        ),
        pytest.param(REMOVE, Counts(10), {}, None, id="a-role-that-nobody-keeps"),
        pytest.param(REMOVE, Counts(8, ended=2), {}, "more than 2 seats", id="beyond-the-limit"),
        pytest.param(REMOVE, Counts(8, ended=2), {"answer": "approved"}, None, id="an-approval-lifts-the-limit"),
        pytest.param(
            DEMOTE, Counts(8, ended=2, holders=Counter(owner=5)), {}, None, id="a-lower-role-is-no-ended-seat"
        ),
        pytest.param(REMOVE, Counts(10), {"held_before": (HELD,)}, "more than 2 seats", id="what-was-held-stays-held"),
        pytest.param(
            REMOVE, Counts(10), {"held_before": (HELD_UNDER_OTHER_RULES,)}, None, id="another-limit-judges-it-anew"
        ),
        pytest.param(REMOVE, Counts(4), {"held_before": (HELD,)}, None, id="where-no-limit-is-left-nothing-is-held"),
    ],
)
def test_held(one: Change, counts: Counts, more: dict[str, object], reason: str | None) -> None:
    found = held(one, counts, **more)
    assert (found is None) if reason is None else (reason in (found or ""))


# What holds an owner's removal, the strongest first: setting it up, and what it says.
BRAKES = [
    ("protect", "safety.protect"),
    ("keep", "safety.keep_at_least"),
    ("rejected", "rejected by cli:ops"),
    ("paused", "removals are paused"),
    ("approved", None),
    ("loss", "source okta lost 30 of 100"),
    ("limit", "safety.max_removals"),
]


@pytest.mark.parametrize(
    "present",
    [
        pytest.param(subset, id="+".join(subset) or "nothing")
        for size in range(len(BRAKES) + 1)
        for subset in combinations([name for name, _ in BRAKES], size)
        if not {"approved", "rejected"} <= set(subset)  # one answer at a time
    ],
)
def test_the_strongest_brake_that_applies_decides(present: tuple[str, ...]) -> None:
    found = held(
        REMOVE_OWNER,
        Counts(8, ended=2 if "limit" in present else 0, holders=Counter(owner=1 if "keep" in present else 5)),
        names=("octo-cat",) if "protect" in present else ("ana",),
        answer=next((word for word in ("approved", "rejected") if word in present), ""),
        loss=LOSS if "loss" in present else None,
        is_paused="paused" in present,
    )
    expected = next((words for name, words in BRAKES if name in present), None)
    assert (found is None) if expected is None else (expected in (found or ""))


@pytest.mark.parametrize(
    ("counts", "one", "more", "way_out", "asks"),
    [
        pytest.param(Counts(10), REMOVE, {"names": ("octo-cat",)}, "safety.protect", None, id="protect"),
        pytest.param(Counts(10, holders=Counter(owner=1)), REMOVE_OWNER, {}, "somebody else the role", None, id="keep"),
        pytest.param(Counts(10), REMOVE, {"answer": "rejected"}, "approvals approve 7", None, id="rejected"),
        pytest.param(Counts(10), REMOVE, {"is_paused": True}, "resume HUB", None, id="paused"),
        pytest.param(Counts(10), REMOVE, {"loss": LOSS}, "approve --source okta", "source", id="loss"),
        pytest.param(Counts(8, ended=2), REMOVE, {}, "--release", "limit", id="limit"),
    ],
)
def test_each_reason_names_its_own_way_out(
    counts: Counts, one: Change, more: dict[str, object], way_out: str, asks: str | None
) -> None:
    found = hold(one, counts, **more)  # type: ignore[arg-type]
    assert found is not None
    assert way_out in found.advice
    assert found.asks == asks


def test_a_loss_holds_assets_and_lower_roles_too() -> None:
    taken = change("remove_asset", "team/7", "member")
    assert "source okta" in (held(taken, Counts(100), loss=LOSS) or "")
    assert "source okta" in (held(DEMOTE, Counts(100, holders=Counter(owner=5)), loss=LOSS) or "")


APPROVED = replace(SAFETY, approve_roles=("owner",), keep_at_least={})


@pytest.mark.parametrize(
    ("one", "counts", "is_held"),
    [
        pytest.param(DEMOTE, Counts(8, ended=2), True, id="taking-an-approved-role-counts"),
        pytest.param(DEMOTE, Counts(10, roles_taken=2), True, id="those-taken-before-count"),
        pytest.param(REMOVE, Counts(10, roles_taken=2), True, id="also-against-seats"),
        pytest.param(REMOVE, Counts(9, ended=1), False, id="within-the-limit"),
        pytest.param(
            change("change_role", SEAT, "member", "guest"), Counts(8, ended=2), False, id="other-lower-roles-do-not"
        ),
        pytest.param(
            change("renew", SEAT, "owner", "member"), Counts(8, ended=2), False, id="a-renewed-invitation-does-not"
        ),
        pytest.param(change("remove_asset", "team/7", "member"), Counts(8, ended=2), False, id="an-asset-does-not"),
        pytest.param(change("suspend", SEAT, "member"), Counts(8, ended=2), True, id="a-suspended-seat-counts"),
    ],
)
def test_what_max_removals_counts(one: Change, counts: Counts, is_held: bool) -> None:
    assert (held(one, counts, safety=APPROVED) is not None) is is_held


def test_roles_that_were_taken_are_no_seats_at_the_start_of_the_hour() -> None:
    # 20 % of 5 seats is 1; counted among the seats they would make it 20 % of 10.
    assert "more than 1 seat " in (held(REMOVE, Counts(5, roles_taken=5), safety=APPROVED) or "")


def test_a_batch_reserves_approved_roles_once_each() -> None:
    counts = Counts(10, holders=Counter(owner=5))
    counts.reserve(DEMOTE, is_active=True, approve_roles=("owner",))
    counts.reserve(REMOVE_OWNER, is_active=True, approve_roles=("owner",))
    assert (counts.ended, counts.roles_taken, counts.removals) == (1, 1, 2)
    assert not takes_role(REMOVE_OWNER, ("owner",))


@pytest.mark.parametrize(
    ("lost", "of", "percent", "sudden"),
    [
        pytest.param(21, 100, 20, True, id="more-than-a-fifth"),
        pytest.param(20, 100, 20, False, id="just-a-fifth"),
        pytest.param(2, 5, 20, True, id="from-five-people-on"),
        pytest.param(4, 4, 20, False, id="below-five-there-is-no-brake"),
        pytest.param(100, 100, 100, False, id="a-hundred-percent-turns-it-off"),
        pytest.param(0, 0, 20, False, id="nobody"),
    ],
)
def test_a_sudden_loss(lost: int, of: int, percent: int, sudden: bool) -> None:
    assert loses_suddenly(lost, of, percent=percent) is sudden


def test_a_batch_counts_its_own_removals_against_the_accounts_at_the_start() -> None:
    counts = Counts(10)
    gone = 0
    for _ in range(10):
        if held(REMOVE, counts) is None:
            counts.reserve(REMOVE, is_active=True)
            gone += 1
    assert gone == 2  # 20 % of 10, not of a number that grows with what was taken


def test_a_raise_or_a_pending_one_frees_no_holder() -> None:
    counts = Counts(10, holders=Counter(owner=1))
    counts.reserve(change("cancel_invitation", SEAT, "owner"), is_active=False)
    counts.reserve(change("remove_asset", "team/7", "member"), is_active=True)
    counts.reserve(change("change_role", SEAT, "owner", "owner"), is_active=True)
    assert counts.holders["owner"] == 1


@given(
    st.integers(0, 8),
    st.integers(0, 4),
    st.lists(st.sampled_from([REMOVE_OWNER, DEMOTE]), max_size=12),
    st.booleans(),
)
def test_no_order_of_workers_ever_takes_the_last_holder(
    owners: int, keep: int, tries: list[Change], approved: bool
) -> None:
    counts = Counts(100, holders=Counter(owner=owners))
    safety = replace(SAFETY, keep_at_least={"owner": keep}, max_removals=MaxRemovals(None, None))
    left = owners
    for one in tries[:owners]:
        if held(one, counts, safety=safety, answer="approved" if approved else "") is None:
            counts.reserve(one, is_active=True)
            left -= 1
    assert left >= min(owners, keep)


@given(st.integers(5, 300), st.integers(0, 40), st.floats(0, 100))
def test_no_batch_ends_more_seats_than_the_limit(managed: int, count: int, percent: float) -> None:
    safety = Safety(max_removals=MaxRemovals(count or None, percent))
    counts = Counts(managed)
    for _ in range(managed):
        if held(REMOVE, counts, safety=safety) is None:
            counts.reserve(REMOVE, is_active=True)
    assert counts.ended <= (limit(safety, managed) or 0)


# Suspension

SUSPEND = change("suspend", SUSPENSION, "member")


def test_a_suspended_seat_counts_as_ended_and_stays_managed() -> None:
    counts = Counts(10)
    gone = 0
    for _ in range(10):
        if held(SUSPEND, counts) is None:
            counts.reserve(SUSPEND, is_active=True)
            gone += 1
    assert (gone, counts.managed) == (2, 10)


def test_the_last_owner_is_not_suspended() -> None:
    cause = held(change("suspend", SUSPENSION, "owner"), Counts(10, holders=Counter(owner=1)))
    assert "wants 1 owner" in (cause or "")


def test_a_suspended_owner_is_no_holder_any_more() -> None:
    counts = Counts(10, holders=Counter(owner=2))
    counts.reserve(change("suspend", SUSPENSION, "owner"), is_active=True)
    assert counts.holders["owner"] == 1


def test_who_is_resumed_has_no_less() -> None:
    assert not takes_away(change("resume", SUSPENSION, "", "member"), ROLES)
