"""The timed steps of `leave` (mapping format, rule 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.contract.state import SEAT, SUSPENSION
from scim_bridge.engine.diff import SUSPENDED, Things
from scim_bridge.engine.leave import Leaving, Since, after_steps, kept, leaving
from scim_bridge.mapping.model import HubMapping, Place, Safety, Step

LOST = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
DAY = 86_400
STEPS = (Step(14 * DAY, "remove"), Step(0, "remove_assets"))
MAPPING = HubMapping(
    "acme",
    "memory",
    "acme",
    {},
    ("owner", "member", "guest"),
    {},
    frozenset(),
    (),
    Place("mappings/acme.yaml", 1, 1),
    lost_access=(Step(7 * DAY, "remove"),),
    disabled=(Step(0, "suspend"), Step(30 * DAY, "remove")),
    safety=Safety(approve_roles=("owner",)),
)
GONE = Leaving(keeps_seat=False, keeps_assets=False, next_at=None)


def days(count: float) -> datetime:
    return LOST + timedelta(days=count)


@pytest.mark.parametrize(
    ("steps", "now", "left"),
    [
        pytest.param((Step(0, "remove"),), LOST, GONE, id="remove-at-once"),
        pytest.param(
            (Step(7 * DAY, "remove"),), LOST, Leaving(True, True, days(7)), id="while-the-timer-runs-all-stays"
        ),
        pytest.param((Step(7 * DAY, "remove"),), days(7), GONE, id="the-step-is-due-at-its-moment"),
        pytest.param(STEPS, LOST, Leaving(True, False, days(14)), id="assets-first-whatever-the-order-written"),
        pytest.param(STEPS, days(14), GONE, id="the-seat-later"),
        pytest.param((Step(0, "nothing"),), days(99), Leaving(True, True, None), id="nothing-keeps-all-for-good"),
        pytest.param(
            (Step(0, "nothing"), Step(DAY, "remove")), days(9), Leaving(True, True, None), id="nothing-ends-the-steps"
        ),
        pytest.param((Step(0, "remove_assets"),), days(1), Leaving(True, False, None), id="the-seat-may-stay-for-good"),
        pytest.param((), days(1), Leaving(True, True, None), id="no-steps-no-loss"),
        pytest.param(
            MAPPING.disabled, days(1), Leaving(True, True, days(30), suspends=True), id="suspended-the-assets-stay"
        ),
        pytest.param(MAPPING.disabled, days(30), GONE, id="and-removed-later"),
    ],
)
def test_steps(steps: tuple[Step, ...], now: datetime, left: Leaving) -> None:
    assert after_steps(steps, LOST, now) == left


@pytest.mark.parametrize(
    ("since", "now", "left"),
    [
        pytest.param(Since(LOST), days(1), Leaving(True, True, days(7)), id="lost-access-has-its-steps"),
        pytest.param(
            Since(LOST, LOST), days(1), Leaving(True, True, days(30), suspends=True), id="disabled-has-its-own"
        ),
        pytest.param(
            Since(LOST, LOST + timedelta(seconds=60)),
            days(8),
            Leaving(True, True, LOST + timedelta(days=30, seconds=60), suspends=True),
            id="within-settle-both-are-one-change",
        ),
        pytest.param(
            Since(LOST, days(5)), days(6), Leaving(True, True, days(7), suspends=True), id="disabled-later-both-count"
        ),
        pytest.param(Since(LOST, days(5)), days(7), GONE, id="and-the-earlier-removal-is-not-put-off"),
        pytest.param(Since(None), LOST, Leaving(True, True, days(7)), id="not-known-since-when-is-since-now"),
    ],
)
def test_leaving(since: Since, now: datetime, left: Leaving) -> None:
    assert leaving(MAPPING, since, now) == left


NOW = days(3)


@pytest.mark.parametrize(
    ("before", "moved", "after"),
    [
        pytest.param(Since(), {"had_role": True}, Since(NOW), id="a-loss-begins"),
        pytest.param(Since(LOST), {}, Since(LOST), id="and-goes-on"),
        pytest.param(Since(LOST), {"has_role": True}, Since(), id="back-in-time-drops-it"),
        pytest.param(Since(), {"had_role": True, "disabled": True}, Since(NOW, NOW), id="disabled-with-access"),
        pytest.param(Since(LOST), {"disabled": True}, Since(LOST, NOW), id="disabled-after-a-loss"),
        pytest.param(Since(LOST, LOST), {"disabled": True}, Since(LOST, LOST), id="disabled-goes-on"),
        pytest.param(Since(LOST, LOST), {}, Since(NOW), id="back-in-the-company-without-access-counts-anew"),
        pytest.param(Since(LOST, LOST), {"has_role": True}, Since(), id="back-in-the-company-with-access"),
        pytest.param(Since(), {}, Since(NOW), id="a-row-that-does-not-say"),
    ],
)
def test_since_when(before: Since, moved: dict[str, bool], after: Since) -> None:
    assert before.goes_on(**({"has_role": False, "had_role": False, "disabled": False} | moved), now=NOW) == after


@pytest.mark.parametrize(
    ("disabled", "disabled_at", "expected"),
    [
        pytest.param(False, None, None, id="not-disabled"),
        pytest.param(True, NOW, NOW, id="disabled"),
        pytest.param(True, None, LOST, id="disabled-and-not-said-when"),
    ],
)
def test_what_a_row_says(disabled: bool, disabled_at: datetime | None, expected: datetime | None) -> None:
    class Row:
        lost_at = LOST

    row = Row()
    row.disabled, row.disabled_at = disabled, disabled_at  # type: ignore[attr-defined]
    assert Since.of(row) == Since(LOST, expected)


def things(**roles: str) -> dict[str, frozenset[str]]:
    keys = {"seat": SEAT, "team": "team/7", "rests": SUSPENSION}
    return {keys[name]: frozenset([role]) for name, role in roles.items()}


@pytest.mark.parametrize(
    ("applied", "left", "expected"),
    [
        pytest.param(
            things(seat="member", team="member"),
            Leaving(True, True, None),
            things(seat="member", team="member"),
            id="the-last-applied-state",
        ),
        pytest.param(
            things(seat="member", team="member"), Leaving(True, False, None), things(seat="member"), id="without-assets"
        ),
        pytest.param(things(seat="member"), GONE, {}, id="nothing"),
        pytest.param(things(team="member"), Leaving(True, True, None), {}, id="nothing-without-a-seat-of-ours"),
        pytest.param(
            things(seat="owner"),
            Leaving(True, True, None),
            things(seat="guest"),
            id="a-role-that-needs-approval-falls-to-the-lowest",
        ),
        pytest.param(
            things(seat="member"),
            Leaving(True, True, None, suspends=True),
            {**things(seat="member"), SUSPENSION: SUSPENDED},
            id="suspended",
        ),
        pytest.param(
            {**things(seat="member"), SUSPENSION: SUSPENDED},
            Leaving(True, True, None),
            things(seat="member"),
            id="no-longer-suspended",
        ),
    ],
)
def test_kept(applied: Things, left: Leaving, expected: Things) -> None:
    assert kept(applied, left, MAPPING) == expected


def test_an_app_with_one_role_has_no_lower_one() -> None:
    mapping = replace(MAPPING, roles=())
    assert kept(things(seat="owner"), Leaving(True, True, None), mapping) == things(seat="owner")


# Laws

_STEP = st.builds(Step, st.integers(0, 40).map(lambda day: day * DAY), st.sampled_from(["remove_assets", "suspend"]))
_REMOVE = st.builds(Step, st.integers(0, 40).map(lambda day: day * DAY), st.just("remove"))
_LISTS = st.lists(st.one_of(_STEP, _REMOVE), max_size=4).map(tuple)
_DAYS = st.integers(0, 60).map(days)


def holds(left: Leaving) -> tuple[bool, bool, bool]:
    """What is still there: the seat, the assets, the use of them."""
    return left.keeps_seat, left.keeps_assets, left.keeps_seat and not left.suspends


@given(_LISTS, _DAYS, _DAYS)
def test_time_gives_nothing_back(steps: tuple[Step, ...], one: datetime, other: datetime) -> None:
    earlier, later = (holds(after_steps(steps, LOST, at)) for at in sorted((one, other)))
    assert all(was or not is_ for was, is_ in zip(earlier, later, strict=True))


@given(_LISTS, _DAYS)
def test_nothing_changes_before_the_time_that_is_named(steps: tuple[Step, ...], now: datetime) -> None:
    left = after_steps(steps, LOST, now)
    if left.next_at is None:
        assert holds(after_steps(steps, LOST, days(999))) == holds(left)
    else:
        assert left.next_at > now
        assert holds(after_steps(steps, LOST, left.next_at - timedelta(seconds=1))) == holds(left)


@given(_LISTS, st.randoms(), _DAYS)
def test_the_order_of_steps_of_different_times_does_not_matter(
    steps: tuple[Step, ...], random: object, now: datetime
) -> None:
    by_time = {step.after_s: step for step in steps}
    mixed = list(by_time.values())
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert after_steps(mixed, LOST, now) == after_steps(tuple(by_time.values()), LOST, now)


@given(_LISTS, _LISTS, st.integers(1, 30), _DAYS)
def test_disabled_after_a_loss_never_keeps_more_than_the_loss_alone(
    lost_access: tuple[Step, ...], disabled: tuple[Step, ...], gap: int, now: datetime
) -> None:
    mapping = replace(MAPPING, lost_access=lost_access, disabled=disabled)
    both = leaving(mapping, Since(LOST, days(gap)), now)
    for alone in (after_steps(lost_access, LOST, now), after_steps(disabled, days(gap), now)):
        assert all(is_alone or not is_both for is_alone, is_both in zip(holds(alone), holds(both), strict=True))


@given(_LISTS, _LISTS, st.integers(0, 60), _DAYS)
def test_within_settle_the_order_of_loss_and_disabling_does_not_matter(
    lost_access: tuple[Step, ...], disabled: tuple[Step, ...], seconds: int, now: datetime
) -> None:
    mapping = replace(MAPPING, lost_access=lost_access, disabled=disabled)
    moment = LOST + timedelta(seconds=seconds)
    assert leaving(mapping, Since(LOST, moment), now) == leaving(mapping, Since(moment, moment), now)
