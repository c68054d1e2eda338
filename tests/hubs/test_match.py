"""Whose account is it? One address that points to two people points to nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.hubs.match import match_accounts


@pytest.mark.parametrize(
    ("pairs", "owners"),
    [
        pytest.param([], {}, id="nothing-in-common"),
        pytest.param([(1, 7)], {1: 7}, id="one-address-one-person"),
        pytest.param([(1, 7), (1, 7)], {1: 7}, id="the-same-person-by-two-addresses"),
        pytest.param([(1, 7), (1, 8)], {}, id="two-hits-are-none"),
        pytest.param([(1, 7), (2, 7)], {1: 7, 2: 7}, id="two-accounts-of-one-person"),
        pytest.param([(1, 7), (1, 8), (2, 8)], {2: 8}, id="a-doubt-about-one-account-hurts-no-other"),
    ],
)
def test_match(pairs: list[tuple[int, int]], owners: dict[int, int]) -> None:
    assert match_accounts(pairs) == owners


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5))))
def test_order_and_repetition_never_matter(pairs: list[tuple[int, int]]) -> None:
    assert match_accounts(pairs) == match_accounts([*reversed(pairs), *pairs])
