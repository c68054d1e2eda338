"""Which change an answer belongs to."""

from __future__ import annotations

import pytest

from scim_bridge.contract.state import SEAT
from scim_bridge.engine.asks import Answer, answer_to, key_of, rejected_because
from scim_bridge.engine.diff import Change


def key(action: str, thing: str = SEAT, before: str = "", after: str = "", *, takes: bool = True) -> object:
    change = Change(action, thing, frozenset(before.split()), frozenset(after.split()))  # type: ignore[arg-type]
    return key_of(change, takes=takes)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        pytest.param(key("remove", before="member"), key("remove", before="member"), True, id="the-same"),
        pytest.param(key("remove", before="member"), key("remove", before="owner"), False, id="more-would-be-lost"),
        pytest.param(
            key("remove", before="member"),
            key("cancel_invitation", before="member"),
            True,
            id="an-invitation-that-was-accepted-meanwhile",
        ),
        pytest.param(key("remove", before="member"), key("suspend", before="member"), False, id="suspended-is-less"),
        pytest.param(
            key("change_role", before="owner", after="member"), key("remove", before="owner"), False, id="role-or-seat"
        ),
        pytest.param(
            key("change_role", before="member", after="owner", takes=False),
            key("invite", after="owner", takes=False),
            True,
            id="a-raise-is-the-role",
        ),
        pytest.param(
            key("remove_asset", "team/7", "member"), key("remove_asset", "team/8", "member"), False, id="another-asset"
        ),
    ],
)
def test_one_key_is_one_change(left: object, right: object, same: bool) -> None:
    assert (left == right) is same


def test_an_answer_is_found_by_its_change() -> None:
    answer = Answer(7, ("takes", SEAT, "member", ""), "limit", "the limit", "rejected", "cli:ops", "she stays")
    assert answer_to([answer], ("takes", SEAT, "member", "")) is answer
    assert answer_to([answer], ("takes", SEAT, "owner", "")) is None
    assert rejected_because(answer) == (
        "rejected by cli:ops: she stays (the limit)",
        "`scim-bridge approvals approve 7 --reason WHY` lets it go on after all",
    )
