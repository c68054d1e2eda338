"""When something is tried: settling, backing off, probing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.engine.schedule import backoff_s, check_wait_s, probe_wait, settled_at

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("last_s", "due_s"),
    [
        pytest.param(0, 60, id="one-change-rests-for-settle"),
        pytest.param(50, 110, id="each-change-starts-anew"),
        pytest.param(290, 300, id="but-never-longer-than-five-times"),
    ],
)
def test_settle(last_s: int, due_s: int) -> None:
    assert settled_at(first=NOON, last=at(last_s), settle_s=60) == at(due_s)


@pytest.mark.parametrize(
    ("attempt", "wait_s"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 900), (500, 900)], ids=lambda value: str(value)
)
def test_backoff_doubles_up_to_fifteen_minutes(attempt: int, wait_s: int) -> None:
    assert backoff_s(attempt, jitter=0) == wait_s


def test_jitter_shortens_by_up_to_a_half() -> None:
    assert backoff_s(3, jitter=0.5) == 3


def test_what_the_app_asked_for_is_never_undercut() -> None:
    assert backoff_s(1, jitter=0.9, retry_after_s=3600) == 3600


@pytest.mark.parametrize(("attempt", "minutes"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 15), (9, 15)])
def test_a_hub_in_need_is_probed_at_1_2_4_8_15_minutes(attempt: int, minutes: int) -> None:
    assert probe_wait(attempt) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 5), (2, 10), (8, 640), (9, 900), (50, 900)])
def test_a_failed_reading_is_tried_again_after_5_s_doubling(attempt: int, wait_s: int) -> None:
    assert check_wait_s(attempt, jitter=0) == wait_s


@given(st.integers(1, 60), st.floats(0, 0.999), st.floats(0, 86_400))
def test_no_reading_undercuts_what_the_app_asked_for(attempt: int, jitter: float, retry_after_s: float) -> None:
    assert check_wait_s(attempt, jitter=jitter, retry_after_s=retry_after_s) >= retry_after_s
