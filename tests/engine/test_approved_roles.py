"""`approve_roles`: which role somebody may be given now (mapping format, `safety`)."""

from __future__ import annotations

import pytest

from scim_bridge.contract.state import SEAT, Status
from scim_bridge.engine.approved_roles import Restraint, restrain
from scim_bridge.engine.asks import Answer
from scim_bridge.engine.diff import Roles, Standing, Things

ROLES = Roles({SEAT: ("owner", "admin", "member", "guest"), "team": ("member",)}, frozenset(["team"]))


def seat(role: str) -> Things:
    return {SEAT: frozenset([role])} if role else {}


def restrained(
    wanted: str,
    lower: str = "",
    *,
    ours: str = "",
    shown: str = "",
    answers: tuple[Answer, ...] = (),
    approve: str = "owner",
    invites: bool = True,
) -> Restraint:
    standing = Standing(
        {**seat(wanted), "team/7": frozenset(["member"])} if wanted else {},
        seat(ours),
        seat(shown),
        Status.ACTIVE if shown else None,
        invites=invites,
    )
    return restrain(standing, lower.split(), answers=answers, approve_roles=approve.split(), roles=ROLES)


def said(role: str, state: str) -> Answer:
    return Answer(7, ("gives", SEAT, "", role), "role", "why", state, "cli:ops", "as agreed")


ASKED = said("owner", "pending")


def given(found: Restraint) -> str:
    return min(found.standing.desired.get(SEAT, frozenset()), default="")


@pytest.mark.parametrize(
    ("found", "now", "waits"),
    [
        pytest.param(restrained("member"), "member", [], id="other-roles-need-no-word"),
        pytest.param(restrained(""), "", [], id="nothing-wanted"),
        pytest.param(restrained("owner"), "", ["owner"], id="no-lower-role-no-seat"),
        pytest.param(restrained("owner", "member guest"), "member", ["owner"], id="the-next-lower-role"),
        pytest.param(restrained("owner", ours="guest", shown="guest"), "guest", ["owner"], id="what-is-ours-stays"),
        pytest.param(
            restrained("owner", "guest", ours="member", shown="member"),
            "member",
            ["owner"],
            id="nobody-is-lowered-meanwhile",
        ),
        pytest.param(
            restrained("owner", "member", ours="guest", shown="guest"),
            "member",
            ["owner"],
            id="raised-a-bit",
        ),
        pytest.param(restrained("owner", shown="member"), "", ["owner"], id="a-hand-made-account-stays-hand-made"),
        pytest.param(restrained("owner", ours="owner"), "owner", [], id="what-is-ours-was-agreed-to"),
        pytest.param(restrained("owner", shown="owner"), "owner", [], id="what-the-app-shows-is-no-gain"),
        pytest.param(
            restrained("admin", ours="owner", shown="owner", approve="owner admin"),
            "admin",
            [],
            id="lowered",
        ),
        pytest.param(restrained("owner", answers=(said("owner", "approved"),)), "owner", [], id="approved"),
        pytest.param(restrained("owner", "member", answers=(ASKED,)), "member", ["owner"], id="asked"),
        pytest.param(
            restrained("owner", "member", answers=(said("owner", "rejected"),)), "member", ["owner"], id="rejected"
        ),
        pytest.param(
            restrained("owner", answers=(said("admin", "approved"),)), "", ["owner"], id="another-role-was-approved"
        ),
        pytest.param(
            restrained("owner", "admin member", approve="owner admin"),
            "member",
            ["owner", "admin"],
            id="each-on-the-way-down-is-asked",
        ),
        pytest.param(
            restrained("owner", "admin member", approve="owner admin", answers=(said("admin", "approved"),)),
            "admin",
            ["owner"],
            id="the-lower-one-is-approved",
        ),
    ],
)
def test_what_is_given_now_and_what_waits(found: Restraint, now: str, waits: list[str]) -> None:
    assert given(found) == now
    assert [min(one.change.after) for one in found.held] == waits


def test_without_a_seat_there_are_no_assets() -> None:
    assert restrained("owner").standing.desired == {}
    assert "team/7" in restrained("owner", "member").standing.desired


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(restrained("owner"), ("invite", "", "owner"), id="an-invitation"),
        pytest.param(restrained("owner", invites=False), ("add", "", "owner"), id="a-seat-that-is-there-at-once"),
        pytest.param(restrained("owner", "member"), ("change_role", "member", "owner"), id="from-what-is-given"),
        pytest.param(restrained("owner", shown="guest"), ("change_role", "guest", "owner"), id="a-raise-by-hand"),
    ],
)
def test_the_change_that_waits(found: Restraint, expected: tuple[str, str, str]) -> None:
    (one,) = found.held
    assert (one.change.action, min(one.change.before, default=""), min(one.change.after)) == expected


def test_it_says_which_and_why() -> None:
    (one,) = restrained("owner", "member").held
    assert one.cause == "`safety.approve_roles`: somebody must agree before anyone becomes owner; member until then"
    assert "approvals approve ID" in one.advice
    (one,) = restrained("owner").held
    assert one.cause.endswith("no rule gives a lower role, so no seat until then")
    (one,) = restrained("owner", answers=(said("owner", "rejected"),)).held
    assert one.cause == "rejected by cli:ops: as agreed (why)"


def test_a_yes_stays_asked_for_until_it_is_used() -> None:
    found = restrained("owner", "member", answers=(said("owner", "approved"),))
    assert [ask.key for ask in found.asks] == [("gives", SEAT, "", "owner")]
