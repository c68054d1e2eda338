"""A bucket lets a burst pass and then one call an interval; a turn that is too far off is not taken."""

from __future__ import annotations

import pytest

from scim_bridge.contract.limits import Bucket, Limits


def waits(bucket: Bucket, times: list[float]) -> list[float | None]:
    return [bucket.reserve(at) for at in times]


def test_a_burst_passes_then_one_call_an_interval() -> None:
    bucket = Bucket(Limits(rate=10.0, burst=3))
    assert waits(bucket, [100.0] * 5) == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_rest_fills_the_bucket_to_the_burst_and_no_further() -> None:
    bucket = Bucket(Limits(rate=10.0, burst=2))
    assert waits(bucket, [100.0] * 3) == pytest.approx([0, 0, 0.1])
    assert waits(bucket, [500.0] * 3) == pytest.approx([0, 0, 0.1])


def test_half_a_rest_fills_half() -> None:
    bucket = Bucket(Limits(rate=1.0, burst=2))
    assert waits(bucket, [0.0, 0.0, 1.0, 1.0]) == pytest.approx([0, 0, 0, 1])


def test_a_turn_further_off_than_asked_is_not_taken() -> None:
    bucket = Bucket(Limits(rate=1.0, burst=1))
    assert bucket.reserve(0.0) == 0
    assert bucket.reserve(0.0, at_most_s=0.5) is None
    assert bucket.reserve(0.6, at_most_s=0.5) == pytest.approx(0.4)


def test_burst_of_one_spaces_every_call() -> None:
    bucket = Bucket(Limits(rate=4.0, burst=1))
    assert waits(bucket, [0.0] * 3) == pytest.approx([0, 0.25, 0.5])
