"""The timed steps of `leave` (mapping format, rule 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scim_bridge.engine.leave import Leaving, leaving
from scim_bridge.mapping.model import Step

LOST = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
DAY = 86_400
STEPS = (Step(14 * DAY, "remove"), Step(0, "remove_assets"))


def days(count: float) -> datetime:
    return LOST + timedelta(days=count)


@pytest.mark.parametrize(
    ("steps", "now", "left"),
    [
        pytest.param((Step(0, "remove"),), LOST, Leaving(False, False, None), id="remove-at-once"),
        pytest.param(
            (Step(7 * DAY, "remove"),), LOST, Leaving(True, True, days(7)), id="while-the-timer-runs-all-stays"
        ),
        pytest.param(
            (Step(7 * DAY, "remove"),), days(7), Leaving(False, False, None), id="the-step-is-due-at-its-moment"
        ),
        pytest.param(STEPS, LOST, Leaving(True, False, days(14)), id="assets-first-whatever-the-order-written"),
        pytest.param(STEPS, days(14), Leaving(False, False, None), id="the-seat-later"),
        pytest.param((Step(0, "nothing"),), days(99), Leaving(True, True, None), id="nothing-keeps-all-for-good"),
        pytest.param(
            (Step(0, "nothing"), Step(DAY, "remove")), days(9), Leaving(True, True, None), id="nothing-ends-the-steps"
        ),
        pytest.param((Step(0, "remove_assets"),), days(1), Leaving(True, False, None), id="the-seat-may-stay-for-good"),
        pytest.param((), days(1), Leaving(True, True, None), id="no-steps-no-loss"),
    ],
)
def test_leaving(steps: tuple[Step, ...], now: datetime, left: Leaving) -> None:
    assert leaving(steps, LOST, now) == left
