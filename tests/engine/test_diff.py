"""Desired, applied, observed: the changes that close the gap, and the laws that they keep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.contract.state import SEAT, SUSPENSION, Status
from scim_bridge.engine.diff import SUSPENDED, Change, Drift, Gap, Roles, Standing, Things, diff

ROLES = Roles(
    {SEAT: ("owner", "member", "guest"), "team": ("maintainer", "member"), "board": ("edit", "view")},
    frozenset(["team"]),
)
NONE: frozenset[str] = frozenset()


def things(**roles: str) -> dict[str, frozenset[str]]:
    """``things(seat="member", team="member", board="edit view")``: one team, one board."""
    keys = {"seat": SEAT, "team": "team/7", "web": "team/8", "board": "board/1"}
    return {keys[name]: frozenset(text.split()) for name, text in roles.items()}


def change(action: str, thing: str, before: str = "", after: str = "") -> Change:
    return Change(action, thing, frozenset(before.split()), frozenset(after.split()))  # type: ignore[arg-type]


def drift(thing: str, applied: str, observed: str, *, was_there: bool = False) -> Drift:
    return Drift(thing, frozenset(applied.split()), frozenset(observed.split()), was_there)


MEMBER = things(seat="member")
NOTHING: Things = {}


@pytest.mark.parametrize(
    ("desired", "applied", "observed", "gap"),
    [
        pytest.param(MEMBER, MEMBER, MEMBER, Gap(), id="converged-plans-nothing"),
        pytest.param(MEMBER, NOTHING, MEMBER, Gap((change("adopt", SEAT, "", "member"),)), id="as-much-is-adopted"),
        pytest.param(
            things(seat="owner"),
            NOTHING,
            MEMBER,
            Gap((change("change_role", SEAT, "member", "owner"),)),
            id="less-is-raised",
        ),
        pytest.param(
            MEMBER,
            NOTHING,
            things(seat="owner"),
            Gap((change("adopt", SEAT, "", "member"),), (drift(SEAT, "member", "owner", was_there=True),)),
            id="more-is-adopted-and-the-rest-is-drift",
        ),
        pytest.param(
            MEMBER,
            MEMBER,
            things(seat="owner"),
            Gap((), (drift(SEAT, "member", "owner"),)),
            id="raised-by-hand-is-drift",
        ),
        pytest.param(
            MEMBER,
            MEMBER,
            things(seat="guest"),
            Gap((), (drift(SEAT, "member", "guest"),)),
            id="lowered-by-hand-is-drift",
        ),
        pytest.param(
            MEMBER,
            things(seat="owner"),
            things(seat="owner"),
            Gap((change("change_role", SEAT, "owner", "member"),)),
            id="ours-is-lowered",
        ),
        pytest.param(
            things(seat="owner"),
            MEMBER,
            things(seat="owner"),
            Gap((change("adopt", SEAT, "member", "owner"),)),
            id="shown-already-needs-no-call",
        ),
        pytest.param(
            MEMBER,
            things(seat="guest"),
            things(seat="owner"),
            Gap((change("adopt", SEAT, "guest", "member"),), (drift(SEAT, "member", "owner"),)),
            id="a-raise-of-ours-takes-nothing-that-somebody-gave",
        ),
        pytest.param(NOTHING, MEMBER, MEMBER, Gap((change("remove", SEAT, "member"),)), id="ours-is-removed"),
        pytest.param(NOTHING, NOTHING, MEMBER, Gap(), id="hand-made-is-left-alone"),
        pytest.param(
            NOTHING,
            things(team="member"),
            things(seat="member", team="member"),
            Gap((change("forget", "team/7", "member"),)),
            id="only-the-asset-was-ours-and-the-seat-stays",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", team="member"),
            things(seat="member", team="maintainer"),
            Gap((change("remove_asset", "team/7", "maintainer"),)),
            id="an-asset-that-is-ours-is-taken-whatever-its-role",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", board="view"),
            things(seat="member", board="edit view"),
            Gap((change("remove_asset", "board/1", "view"),), (drift("board/1", "", "edit"),)),
            id="where-roles-add-up-only-ours-is-taken",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", team="member"),
            MEMBER,
            Gap((change("forget", "team/7", "member"),)),
            id="an-asset-that-is-gone-is-forgotten",
        ),
        pytest.param(
            things(seat="member", team="member"),
            MEMBER,
            MEMBER,
            Gap((change("add_asset", "team/7", "", "member"),)),
            id="an-asset-is-added",
        ),
        pytest.param(
            things(seat="member", board="edit"),
            things(seat="member", board="view"),
            things(seat="member", board="view comment"),
            Gap(
                (change("change_asset", "board/1", "comment view", "comment edit"),),
                (drift("board/1", "edit", "comment edit"),),
            ),
            id="where-roles-add-up-the-hand-made-one-stays",
        ),
        pytest.param(
            things(seat="member", board="edit"),
            things(seat="member", board="edit view"),
            things(seat="member", board="edit"),
            Gap((change("adopt", "board/1", "edit view", "edit"),)),
            id="what-was-taken-by-hand-already-needs-no-call",
        ),
        pytest.param(
            things(seat="member", web="member"),
            things(seat="member", team="member"),
            things(seat="member", team="member"),
            Gap((change("add_asset", "team/8", "", "member"), change("remove_asset", "team/7", "member"))),
            id="a-mover-is-never-in-neither",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", board="view"),
            things(seat="member", board="edit"),
            Gap((change("forget", "board/1", "view"),), (drift("board/1", "", "edit"),)),
            id="a-role-of-somebody-elses-doing-stays",
        ),
        pytest.param(
            MEMBER,
            MEMBER,
            things(seat="member", team="member"),
            Gap((), (drift("team/7", "", "member"),)),
            id="an-asset-added-by-hand-is-drift",
        ),
        pytest.param(
            MEMBER,
            NOTHING,
            things(seat="member", team="member"),
            Gap((change("adopt", SEAT, "", "member"),), (drift("team/7", "", "member", was_there=True),)),
            id="what-an-account-had-before-is-drift-that-was-there",
        ),
        pytest.param(
            MEMBER,
            MEMBER,
            {**MEMBER, "repository/1": frozenset(["admin"])},
            Gap(),
            id="kinds-of-assets-that-the-mapping-never-names-are-nobodys",
        ),
    ],
)
def test_an_active_account(desired: Things, applied: Things, observed: Things, gap: Gap) -> None:
    assert diff(Standing(desired, applied, observed, Status.ACTIVE, read_in_full=True), ROLES) == gap


def test_an_applied_plan_lowers_what_it_adopts() -> None:
    standing = Standing(MEMBER, NOTHING, things(seat="owner"), Status.ACTIVE, is_planned=True)
    assert diff(standing, ROLES).changes == (change("change_role", SEAT, "owner", "member"),)


def test_an_applied_plan_leaves_hand_made_roles_where_roles_add_up() -> None:
    observed = things(seat="member", board="edit view")
    standing = Standing(things(seat="member", board="view"), MEMBER, observed, Status.ACTIVE, is_planned=True)
    assert diff(standing, ROLES).changes == (change("adopt", "board/1", "", "view"),)


def fix(action: str, thing: str, before: str = "", after: str = "") -> Change:
    return replace(change(action, thing, before, after), is_fix=True)


OWNER = things(seat="owner")
BOARD = things(seat="member", board="view")
TEAM = things(seat="member", team="member")


@pytest.mark.parametrize(
    ("ours", "observed", "more", "changes"),
    [
        pytest.param(MEMBER, MEMBER, {}, [], id="nothing-moved"),
        pytest.param(MEMBER, OWNER, {}, [fix("change_role", SEAT, "owner", "member")], id="a-raised-role"),
        pytest.param(OWNER, MEMBER, {}, [fix("change_role", SEAT, "member", "owner")], id="a-lowered-role"),
        pytest.param(MEMBER, TEAM, {}, [fix("remove_asset", "team/7", "member")], id="an-added-asset"),
        pytest.param(TEAM, MEMBER, {}, [fix("add_asset", "team/7", "", "member")], id="a-removed-asset"),
        pytest.param(
            TEAM,
            things(seat="member", team="maintainer"),
            {},
            [fix("change_asset", "team/7", "maintainer", "member")],
            id="a-raised-asset-role",
        ),
        pytest.param(
            BOARD,
            things(seat="member", board="edit view"),
            {},
            [fix("change_asset", "board/1", "edit view", "view")],
            id="an-added-asset-role-where-roles-add-up",
        ),
        pytest.param(
            MEMBER, {**MEMBER, "repository/1": frozenset(["admin"])}, {}, [], id="a-kind-that-the-mapping-never-names"
        ),
        pytest.param(MEMBER, OWNER, {"read_in_full": False}, [], id="never-by-a-doubtful-reading"),
        pytest.param(MEMBER, OWNER, {"were_there": OWNER}, [], id="what-was-there-before-stays"),
        pytest.param(
            things(seat="guest"),
            OWNER,
            {"were_there": MEMBER},
            [fix("change_role", SEAT, "owner", "member")],
            id="raised-above-what-was-there-goes-back-to-that",
        ),
        pytest.param(
            things(seat="guest"), MEMBER, {"were_there": OWNER}, [], id="lowered-by-hand-towards-the-rules-is-left"
        ),
        pytest.param(
            MEMBER,
            things(seat="guest"),
            {"were_there": OWNER},
            [fix("change_role", SEAT, "guest", "member")],
            id="lowered-below-the-rules-is-raised-to-them",
        ),
        pytest.param(
            BOARD,
            things(seat="member", board="comment edit view"),
            {"were_there": things(board="edit view")},
            [fix("change_asset", "board/1", "comment edit view", "edit view")],
            id="where-roles-add-up-what-was-there-stays",
        ),
        pytest.param(TEAM, MEMBER, {"vanished": frozenset(["team/7"])}, [], id="an-asset-that-the-app-shows-no-more"),
        pytest.param(TEAM, MEMBER, {"is_leaving": True}, [], id="a-leaver-is-given-nothing"),
        pytest.param(
            MEMBER,
            TEAM,
            {"is_leaving": True},
            [fix("remove_asset", "team/7", "member")],
            id="from-a-leaver-it-is-taken",
        ),
    ],
)
def test_drift_is_brought_back(ours: Things, observed: Things, more: dict[str, object], changes: list[Change]) -> None:
    standing = Standing(ours, ours, observed, Status.ACTIVE, read_in_full=True, fixes=True)
    assert list(diff(replace(standing, **more), ROLES).changes) == changes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "observed", "more", "changes"),
    [
        pytest.param(None, NOTHING, {}, [fix("invite", SEAT, "", "member")], id="a-removed-seat-is-invited-again"),
        pytest.param(None, NOTHING, {"invites": False}, [fix("add", SEAT, "", "member")], id="or-added-again"),
        pytest.param(None, NOTHING, {"is_leaving": True}, [], id="a-leaver-is-not"),
        pytest.param(None, NOTHING, {"read_in_full": False}, [], id="not-by-a-doubtful-reading"),
        pytest.param(Status.EXPIRED, NOTHING, {}, [], id="a-lapsed-invitation-has-its-own-life"),
        pytest.param(
            Status.INVITED, OWNER, {}, [fix("renew", SEAT, "owner", "member")], id="a-raised-invitation-is-renewed"
        ),
        pytest.param(
            Status.INVITED, TEAM, {}, [fix("renew", SEAT, "member", "member")], id="so-is-one-with-another-asset"
        ),
        pytest.param(Status.INVITED, OWNER, {"were_there": OWNER}, [], id="one-that-was-made-by-hand-is-not"),
        pytest.param(Status.INVITED, OWNER, {"is_leaving": True}, [], id="a-leavers-is-not-sent-again"),
    ],
)
def test_a_seat_is_brought_back(
    status: Status | None, observed: Things, more: dict[str, object], changes: list[Change]
) -> None:
    standing = Standing(MEMBER, MEMBER, observed, status, read_in_full=True, fixes=True)
    gap = diff(replace(standing, **more), ROLES)  # type: ignore[arg-type]
    assert list(gap.changes) == changes
    assert gap.drift  # whether it is brought back or not, it is shown


RESTS = {**MEMBER, SUSPENSION: SUSPENDED}


@pytest.mark.parametrize(
    ("desired", "applied", "observed", "more", "changes"),
    [
        pytest.param(RESTS, MEMBER, MEMBER, {}, [change("suspend", SUSPENSION, "member")], id="a-step-suspends"),
        pytest.param(RESTS, RESTS, RESTS, {}, [], id="once"),
        pytest.param(
            MEMBER, RESTS, RESTS, {}, [change("resume", SUSPENSION, "", "member")], id="wanted-again-is-resumed"
        ),
        pytest.param(
            things(seat="owner", team="member"),
            RESTS,
            RESTS,
            {},
            [
                change("resume", SUSPENSION, "", "member"),
                change("change_role", SEAT, "member", "owner"),
                change("add_asset", "team/7", "", "member"),
            ],
            id="resumed-before-anything-else-is-given",
        ),
        pytest.param(
            RESTS,
            TEAM,
            TEAM,
            {},
            [change("suspend", SUSPENSION, "member"), change("remove_asset", "team/7", "member")],
            id="suspended-before-anything-else-is-taken",
        ),
        pytest.param(
            RESTS, MEMBER, RESTS, {}, [change("adopt", SUSPENSION, "", "suspended")], id="suspended-by-hand-is-adopted"
        ),
        pytest.param(MEMBER, MEMBER, RESTS, {}, [], id="suspended-by-hand-is-drift"),
        pytest.param(
            MEMBER,
            MEMBER,
            RESTS,
            {"fixes": True},
            [fix("resume", SUSPENSION, "", "member")],
            id="and-resumed-where-drift-is-fixed",
        ),
        pytest.param(
            MEMBER, MEMBER, RESTS, {"fixes": True, "is_leaving": True}, [], id="though-not-while-a-timer-runs"
        ),
        pytest.param(
            RESTS,
            RESTS,
            MEMBER,
            {"fixes": True, "is_leaving": True},
            [fix("suspend", SUSPENSION, "member")],
            id="resumed-by-hand-is-suspended-again",
        ),
        pytest.param(NOTHING, RESTS, RESTS, {}, [change("remove", SEAT, "member")], id="and-removed-in-the-end"),
    ],
)
def test_suspension(
    desired: Things, applied: Things, observed: Things, more: dict[str, object], changes: list[Change]
) -> None:
    status = Status.SUSPENDED if SUSPENSION in observed else Status.ACTIVE
    standing = Standing(desired, applied, observed, status, read_in_full=True)
    assert list(diff(replace(standing, **more), ROLES).changes) == changes  # type: ignore[arg-type]


def test_an_invitation_cannot_be_suspended_so_it_is_cancelled() -> None:
    standing = Standing(RESTS, MEMBER, MEMBER, Status.INVITED, read_in_full=True, is_leaving=True)
    assert diff(standing, ROLES).changes == (change("cancel_invitation", SEAT, "member"),)


@pytest.mark.parametrize(
    ("standing", "gap"),
    [
        pytest.param(Standing(MEMBER), Gap((change("invite", SEAT, "", "member"),)), id="invited"),
        pytest.param(
            Standing(MEMBER, invites=False),
            Gap((change("add", SEAT, "", "member"),)),
            id="added-where-nobody-is-invited",
        ),
        pytest.param(
            Standing(MEMBER, status=Status.EXPIRED),
            Gap((change("invite", SEAT, "", "member"),)),
            id="a-lapsed-invitation-holds-no-seat",
        ),
        pytest.param(
            Standing(MEMBER, MEMBER, read_in_full=True),
            Gap((), (drift(SEAT, "member", ""),)),
            id="removed-by-hand-is-drift",
        ),
        pytest.param(
            Standing(NOTHING, MEMBER, read_in_full=True),
            Gap((change("forget", SEAT, "member"),)),
            id="gone-is-forgotten",
        ),
        pytest.param(Standing(NOTHING, MEMBER), Gap(), id="not-read-in-full-forgets-nothing"),
        pytest.param(Standing(read_in_full=True), Gap(), id="nobody-stays-nobody"),
    ],
)
def test_no_account(standing: Standing, gap: Gap) -> None:
    assert diff(standing, ROLES) == gap


@pytest.mark.parametrize(
    ("desired", "applied", "observed", "gap"),
    [
        pytest.param(MEMBER, MEMBER, MEMBER, Gap(), id="pending-plans-nothing"),
        pytest.param(
            NOTHING, MEMBER, MEMBER, Gap((change("cancel_invitation", SEAT, "member"),)), id="loss-of-the-seat-cancels"
        ),
        pytest.param(NOTHING, NOTHING, MEMBER, Gap(), id="a-hand-made-invitation-is-left-alone"),
        pytest.param(things(seat="owner"), MEMBER, MEMBER, Gap((), (), (SEAT,)), id="a-higher-role-waits"),
        pytest.param(
            things(seat="guest"),
            MEMBER,
            MEMBER,
            Gap((change("renew", SEAT, "member", "guest"),)),
            id="a-lower-role-renews",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", team="member"),
            things(seat="member", team="member"),
            Gap((change("renew", SEAT, "member", "member"),)),
            id="a-lost-team-renews",
        ),
        pytest.param(
            things(seat="member", web="member"), MEMBER, MEMBER, Gap((), (), ("team/8",)), id="a-further-team-waits"
        ),
        pytest.param(
            MEMBER,
            MEMBER,
            things(seat="owner"),
            Gap((), (drift(SEAT, "member", "owner"),)),
            id="raised-by-hand-is-drift-and-left",
        ),
        pytest.param(
            MEMBER,
            NOTHING,
            things(seat="owner", team="member"),
            Gap(
                (change("adopt", SEAT, "", "member"),),
                (drift(SEAT, "member", "owner", was_there=True), drift("team/7", "", "member", was_there=True)),
            ),
            id="hand-made-with-more-is-adopted-not-lowered",
        ),
        pytest.param(
            things(seat="owner"),
            NOTHING,
            MEMBER,
            Gap((change("adopt", SEAT, "", "member"),), (), (SEAT,)),
            id="hand-made-with-less-is-adopted-and-waits",
        ),
        pytest.param(
            MEMBER,
            things(seat="member", team="member"),
            MEMBER,
            Gap((change("forget", "team/7", "member"),)),
            id="what-it-carries-no-longer-is-forgotten",
        ),
        pytest.param(
            things(seat="member", team="maintainer"),
            things(seat="member", team="member"),
            things(seat="member", team="member"),
            Gap((), (), ("team/7",)),
            id="a-higher-asset-role-waits",
        ),
    ],
)
def test_a_pending_invitation(desired: Things, applied: Things, observed: Things, gap: Gap) -> None:
    assert diff(Standing(desired, applied, observed, Status.INVITED, read_in_full=True), ROLES) == gap


def test_an_applied_plan_renews_a_hand_made_invitation_that_carries_more() -> None:
    standing = Standing(MEMBER, NOTHING, things(seat="owner"), Status.INVITED, is_planned=True)
    assert diff(standing, ROLES).changes == (change("renew", SEAT, "owner", "member"),)


@pytest.mark.parametrize(
    ("thing", "has", "wanted", "covers"),
    [
        pytest.param(SEAT, "owner", "member", True, id="higher-covers-lower"),
        pytest.param(SEAT, "guest", "member", False, id="lower-does-not"),
        pytest.param(SEAT, "", "member", False, id="nothing-covers-nothing-but-nothing"),
        pytest.param(SEAT, "", "", True, id="nothing-is-wanted"),
        pytest.param("team/7", "unheard-of", "member", False, id="an-unlisted-role-stands-below-all"),
        pytest.param("board/1", "edit", "view", False, id="roles-that-add-up-do-not-stand-for-each-other"),
        pytest.param("board/1", "edit view", "view", True, id="roles-that-add-up-all-wanted-are-there"),
    ],
)
def test_covers(thing: str, has: str, wanted: str, covers: bool) -> None:
    assert ROLES.covers(thing, frozenset(has.split()), frozenset(wanted.split())) is covers


@pytest.mark.parametrize(("action", "calls"), [("adopt", False), ("forget", False), ("invite", True), ("remove", True)])
def test_book_keeping_needs_no_call(action: str, calls: bool) -> None:
    assert change(action, SEAT).needs_call is calls


# Laws

_ASSET_ROLES = {"team/7": ("maintainer", "member"), "team/8": ("maintainer", "member"), "board/1": ("edit", "view")}


def _assets() -> st.SearchStrategy[dict[str, frozenset[str]]]:
    one = {key: st.sampled_from([NONE, *(frozenset([role]) for role in roles)]) for key, roles in _ASSET_ROLES.items()}
    one["board/1"] = st.sampled_from([NONE, frozenset(["edit"]), frozenset(["view"]), frozenset(["edit", "view"])])
    return st.fixed_dictionaries(one).map(lambda all_: {key: roles for key, roles in all_.items() if roles})


def _states(seat: bool | None = None) -> st.SearchStrategy[dict[str, frozenset[str]]]:
    role = st.sampled_from(["owner", "member", "guest"]).map(lambda one: {SEAT: frozenset([one])})
    with_seat = st.tuples(role, _assets()).map(lambda both: {**both[0], **both[1]})
    return with_seat if seat else st.one_of(st.just({}), with_seat)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    status = draw(st.sampled_from([None, Status.ACTIVE, Status.INVITED, Status.SUSPENDED]))
    observed = draw(_states(seat=True)) if status else {}
    invites = status is Status.INVITED or draw(st.booleans())
    applied, is_leaving = draw(_states()), draw(st.booleans())
    desired = dict(applied) if is_leaving else draw(_states())
    if is_leaving and SEAT in desired and draw(st.booleans()):
        desired[SUSPENSION] = SUSPENDED
    if SEAT in applied and draw(st.booleans()):
        applied[SUSPENSION] = SUSPENDED
    if status is Status.SUSPENDED:
        observed[SUSPENSION] = SUSPENDED
    return Standing(
        desired, applied, observed, status, True, draw(st.booleans()), invites, draw(st.booleans()), is_leaving
    )


def carry_out(standing: Standing, gap: Gap) -> Standing:
    """What is applied and observed once every change of the plan has been made."""
    applied, observed, status = dict(standing.applied), dict(standing.observed), standing.status
    for one in gap.changes:
        if one.action in ("invite", "add", "renew"):
            applied = {SEAT: one.after}
            observed = {SEAT: one.after}
            status = Status.INVITED if standing.invites else Status.ACTIVE
        elif one.action in ("remove", "cancel_invitation"):
            applied, observed, status = {}, {}, None
        elif one.action in ("suspend", "resume"):
            rests = SUSPENDED if one.action == "suspend" else NONE
            applied = {**applied, SUSPENSION: standing.desired.get(SUSPENSION, NONE)}
            observed = {**observed, SUSPENSION: rests}
            status = Status.SUSPENDED if rests else Status.ACTIVE
        else:
            kept = one.after if one.action == "adopt" else standing.desired.get(one.thing, NONE)
            applied = {**applied, one.thing: kept}
            if one.needs_call:
                left = observed.get(one.thing, NONE) - one.before if one.action == "remove_asset" else one.after
                observed = {**observed, one.thing: left}
    held = {key: roles for key, roles in applied.items() if roles}
    shown = {key: roles for key, roles in observed.items() if roles}
    were_there = {one.thing: one.observed for one in gap.drift if one.was_there}
    after = replace(standing, applied=held, observed=shown, status=status, is_planned=False)
    if standing.is_leaving and not held:
        after = replace(after, desired={})  # what a leaver keeps is what is ours
    return replace(after, were_there={**standing.were_there, **were_there})


@given(standings())
def test_after_a_plan_is_carried_out_the_next_one_is_empty(standing: Standing) -> None:
    after = carry_out(standing, diff(standing, ROLES))
    if after.status is Status.ACTIVE and standing.status is None:  # added at once: its assets follow
        after = carry_out(after, diff(after, ROLES))
    assert diff(after, ROLES).changes == ()


@given(standings())
def test_carrying_a_plan_out_twice_changes_nothing_more(standing: Standing) -> None:
    gap = diff(standing, ROLES)
    once = carry_out(standing, gap)
    if not any(one.action in ("remove", "cancel_invitation", "renew") for one in gap.changes):
        assert carry_out(once, gap).observed == once.observed


@given(standings())
def test_only_what_was_applied_is_ever_removed(standing: Standing) -> None:
    for one in diff(standing, ROLES).changes:
        if one.action in ("remove", "cancel_invitation", "remove_asset") and not one.is_fix:
            assert one.thing in standing.applied


@given(standings())
def test_drift_is_brought_back_on_accounts_of_ours_only(standing: Standing) -> None:
    hand_made = replace(standing, applied={}, fixes=True)
    assert not any(one.is_fix for one in diff(hand_made, ROLES).changes)


@given(standings())
def test_a_leaver_is_given_nothing_by_a_fix(standing: Standing) -> None:
    leaver = replace(standing, fixes=True, is_leaving=True)
    fixes = [one for one in diff(leaver, ROLES).changes if one.is_fix]
    assert all(one.action == "suspend" or ROLES.covers(one.thing, one.before, one.after) for one in fixes)


@given(standings())
def test_outside_an_applied_plan_adoption_only_raises(standing: Standing) -> None:
    for one in diff(replace(standing, is_planned=False), ROLES).changes:
        if one.needs_call and one.thing not in standing.applied and one.action not in ("renew", "suspend"):
            if one.is_fix:
                continue
            assert ROLES.covers(one.thing, one.after, one.before)


@given(standings())
def test_hand_made_accounts_are_never_removed(standing: Standing) -> None:
    hand_made = replace(standing, applied={}, desired={})
    assert not any(one.needs_call for one in diff(hand_made, ROLES).changes)


@given(standings())
def test_removals_come_last(standing: Standing) -> None:
    takes = [
        not ROLES.covers(one.thing, one.after, one.before) for one in diff(standing, ROLES).changes if one.needs_call
    ]
    assert takes == sorted(takes)
