"""`safety.unmanaged: hold`: each account that is nobody's is asked about, and goes only by a person's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping
from test_brake import seat

from scim_bridge.audit.tables import AuditRow
from scim_bridge.contract.state import Account, Status
from scim_bridge.engine.brake_tables import AccountRemoval, ApprovalRow
from scim_bridge.engine.link import exempt_account, link_account
from scim_bridge.engine.tables import Reservation
from scim_bridge.errors import NeedsAttention, Permanent, Transient
from scim_bridge.hubs import accounts, operate
from scim_bridge.hubs.tables import AccountRow

HOLD = "unmanaged: hold, protect: [root, octo-*], ignore: ['svc-*']"


def again(world: World) -> None:
    """A reading a minute later, and all that follows from it."""
    world.clock.advance(minutes=1)
    world.read()
    world.run()


@pytest.fixture
def held(world: World) -> World:
    """A hub with one member of ours, and Mallory, made by hand."""
    world.begin(safety=HOLD)
    world.app.member("mallory", "mallory@elsewhere.example")
    seat(world, ["ana"])
    again(world)
    return world


def answered(world: World, verdict: Any = "approved") -> None:
    world.say(verdict)
    world.keeper._removals.run("acme")


def asked(world: World, *states: str) -> list[tuple[str | None, str]]:
    """``(login, state)`` of the questions about accounts; default: the open ones."""
    query = (
        sa.select(AccountRow.login, ApprovalRow.state)
        .join(AccountRow, AccountRow.id == ApprovalRow.account_id)
        .where(ApprovalRow.state.in_(states or ("pending", "approved", "rejected")))
    )
    return [tuple(row) for row in world.rows(query.order_by(AccountRow.login))]


def test_a_removal_is_proposed_for_each_and_nothing_is_done(held: World) -> None:
    assert asked(held) == [("mallory", "pending")]
    assert [row[1:] for row in held.approvals()] == [("remove", "member", "", "unmanaged", "pending")]
    assert held.calls() == []
    again(held)
    assert asked(held) == [("mallory", "pending")]


def test_a_yes_removes_it_and_the_audit_says_by_whose_word(held: World) -> None:
    answered(held)
    assert held.calls() == [("remove", "mallory")]
    assert (asked(held), asked(held, "used")) == ([], [("mallory", "used")])
    (row,) = held.rows(sa.select(AuditRow).where(AuditRow.action == "account.removed"))
    assert (row.hub_id, row.person_id, row.detail["approved_by"]) == ("acme", None, "cli:ops")
    assert held.rows(sa.select(AccountRemoval)) == []
    assert held.reservations()[-1] == ("seat", False)
    again(held)
    assert held.approvals() == []


def test_a_no_leaves_it_alone_for_good(held: World) -> None:
    answered(held, "rejected")
    again(held)
    held.publish(mapping())
    again(held)
    held.publish(mapping(safety=HOLD))
    again(held)
    assert (held.calls(), asked(held)) == ([], [("mallory", "rejected")])


def test_report_proposes_nothing(world: World) -> None:
    world.begin()
    world.app.member("mallory")
    again(world)
    assert world.approvals() == []


def test_in_plan_mode_nothing_is_proposed(world: World) -> None:
    world.begin(safety=HOLD, start="plan")
    world.app.member("mallory")
    again(world)
    assert world.approvals() == []


def test_ignored_protected_and_exempt_accounts_are_left_alone(world: World) -> None:
    world.begin(safety=HOLD)
    for login in ("svc-deploy", "octo-cat", "breakglass"):
        world.app.member(login)
    again(world)
    assert asked(world) == [("breakglass", "pending")]
    with world.db.write() as tx:
        accounts.exempt(
            tx, "acme", "breakglass", kind="exempt", reason="kept in the safe", actor="cli:ops", now=world.now
        )
    again(world)
    assert (asked(world), asked(world, "withdrawn")) == ([], [("breakglass", "withdrawn")])


def test_an_account_of_a_leaver_that_was_never_ours_is_proposed(held: World) -> None:
    held.app.member("bo", "bo@acme.example")
    held.push("bo", active=False)
    held.run()
    again(held)
    assert asked(held) == [("bo", "pending"), ("mallory", "pending")]


def test_an_account_that_rules_want_is_not(held: World) -> None:
    held.push("mia", "Staff")
    held.app.member("mia", "mia@acme.example")
    held.clock.advance(minutes=1)
    held.read()
    assert asked(held) == [("mallory", "pending")]


def test_the_question_goes_when_the_account_does_or_becomes_somebodys(held: World) -> None:
    held.app.drop(next(ref for ref, one in held.app.accounts.items() if one.login == "mallory"))
    held.app.member("bo", "bo@acme.example")
    again(held)
    assert asked(held) == [("bo", "pending")]
    held.push("bo", "Staff")
    held.run()
    again(held)
    assert held.approvals() == []


def test_when_the_mapping_says_report_again_it_is_withdrawn(held: World) -> None:
    held.publish(mapping())
    again(held)
    assert asked(held, "withdrawn") == [("mallory", "withdrawn")]


def test_a_yes_to_one_role_is_no_yes_to_another(held: World) -> None:
    ref = next(ref for ref, one in held.app.accounts.items() if one.login == "mallory")
    held.app.accounts[ref] = replace(held.app.accounts[ref], role="owner")
    held.clock.advance(minutes=1)
    held.read()
    answered(held)
    assert held.calls() == []
    again(held)
    assert [row[2] for row in held.approvals()] == ["owner"]


def test_the_last_owner_stays_whatever_was_said(world: World) -> None:
    world.begin(safety="unmanaged: hold")
    again(world)
    assert asked(world) == [("root", "pending")]
    answered(world)
    assert world.calls() == []
    (row,) = world.rows(sa.select(ApprovalRow.state, ApprovalRow.why))
    assert (row.state, "`safety.keep_at_least` wants 1 owner; 1 left" in row.why) == ("approved", True)


def test_holders_are_counted_by_a_fresh_reading(world: World) -> None:
    world.begin(safety="unmanaged: hold, protect: [root]")
    world.app.member("eve", role="owner")
    again(world)
    world.clock.advance(minutes=20)
    readings = world.app.readings
    answered(world)
    assert (world.calls(), world.hub().check_at) == ([], world.now)
    world.later(seconds=6)
    world.keeper._removals.run("acme")
    assert world.app.readings == readings + 1
    assert world.calls() == [("remove", "eve")]


def test_nothing_is_removed_while_the_hub_or_its_removals_are_paused(held: World) -> None:
    for removals_only in (False, True):
        with held.db.write() as tx:
            operate.pause(tx, "acme", removals_only=removals_only, actor="cli:ops", now=held.now)
        answered(held)
        assert held.calls() == []
        with held.db.write() as tx:
            operate.resume(tx, "acme", actor="cli:ops", now=held.now)
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")]


@pytest.mark.parametrize(
    ("error", "later_s"),
    [
        pytest.param(Transient("the app is down"), 2, id="transient"),
        pytest.param(Permanent("the app refuses"), 600, id="permanent"),
    ],
)
def test_what_failed_is_tried_again_and_shown(held: World, error: Exception, later_s: int) -> None:
    held.app.failures["remove"] = [error]
    answered(held)
    (row,) = held.rows(sa.select(ApprovalRow.state, ApprovalRow.why))
    assert (row.state, str(error) in row.why) == ("approved", True)
    assert held.rows(sa.select(Reservation).where(Reservation.is_open)) == []
    held.clock.advance(seconds=later_s)
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")] * 2
    assert asked(held, "used") == [("mallory", "used")]


def test_a_refused_credential_stops_the_hub(held: World) -> None:
    held.app.failures["remove"] = [NeedsAttention("401", advice="a new token")]
    answered(held)
    assert held.hub().attention is not None
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")]


def test_a_lost_answer_is_settled_by_the_next_reading(held: World) -> None:
    held.app.after["remove"] = [Transient("no answer", maybe_done=True)]
    answered(held)
    assert held.reservations()[-1] == ("seat", True)
    held.later(seconds=5)
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")]
    assert asked(held, "used") == [("mallory", "used")]
    assert held.reservations()[-1] == ("seat", False)


def test_whoever_died_in_the_middle_is_followed_by_another(held: World) -> None:
    held.app.during["remove"] = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    held.say("approved")
    with pytest.raises(KeyboardInterrupt):
        held.keeper._removals.run("acme")
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")]  # the lease still runs
    held.clock.advance(seconds=121)
    held.keeper._removals.run("acme")
    assert held.calls() == [("remove", "mallory")]
    assert "mallory" not in {one.login for one in held.app.accounts.values()}


def test_an_invitation_made_by_hand_is_cancelled(world: World) -> None:
    world.begin(safety=HOLD)
    invited = Account("invitation:1", Status.INVITED, "member", None, ("mallory@elsewhere.example",))
    world.app.accounts[invited.ref] = invited
    again(world)
    assert [row[1] for row in world.approvals()] == ["cancel_invitation"]
    answered(world)
    assert world.calls() == [("cancel", "mallory@elsewhere.example")]


def test_a_yes_is_void_after_seven_days(held: World) -> None:
    with held.db.write() as tx:
        operate.pause(tx, "acme", actor="cli:ops", now=held.now)
    held.say("approved")
    held.clock.advance(days=7)
    held.keeper._ask_again(held.now)
    with held.db.write() as tx:
        operate.resume(tx, "acme", actor="cli:ops", now=held.now)
    held.keeper._removals.run("acme")
    assert (held.calls(), asked(held, "void")) == ([], [("mallory", "void")])
    again(held)
    assert asked(held) == [("mallory", "pending")]


def test_the_keeper_carries_it_out_by_itself(held: World) -> None:
    held.say("approved")
    held.keeper.step()
    held.keeper._pool.shutdown(wait=True)
    assert held.calls() == [("remove", "mallory")]


def test_whoever_exempts_or_links_an_account_answers_the_question_about_it(held: World) -> None:
    bo = held.push("bo")
    held.app.member("bob")
    again(held)
    assert asked(held) == [("bob", "pending"), ("mallory", "pending")]
    with held.db.write() as tx:
        exempt_account(tx, "acme", "mallory", kind="exempt", reason="a robot", actor="cli:ops", now=held.now)
        link_account(tx, "acme", "bob", bo, actor="cli:ops", now=held.now)
    assert (asked(held), asked(held, "withdrawn")) == ([], [("bob", "withdrawn"), ("mallory", "withdrawn")])
