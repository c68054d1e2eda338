"""The brake: `protect`, `keep_at_least`, `max_removals` (mapping format, rule 5 and `safety`)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.contract.state import SEAT
from scim_bridge.engine.diff import Change, Roles
from scim_bridge.engine.guard import Counts, held_because, is_named, limit, takes_away
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


def held(
    one: Change,
    counts: Counts,
    *,
    safety: Safety = SAFETY,
    names: tuple[str, ...] = ("ana",),
    is_active: bool = True,
    held_before: tuple[str, ...] = (),
    is_released: bool = False,
) -> str | None:
    found = held_because(
        one,
        names=names,
        is_active=is_active,
        held_before=held_before,
        is_released=is_released,
        safety=safety,
        counts=counts,
        roles=ROLES,
    )
    return None if found is None else found[0]


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
            {"is_released": True},
            "wants 1 owner",
            id="a-release-does-not-lift-keep",
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
        pytest.param(REMOVE, Counts(8, ended=2), {"is_released": True}, None, id="a-release-lifts-the-limit"),
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
    found = held(one, counts, **more)  # type: ignore[arg-type]
    assert (found is None) if reason is None else (reason in (found or ""))


def test_each_reason_names_its_own_way_out() -> None:
    def advice(counts: Counts, one: Change, name: str) -> str:
        found = held_because(
            one,
            names=[name],
            is_active=True,
            held_before=(),
            is_released=False,
            safety=SAFETY,
            counts=counts,
            roles=ROLES,
        )
        return found[1] if found else ""

    assert "safety.protect" in advice(Counts(10), REMOVE, "octo-cat")
    assert "somebody else the role" in advice(Counts(10, holders=Counter(owner=1)), REMOVE_OWNER, "ana")
    assert "--release" in advice(Counts(8, ended=2), REMOVE, "ana")


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
    owners: int, keep: int, tries: list[Change], released: bool
) -> None:
    counts = Counts(100, holders=Counter(owner=owners))
    safety = replace(SAFETY, keep_at_least={"owner": keep}, max_removals=MaxRemovals(None, None))
    left = owners
    for one in tries[:owners]:
        if held(one, counts, safety=safety, is_released=released) is None:
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
