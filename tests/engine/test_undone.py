"""What an undo keeps against the rules, and how a batch of changes is turned round: values only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.engine.diff import SUSPENDED, Change, Standing, Things
from scim_bridge.engine.inverse import Deed, Inverse, invert
from scim_bridge.engine.undone import Undone, held_back, keep, split, words

MEMBER, OWNER, NOTHING = frozenset({"member"}), frozenset({"owner"}), frozenset[str]()
TEAM = "team/7"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def undone(thing: str, roles: frozenset[str], against: Things) -> Undone:
    return Undone(thing, roles, against, "r9", "cli:ops", AT)


@pytest.mark.parametrize(
    ("rules", "disabled", "stands"),
    [
        pytest.param({}, False, True, id="the-rules-want-the-same"),
        pytest.param({SEAT: MEMBER}, False, False, id="the-rules-want-something-else"),
        pytest.param({TEAM: MEMBER}, False, True, id="something-about-another-thing"),
        pytest.param({}, True, False, id="a-leaver"),
    ],
)
def test_how_long_it_stands(rules: Things, disabled: bool, stands: bool) -> None:
    seat = undone(SEAT, MEMBER, {SEAT: NOTHING})
    assert split([seat], rules, disabled=disabled) == (((seat,), ()) if stands else ((), (seat,)))


def test_what_came_back_with_a_seat_is_over_with_it() -> None:
    asset = undone(TEAM, MEMBER, {TEAM: NOTHING, SEAT: NOTHING})
    assert split([asset], {SEAT: MEMBER}, disabled=False) == ((), (asset,))


@pytest.mark.parametrize(
    ("wanted", "kept", "then"),
    [
        pytest.param({}, [(SEAT, MEMBER), (TEAM, MEMBER)], {SEAT: MEMBER, TEAM: MEMBER}, id="a-seat-and-its-asset"),
        pytest.param({SEAT: OWNER}, [(SEAT, MEMBER)], {SEAT: MEMBER}, id="another-role"),
        pytest.param({SEAT: MEMBER, TEAM: MEMBER}, [(TEAM, NOTHING)], {SEAT: MEMBER}, id="no-asset"),
        pytest.param({SEAT: MEMBER, TEAM: MEMBER}, [(SEAT, NOTHING)], {}, id="no-seat-no-assets"),
        pytest.param({}, [(TEAM, MEMBER)], {}, id="an-asset-gives-no-seat"),
    ],
)
def test_what_is_wanted_then(wanted: Things, kept: list[tuple[str, frozenset[str]]], then: Things) -> None:
    assert keep(wanted, [undone(thing, roles, {}) for thing, roles in kept]) == then


@pytest.mark.parametrize(
    ("kept", "status", "invites", "change"),
    [
        pytest.param(
            (SEAT, MEMBER, NOTHING), Status.ACTIVE, True, Change("remove", SEAT, MEMBER), id="the-seat-would-go"
        ),
        pytest.param(
            (SEAT, MEMBER, NOTHING),
            Status.INVITED,
            True,
            Change("cancel_invitation", SEAT, MEMBER),
            id="the-invitation-would-go",
        ),
        pytest.param((SEAT, NOTHING, MEMBER), None, True, Change("invite", SEAT, NOTHING, MEMBER), id="invite"),
        pytest.param((SEAT, NOTHING, MEMBER), None, False, Change("add", SEAT, NOTHING, MEMBER), id="add"),
        pytest.param(
            (SEAT, MEMBER, OWNER), Status.ACTIVE, True, Change("change_role", SEAT, MEMBER, OWNER), id="another-role"
        ),
        pytest.param(
            (TEAM, MEMBER, NOTHING), Status.ACTIVE, True, Change("remove_asset", TEAM, MEMBER), id="an-asset-would-go"
        ),
        pytest.param(
            (TEAM, NOTHING, MEMBER),
            Status.ACTIVE,
            True,
            Change("add_asset", TEAM, NOTHING, MEMBER),
            id="an-asset-would-come",
        ),
        pytest.param(
            (TEAM, MEMBER, OWNER), Status.ACTIVE, True, Change("change_asset", TEAM, MEMBER, OWNER), id="its-role"
        ),
        pytest.param(
            (SUSPENSION, NOTHING, SUSPENDED), Status.ACTIVE, True, Change("suspend", SUSPENSION, MEMBER), id="suspend"
        ),
        pytest.param(
            (SUSPENSION, SUSPENDED, NOTHING),
            Status.SUSPENDED,
            True,
            Change("resume", SUSPENSION, NOTHING, MEMBER),
            id="resume",
        ),
    ],
)
def test_what_the_rules_would_do(
    kept: tuple[str, frozenset[str], frozenset[str]], status: Status | None, invites: bool, change: Change
) -> None:
    thing, roles, wanted = kept
    each = undone(thing, roles, {thing: wanted})
    assert held_back([each], Standing(status=status, invites=invites, observed={SEAT: MEMBER})) == [(each, change)]


def test_assets_that_would_go_with_the_seat_are_not_held_one_by_one() -> None:
    seat, asset = undone(SEAT, MEMBER, {SEAT: NOTHING}), undone(TEAM, MEMBER, {TEAM: NOTHING, SEAT: NOTHING})
    assert [each for each, _ in held_back([asset, seat], Standing(status=Status.ACTIVE))] == [seat]


def test_assets_beside_another_role_are_held_too() -> None:
    seat, asset = undone(SEAT, MEMBER, {SEAT: OWNER}), undone(TEAM, MEMBER, {TEAM: NOTHING})
    assert [each for each, _ in held_back([seat, asset], Standing(status=Status.ACTIVE))] == [seat, asset]


def test_what_the_rules_want_as_well_is_not_held() -> None:
    assert held_back([undone(SEAT, MEMBER, {SEAT: MEMBER})], Standing(status=Status.ACTIVE)) == []


def test_the_words_name_who_when_and_what_the_rules_say() -> None:
    cause, advice = words(undone(SEAT, NOTHING, {}), MEMBER)
    assert cause == "undone by cli:ops on 2026-11-22 12:00 UTC (r9); the rules still say member"
    assert "`scim-bridge tasks retry TASK`" in advice


@pytest.mark.parametrize(
    ("roles", "says"), [pytest.param(NOTHING, "suspended", id="resumed"), pytest.param(SUSPENDED, "active", id="rests")]
)
def test_of_a_suspension_the_words_say_how_the_account_should_be(roles: frozenset[str], says: str) -> None:
    assert words(undone(SUSPENSION, roles, {}), NOTHING)[0].endswith(f"; the rules still say {says}")


def deed(number: int, action: str, key: str | None = SEAT, had: Things | None = None, run: str | None = "r1") -> Deed:
    return Deed(number, run, "acme", 1, action, key, key or "seat", {} if had is None and key else had)


def turned(deeds: list[Deed], since: list[Deed] | None = None, kept: list[Undone] | None = None) -> Inverse:
    (inverse,) = invert(deeds, since or [], {("acme", 1): kept or []})
    return inverse


@pytest.mark.parametrize(
    ("deeds", "targets"),
    [
        pytest.param([deed(1, "invite")], {SEAT: NOTHING}, id="an-invitation"),
        pytest.param(
            [deed(1, "remove", had={SEAT: MEMBER, TEAM: MEMBER})], {SEAT: MEMBER, TEAM: MEMBER}, id="a-removal"
        ),
        pytest.param([deed(1, "change_role", had={SEAT: OWNER})], {SEAT: OWNER}, id="a-role"),
        pytest.param([deed(1, "add_asset", TEAM)], {TEAM: NOTHING}, id="an-asset-given"),
        pytest.param([deed(1, "remove_asset", TEAM, {TEAM: MEMBER})], {TEAM: MEMBER}, id="an-asset-taken"),
        pytest.param([deed(1, "suspend", SUSPENSION)], {SUSPENSION: NOTHING}, id="a-suspension"),
        pytest.param(
            [deed(1, "resume", SUSPENSION, {SUSPENSION: SUSPENDED})], {SUSPENSION: SUSPENDED}, id="the-end-of-one"
        ),
        pytest.param(
            [deed(1, "change_role", had={SEAT: OWNER}), deed(2, "remove", had={SEAT: MEMBER})],
            {SEAT: OWNER},
            id="the-first-before-state-counts",
        ),
        pytest.param([deed(1, "invite"), deed(2, "add_asset", TEAM)], {SEAT: NOTHING}, id="assets-go-with-the-seat"),
    ],
)
def test_what_each_thing_is_to_be_again(deeds: list[Deed], targets: Things) -> None:
    assert turned(deeds).targets == targets


@pytest.mark.parametrize(
    ("first", "later", "why"),
    [
        pytest.param(
            deed(1, "change_role", had={SEAT: OWNER}),
            deed(2, "change_role", run="r2"),
            "changed since by task 2 (r2)",
            id="its-role",
        ),
        pytest.param(
            deed(1, "remove_asset", TEAM, {TEAM: MEMBER}),
            deed(2, "remove", run=None),
            "changed since by task 2",
            id="the-seat-under-an-asset",
        ),
    ],
)
def test_what_was_changed_since_is_left(first: Deed, later: Deed, why: str) -> None:
    inverse = turned([first], [later])
    assert (inverse.targets, [each.why for each in inverse.refused]) == ({}, [why])


def test_a_change_of_something_else_since_does_not_matter() -> None:
    inverse = turned([deed(1, "remove_asset", TEAM, {TEAM: MEMBER})], [deed(2, "add_asset", "team/8")])
    assert inverse.targets == {TEAM: MEMBER}


def test_what_is_lost_with_a_seat_is_left_with_it_and_told_once() -> None:
    inverse = turned([deed(1, "remove", had={SEAT: MEMBER, TEAM: MEMBER})], [deed(2, "invite", run="r2")])
    assert (inverse.targets, len(inverse.refused)) == ({}, 1)


def test_what_is_undone_already_is_told_as_such() -> None:
    kept = [undone(SEAT, MEMBER, {SEAT: NOTHING})]
    inverse = turned([deed(1, "remove", had={SEAT: MEMBER})], [deed(2, "invite", run="r9")], kept)
    assert [each.why for each in inverse.refused] == ["undone already (r9)"]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        pytest.param(deed(1, "remove", key=None), "it was done before the bridge wrote down what undo needs", id="old"),
        pytest.param(deed(1, "merge"), "no way back is known", id="unknown"),
    ],
)
def test_what_has_no_way_back_is_named(first: Deed, why: str) -> None:
    assert [each.why for each in turned([first]).refused] == [why]
