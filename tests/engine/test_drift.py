"""Changes by hand in the app: kept as rows while they last, left under ``report``, brought back under ``fix``."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE, ROADMAP, WEB

from scim_bridge.audit.tables import AuditRow
from scim_bridge.contract.state import Status
from scim_bridge.engine.drift import list_drift
from scim_bridge.engine.forget import forget_hub
from scim_bridge.engine.tables import DriftRow, Pair
from scim_bridge.errors import Transient
from scim_bridge.hubs.tables import Hub

FIX = "drift: fix"


def ref_of(world: World, login: str = "ana") -> str:
    return next(ref for ref, one in world.app.accounts.items() if one.login == login)


def by_hand(world: World, role: str, login: str = "ana") -> None:
    """Somebody gives the account another seat role inside the app."""
    ref = ref_of(world, login)
    world.app.accounts[ref] = replace(world.app.accounts[ref], role=role)


def read(world: World) -> None:
    """A minute later the hub is read, and the engine does what is due."""
    world.clock.advance(minutes=1)
    world.read()
    world.run()


def drift(world: World) -> list[tuple[str, str, str]]:
    """``(thing, ours, shown)``."""
    with world.db.read() as tx:
        return [(one.thing, ", ".join(one.ours), ", ".join(one.shown)) for one in reversed(list_drift(tx, "acme"))]


def events(world: World) -> list[tuple[str, str]]:
    rows = world.rows(sa.select(AuditRow).where(AuditRow.action.like("drift.%")).order_by(AuditRow.id))
    return [(row.action, row.detail["thing"]) for row in rows]


# Report


def test_what_moved_is_kept_with_since_when_and_told_once(live: World) -> None:
    ana = seated(live, "Staff")
    by_hand(live, "owner")
    read(live)
    since = live.now
    read(live)
    (row,) = live.rows(sa.select(DriftRow))
    assert (row.hub_id, row.person_id, row.thing, row.applied, row.observed) == (
        "acme",
        ana,
        "seat",
        ["member"],
        ["owner"],
    )
    assert (row.since, events(live), live.calls()) == (since, [("drift.began", "seat")], [])


def test_it_ends_when_the_app_shows_what_is_ours_again(live: World) -> None:
    seated(live, "Staff")
    by_hand(live, "owner")
    read(live)
    by_hand(live, "member")
    read(live)
    assert (drift(live), events(live)) == ([], [("drift.began", "seat"), ("drift.ended", "seat")])


def test_another_move_begins_anew(live: World) -> None:
    seated(live, "Staff")
    by_hand(live, "owner")
    read(live)
    live.clock.advance(hours=1)
    by_hand(live, "guest")
    read(live)
    assert (drift(live), live.rows(sa.select(DriftRow.since))[0].since) == ([("seat", "member", "guest")], live.now)


def test_every_right_of_an_account_that_is_ours_counts(live: World) -> None:
    seated(live, "Staff", "Core", "Readers")
    holds = live.app.holdings
    del holds[ref_of(live), CORE.key]
    holds[ref_of(live), WEB.key] = {"maintainer"}
    holds[ref_of(live), ROADMAP.key] = {"view", "edit"}
    read(live)
    assert sorted(drift(live)) == [
        ("board/roadmap", "view", "edit, view"),
        ("team/core", "member", ""),
        ("team/web", "", "maintainer"),
    ]
    assert live.calls() == []


def test_kinds_of_assets_that_the_mapping_never_names_are_nobodys(world: World) -> None:
    world.publish(
        mapping()
        .replace("{team: [maintainer, member], board: [edit, view]}", "{team: [member]}")
        .replace("  - {name: readers, group: Readers, assets: {board/roadmap: view}}\n", "")
        .replace("  - {name: writers, group: Writers, assets: {board/roadmap: edit}}\n", "")
        .replace("  - {name: leads, group: Leads, assets: {team/core: maintainer}}\n", "")
    )
    world.run()
    seated(world, "Staff")
    world.app.holdings[ref_of(world), ROADMAP.key] = {"edit"}
    read(world)
    assert drift(world) == []


def test_hand_made_accounts_do_not_drift(live: World) -> None:
    live.app.member("eve", "eve@elsewhere.example", role="owner", holds={CORE: "member"})
    read(live)
    assert drift(live) == []


def test_a_removed_account_is_drift_and_goes_with_the_wish_for_it(live: World) -> None:
    seated(live, "Staff")
    live.app.drop(ref_of(live))
    read(live)
    assert (drift(live), live.calls()) == ([("seat", "member", "")], [])
    live.push("ana")
    live.run()
    assert drift(live) == []


def test_suspended_by_hand_is_drift(live: World) -> None:
    seated(live, "Staff")
    ref = ref_of(live)
    live.app.accounts[ref] = replace(live.app.accounts[ref], status=Status.SUSPENDED)
    read(live)
    assert (drift(live), live.calls()) == ([("suspension", "", "suspended")], [])


def test_a_reading_that_breaks_off_finds_no_drift_and_ends_none(live: World) -> None:
    seated(live, "Staff", "Core")
    by_hand(live, "owner")
    read(live)
    by_hand(live, "member")
    del live.app.holdings[ref_of(live), CORE.key]
    live.app.failures["observed"] = [Transient("broke off")]
    live.clock.advance(minutes=1)
    live.read()
    assert drift(live) == [("seat", "member", "owner")]


def test_our_own_change_is_no_drift(live: World) -> None:
    seated(live, "Staff")
    live.push("ana", "Staff", "Owners", "Core")
    live.run()
    read(live)
    assert (drift(live), events(live)) == ([], [])


def test_why_says_since_when(live: World) -> None:
    ana = seated(live, "Staff")
    by_hand(live, "owner")
    read(live)
    assert live.why(ana).drift == [f"seat: the app shows owner, ours is member, since {live.now:%Y-%m-%d %H:%M:%S}Z"]


def test_a_forgotten_hub_has_no_drift(live: World) -> None:
    seated(live, "Staff")
    by_hand(live, "owner")
    read(live)
    with live.db.write() as tx:
        tx.execute(sa.update(Hub).values(detached_at=live.now))
        forget_hub(tx, "acme", actor="cli:ops", now=live.now)
    assert live.rows(sa.select(DriftRow)) == []


def test_the_list_names_hub_person_and_thing(live: World) -> None:
    ana = seated(live, "Staff")
    live.app.holdings[ref_of(live), CORE.key] = {"member"}
    read(live)
    with live.db.read() as tx:
        (one,) = list_drift(tx)
    assert (one.hub_id, one.person_id, one.user_name, one.thing) == ("acme", ana, "ana@acme.example", "team/core")
    assert (one.ours, one.shown, one.was_there, one.since) == ([], ["member"], [], live.now)


# Fix


@pytest.fixture
def fixing(world: World) -> World:
    """Live, read once, and drift is brought back."""
    world.begin(safety=FIX)
    return world


def test_a_raised_role_is_brought_back(fixing: World) -> None:
    seated(fixing, "Staff")
    by_hand(fixing, "owner")
    fixing.app.member("second", role="owner")
    read(fixing)
    assert (fixing.calls(), drift(fixing)) == ([("change_role", "ana", "member")], [])
    assert events(fixing) == [("drift.began", "seat"), ("drift.ended", "seat")]


def test_the_task_says_why(fixing: World) -> None:
    seated(fixing, "Staff")
    by_hand(fixing, "guest")
    read(fixing)
    assert [why["rule"] for why in fixing.task().because] == ["staff", "safety.drift: fix"]
    (row,) = fixing.rows(sa.select(AuditRow.detail).where(AuditRow.action == "seat.changed"))
    assert row.detail["rules"] == ["staff", "safety.drift: fix"]


def test_assets_are_brought_back(fixing: World) -> None:
    seated(fixing, "Staff", "Core", "Readers")
    holds = fixing.app.holdings
    del holds[ref_of(fixing), CORE.key]
    holds[ref_of(fixing), WEB.key] = {"maintainer"}
    holds[ref_of(fixing), ROADMAP.key] = {"view", "edit"}
    read(fixing)
    assert fixing.calls() == [
        ("set_asset", "ana", "core", "member"),
        ("unset_asset", "ana", "roadmap", "edit"),
        ("unset_asset", "ana", "web", "maintainer"),
    ]
    assert drift(fixing) == []
    read(fixing)
    assert fixing.calls() == []


def test_the_plan_names_what_is_brought_back(fixing: World) -> None:
    seated(fixing, "Staff")
    by_hand(fixing, "guest")
    fixing.clock.advance(minutes=1)
    fixing.read()
    assert fixing.planned() == [("ana", "change_role", "member", False)]


def test_a_removed_seat_is_invited_again_with_its_assets_behind_everybody_else(fixing: World) -> None:
    ana = seated(fixing, "Staff", "Core")
    fixing.app.drop(ref_of(fixing))
    fixing.clock.advance(minutes=1)
    fixing.read()
    assert fixing.pair(ana).priority == 3
    fixing.run()
    assert fixing.calls() == [("invite", "ana@acme.example", "member", "core")]
    fixing.app.accept("ana@acme.example")
    fixing.later(minutes=10)
    assert (fixing.calls(), drift(fixing)) == ([], [])


def test_it_is_not_where_nobody_wants_it_any_more(fixing: World) -> None:
    seated(fixing, "Staff")
    fixing.app.drop(ref_of(fixing))
    fixing.push("ana")
    read(fixing)
    assert fixing.calls() == []


def test_an_added_seat_comes_back_with_its_assets_where_nobody_is_invited(world: World) -> None:
    world.publish(mapping(app="direct", safety=FIX))
    world.run()
    world.push("ana", "Staff", "Leads")
    world.run()
    world.calls()
    world.app.drop(ref_of(world))
    read(world)
    assert world.calls() == [("invite", "ana@acme.example", "member"), ("set_asset", "ana", "core", "maintainer")]
    read(world)
    assert (world.calls(), drift(world)) == ([], [])


def test_a_cancelled_invitation_is_not_sent_again_by_a_fix(fixing: World) -> None:
    fixing.push("ana", "Staff")
    fixing.run()
    fixing.app.drop(fixing.app.invitation("ana@acme.example").ref)  # type: ignore[union-attr]
    fixing.calls()
    read(fixing)
    assert (fixing.calls(), fixing.task().state) == ([], "failed")


def test_an_invitation_that_was_raised_is_sent_anew(fixing: World) -> None:
    fixing.push("ana", "Staff")
    fixing.run()
    fixing.calls()
    invited = fixing.app.invitation("ana@acme.example")
    assert invited is not None
    fixing.app.accounts[invited.ref] = replace(invited, role="owner")
    read(fixing)
    assert fixing.calls() == [("cancel", "ana@acme.example"), ("invite", "ana@acme.example", "member")]
    read(fixing)
    assert (fixing.calls(), drift(fixing)) == ([], [])


def test_what_an_account_had_before_it_was_ours_is_shown_and_stays(fixing: World) -> None:
    fixing.app.member("bo", "bo@acme.example", role="owner", holds={CORE: "member"})
    read(fixing)
    fixing.push("bo", "Staff")
    fixing.run()
    for _ in range(2):
        read(fixing)
    assert fixing.calls() == []
    assert sorted(drift(fixing)) == [("seat", "member", "owner"), ("team/core", "", "member")]


def test_beyond_that_it_is_brought_back_to_what_was_there(fixing: World) -> None:
    fixing.app.member("bo", "bo@acme.example", holds={CORE: "member"})
    read(fixing)
    fixing.push("bo", "Guests")
    fixing.run()
    by_hand(fixing, "owner", "bo")
    fixing.app.holdings[ref_of(fixing, "bo"), CORE.key] = {"maintainer"}
    read(fixing)
    assert fixing.calls() == [("change_role", "bo", "member"), ("set_asset", "bo", "core", "member")]
    read(fixing)
    assert (fixing.calls(), sorted(drift(fixing))) == ([], [("seat", "guest", "member"), ("team/core", "", "member")])


def test_hand_made_accounts_are_never_touched(fixing: World) -> None:
    fixing.app.member("eve", "eve@elsewhere.example", role="member", holds={CORE: "member"})
    fixing.app.member("bo", "bo@acme.example", role="member")
    fixing.push("bo")
    read(fixing)
    assert fixing.calls() == []


def test_protected_accounts_lose_nothing_by_a_fix(world: World) -> None:
    world.begin(safety=f"{FIX}, protect: [ana]")
    seated(world, "Staff")
    world.app.holdings[ref_of(world), CORE.key] = {"member"}
    read(world)
    assert (world.calls(), world.tasks()[-1]) == ([], ("remove_asset", "team/core", "held"))
    assert drift(world) == [("team/core", "", "member")]


def test_the_last_owner_is_not_demoted_by_a_fix(fixing: World) -> None:
    seated(fixing, "Staff")
    by_hand(fixing, "owner")
    by_hand(fixing, "member", "root")
    read(fixing)
    assert (fixing.calls(), fixing.tasks()[-1]) == ([], ("change_role", "seat", "held"))


def test_ignored_accounts_do_not_drift(world: World) -> None:
    world.begin(safety=FIX)
    seated(world, "Staff")
    world.publish(mapping(safety=f"{FIX}, ignore: [ana]"))
    by_hand(world, "guest")
    read(world)
    assert (world.calls(), drift(world)) == ([], [])


def test_an_old_reading_is_taken_anew_before_anything_is_brought_back(world: World) -> None:
    world.begin()
    seated(world, "Staff")
    by_hand(world, "guest")
    read(world)
    world.clock.advance(hours=2)
    by_hand(world, "member")
    readings = world.app.readings
    world.publish(mapping(safety=FIX))
    world.run()
    assert (world.app.readings, world.calls(), drift(world)) == (readings + 1, [], [])


def test_a_mapping_that_fixes_from_now_on_brings_back_what_is_known(world: World) -> None:
    world.begin()
    seated(world, "Staff")
    by_hand(world, "guest")
    read(world)
    world.publish(mapping(safety=FIX))
    world.run()
    assert world.calls() == [("change_role", "ana", "member")]


def test_under_report_a_reading_wakes_nobody_for_drift(live: World) -> None:
    ana = seated(live, "Staff")
    by_hand(live, "owner")
    want = live.pair(ana).want
    read(live)
    assert live.pair(ana).want == want
    assert live.rows(sa.select(Pair.due_at).where(Pair.due_at.is_not(None))) == []


def test_a_fix_that_fails_is_tried_again_and_stays_drift_until_then(fixing: World) -> None:
    seated(fixing, "Staff")
    by_hand(fixing, "guest")
    fixing.app.failures["change_role"] = [Transient("away")]
    read(fixing)
    assert drift(fixing) == [("seat", "member", "guest")]
    fixing.later(seconds=5)
    assert (drift(fixing), fixing.app.seats()["ana@acme.example"]) == ([], "member")


def test_an_asset_that_the_app_shows_no_more_is_not_given_again(fixing: World) -> None:
    seated(fixing, "Staff", "Core")
    fixing.app.assets.remove(CORE)
    del fixing.app.holdings[ref_of(fixing), CORE.key]
    read(fixing)
    assert fixing.calls() == []


def test_suspended_by_hand_is_resumed(fixing: World) -> None:
    seated(fixing, "Staff")
    ref = ref_of(fixing)
    fixing.app.accounts[ref] = replace(fixing.app.accounts[ref], status=Status.SUSPENDED)
    read(fixing)
    assert (fixing.calls(), drift(fixing)) == ([("resume", "ana")], [])
