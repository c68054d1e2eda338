"""An invitation of ours, from before its call to the day nobody waits for it any more."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.contract.state import SEAT, Account, Status
from scim_bridge.engine.link import link_account
from scim_bridge.engine.tables import InvitationRow
from scim_bridge.engine.tasks import retry
from scim_bridge.errors import Conflict, Permanent, Transient
from scim_bridge.hubs.tables import AccountRow

ANA = "ana@acme.example"
LOST = "no answer within 10 s"


@pytest.fixture
def invited(live: World) -> World:
    """Ana is invited as a member with team core; the app was read since."""
    live.push("ana", "Staff", "Core")
    live.run()
    live.clock.advance(minutes=10)
    live.read()
    live.calls()
    return live


def ana(world: World) -> int:
    return world.push("ana", *("Staff", "Core"))


def test_a_push_invites_with_role_and_assets(live: World) -> None:
    person = live.push("ana", "Staff", "Core")
    live.run()
    assert live.calls() == [("invite", ANA, "member", "core")]
    assert live.ours(person) == {("seat", "member"), ("team/7", "member")}
    assert live.tasks() == [("invite", "seat", "done")]
    assert live.invitations() == ["pending"]


def test_an_address_is_written_to_as_it_was_pushed(live: World) -> None:
    live.push("Ana.Maria", "Staff")
    live.run()
    assert live.calls() == [("invite", "Ana.Maria@acme.example", "member")]


def test_the_same_push_again_calls_nothing(invited: World) -> None:
    ana(invited)
    invited.run()
    assert invited.calls() == []


def test_additions_wait_for_the_acceptance(invited: World) -> None:
    person = invited.push("ana", "Staff", "Core", "Leads", "Web", "Owners")
    invited.run()
    assert invited.calls() == []
    assert "seat follows when the invitation is accepted" in invited.pair(person).waits
    invited.app.accept(ANA)
    invited.later(minutes=10)
    assert sorted(invited.calls()) == [
        ("change_role", "ana", "owner"),
        ("set_asset", "ana", "core", "maintainer"),
        ("set_asset", "ana", "web", "member"),
    ]


def test_a_lower_role_cancels_and_invites_anew(invited: World) -> None:
    invited.push("ana", "Guests", "Core")
    invited.run()
    assert invited.calls() == [("cancel", ANA), ("invite", ANA, "guest", "core")]
    assert invited.app.seats()[ANA] == "(guest)"
    assert invited.invitations() == ["pending"]


def test_a_lost_team_cancels_and_invites_anew(invited: World) -> None:
    invited.push("ana", "Staff")
    invited.run()
    assert invited.calls() == [("cancel", ANA), ("invite", ANA, "member")]


def test_loss_of_the_seat_cancels(invited: World) -> None:
    person = invited.push("ana")
    invited.run()
    assert invited.calls() == [("cancel", ANA)]
    assert (invited.ours(person), invited.invitations()) == (set(), ["over"])
    assert invited.reservations() == [("seat", False)]


def test_an_acceptance_is_linked_by_its_address_and_calls_nothing(invited: World) -> None:
    ref = invited.app.accept(ANA)
    invited.later(minutes=10)
    assert invited.account(ref).person_id == ana(invited)
    assert (invited.calls(), invited.invitations()) == ([], ["over"])


def test_an_acceptance_shows_twice_and_the_account_counts(invited: World) -> None:
    invited.app.accept(ANA)
    invited.app.accounts["invitation:1"] = Account("invitation:1", Status.INVITED, "member", None, (ANA,))
    invited.later(minutes=10)
    invited.push("ana")
    invited.run()
    assert invited.calls() == [("remove", "ana")]


def test_a_leaver_whose_invitation_was_accepted_unseen_is_looked_for_and_removed(invited: World) -> None:
    invited.app.accept(ANA)
    person = invited.push("ana")
    invited.run()
    assert invited.calls() == [("cancel", ANA)]  # a 404 on cancel is no proof
    assert invited.task().state == "retrying"
    assert invited.reservations() == [("seat", True)]
    invited.later(seconds=2)
    assert invited.calls() == [("remove", "ana")]
    assert invited.ours(person) == set()
    assert invited.app.seats() == {"root": "owner"}


def test_an_expired_invitation_is_sent_again_at_most_twice(invited: World) -> None:
    for _ in range(2):
        invited.app.expire(ANA)
        invited.later(minutes=10)
        assert invited.calls() == [("invite", ANA, "member", "core")]
    invited.app.expire(ANA)
    invited.later(minutes=10)
    assert invited.calls() == []
    assert (invited.task().state, invited.task().cause) == (
        "failed",
        "the invitation expired 3 times and needs attention",
    )


def test_a_retry_after_three_expirations_starts_anew(invited: World) -> None:
    for _ in range(3):
        invited.app.expire(ANA)
        invited.later(minutes=10)
    invited.calls()
    with invited.db.write() as tx:
        assert retry(tx, hub_id="acme", actor="cli:ops", now=invited.now) == 1
    invited.run()
    assert invited.calls() == [("invite", ANA, "member", "core")]


def test_an_expired_invitation_of_somebody_who_left_is_forgotten(invited: World) -> None:
    invited.app.expire(ANA)
    invited.clock.advance(minutes=10)
    invited.read()
    person = invited.push("ana")
    invited.run()
    assert (invited.calls(), invited.ours(person), invited.invitations()) == ([], set(), ["over"])


def test_a_vanished_invitation_is_not_sent_again_by_itself(invited: World) -> None:
    invited.app.drop(invited.app.invitation(ANA).ref)  # type: ignore[union-attr]
    invited.later(minutes=10)
    assert (invited.calls(), invited.invitations()) == ([], ["vanished"])
    assert (invited.task().state, invited.task().cause) == ("failed", "the invitation was cancelled in the app")
    with invited.db.write() as tx:
        retry(tx, task_id=invited.task().id, actor="cli:ops", now=invited.now)
    invited.run()
    assert invited.calls() == [("invite", ANA, "member", "core")]


def test_hand_made_members_of_an_earlier_reading_are_nobody_who_joined(live: World) -> None:
    live.app.member("stranger")
    live.read()
    live.push("ana", "Staff")
    live.run()
    live.app.drop(live.app.invitation(ANA).ref)  # type: ignore[union-attr]
    live.later(minutes=10)
    assert live.invitations() == ["vanished"]


def test_an_acceptance_that_nobody_can_name_waits_and_invites_nobody(invited: World) -> None:
    invited.app.accept(ANA, shows_email=False)
    invited.later(minutes=10)
    assert (invited.calls(), invited.invitations()) == ([], ["unmatched"])
    assert "accepted by an account that we cannot name" in invited.pair(ana(invited)).waits


def test_the_removal_of_an_unnamed_acceptance_is_held_until_linked(invited: World) -> None:
    invited.app.accept(ANA, shows_email=False)
    invited.later(minutes=10)
    person = invited.push("ana")
    invited.run()
    assert (invited.calls(), invited.task().state) == ([], "held")
    assert "account link" in invited.task().advice
    with invited.db.write() as tx:
        link_account(tx, "acme", "ana", person, actor="cli:ops", now=invited.now)
    invited.run()
    assert invited.calls() == [("remove", "ana")]
    assert invited.invitations() == ["over"]


# A lost answer, a crash


def test_before_the_call_the_rows_say_that_it_may_be_on_its_way(live: World) -> None:
    seen: list[object] = []
    live.app.during["invite"] = lambda: seen.extend((live.invitations(), live.tasks(), live.reservations()))
    live.push("ana", "Staff")
    live.run()
    assert seen == [["sending"], [("invite", "seat", "running")], []]


def test_an_invitation_whose_answer_got_lost_is_found_and_not_repeated(live: World) -> None:
    live.app.after["invite"] = [Transient(LOST, maybe_done=True)]
    person = live.push("ana", "Staff")
    live.run()
    assert (live.invitations(), live.task().state) == (["sending"], "retrying")
    live.later(seconds=2)
    assert live.calls() == [("invite", ANA, "member")]
    assert (live.invitations(), live.ours(person)) == (["pending"], {("seat", "member")})


def test_an_invitation_that_never_reached_the_app_is_sent_after_a_look(live: World) -> None:
    live.app.failures["invite"] = [Transient(LOST, maybe_done=True)]
    live.push("ana", "Staff")
    live.run()
    readings = live.app.readings
    live.later(seconds=2)
    assert live.app.readings > readings
    assert live.calls() == [("invite", ANA, "member")] * 2
    assert live.app.seats()[ANA] == "(member)"


def test_a_lost_answer_and_a_leaver_cancels_what_was_sent(live: World) -> None:
    live.app.after["invite"] = [Transient(LOST, maybe_done=True)]
    live.push("ana", "Staff")
    live.run()
    live.push("ana", "Staff", active=False)
    live.later(seconds=2)
    assert live.app.seats() == {"root": "owner"}


def test_a_lost_answer_an_acceptance_and_a_leaver_removes_the_account(live: World) -> None:
    live.app.after["invite"] = [Transient(LOST, maybe_done=True)]
    live.push("ana", "Staff")
    live.run()
    live.clock.advance(seconds=1)
    live.app.accept(ANA)
    live.push("ana", "Staff", active=False)
    live.later(seconds=2)
    assert live.app.seats() == {"root": "owner"}


def test_a_conflict_with_a_hand_made_account_never_makes_it_ours_to_remove(live: World) -> None:
    hand_made = live.app.member("ana", ANA)
    live.push("ana", "Staff")
    live.run()
    assert (live.task().state, live.invitations()) == ("retrying", ["over"])
    live.push("ana", "Staff", active=False)
    live.later(seconds=2)
    assert hand_made in live.app.accounts


def test_cancel_to_invite_anew_is_carried_on_after_a_crash(invited: World) -> None:
    invited.app.failures["invite"] = [KeyboardInterrupt()]  # the worker dies between the two calls
    person = invited.push("ana", "Guests", "Core")
    invited.run()
    assert (invited.invitations(), invited.app.seats()) == (["renewing"], {"root": "owner"})
    assert invited.pair(person).owner is not None
    invited.later(seconds=121)
    invited.run()
    assert invited.app.seats()[ANA] == "(guest)"
    assert (invited.invitations(), invited.ours(person)) == (["pending"], {("seat", "guest"), ("team/7", "member")})


def test_a_leaver_between_cancel_and_invite_is_not_invited(invited: World) -> None:
    invited.app.failures["invite"] = [Transient("503", maybe_done=False)]
    invited.push("ana", "Guests", "Core")
    invited.run()
    invited.push("ana", active=False)
    invited.run()
    assert (invited.app.seats(), invited.invitations()) == ({"root": "owner"}, ["over"])


def test_an_invitation_that_could_not_be_cancelled_is_not_sent_twice(invited: World) -> None:
    invited.app.failures["cancel"] = [Permanent("the app refuses")]
    invited.push("ana", "Guests", "Core")
    invited.run()
    assert invited.calls() == [("cancel", ANA)]
    assert invited.task().state == "failed"


def test_a_renewal_that_is_wanted_no_longer_leaves_a_plain_pending_invitation(invited: World) -> None:
    invited.app.failures["cancel"] = [Transient("503", maybe_done=False)]
    invited.push("ana", "Guests", "Core")
    invited.run()
    assert invited.invitations() == ["renewing"]
    ana(invited)
    invited.later(seconds=2)
    assert invited.invitations() == ["pending"]


def test_a_resend_that_never_reached_the_app_does_not_count(invited: World) -> None:
    invited.app.failures["invite"] = [Transient(LOST, maybe_done=True)]
    invited.app.expire(ANA)
    invited.later(minutes=10)
    invited.app.drop(next(ref for ref, one in invited.app.accounts.items() if one.status is Status.EXPIRED))
    invited.later(seconds=2)
    assert invited.app.seats()[ANA] == "(member)"
    assert [row.resends for row in invited.rows(sa.select(InvitationRow))] == [1]


# Invitations made by hand


def by_hand(world: World, role: str) -> str:
    ref = world.app.new_ref("invitation:")
    world.app.accounts[ref] = Account(ref, Status.INVITED, role, None, (ANA,))
    return ref


def test_a_hand_made_invitation_that_the_rules_want_is_adopted(live: World) -> None:
    by_hand(live, "member")
    live.clock.advance(hours=1)
    live.read()
    person = live.push("ana", "Staff")
    live.run()
    assert (live.calls(), live.ours(person), live.invitations()) == ([], {("seat", "member")}, ["pending"])


def test_a_hand_made_invitation_with_a_higher_role_is_adopted_and_never_lowered(live: World) -> None:
    ref = by_hand(live, "owner")
    live.clock.advance(hours=1)
    live.read()
    person = live.push("ana", "Staff")
    for _ in range(3):
        live.later(minutes=10)
    assert (live.calls(), live.ours(person)) == ([], {(SEAT, "member")})
    (drift,) = live.why(person).drift
    assert drift.startswith("seat: the app shows owner, ours is member, since ")
    assert live.rows(sa.select(AccountRow.role).where(AccountRow.ref == ref))[0].role == "owner"


def test_an_invitation_under_a_running_timer_is_not_sent_again(live: World) -> None:
    live.publish(mapping(more="leave: {lost_access: [{after: 14d, do: remove}]}"))
    live.push("ana", "Staff")
    live.run()
    live.push("ana")
    live.run()
    live.calls()
    live.app.expire(ANA)
    live.later(minutes=10)
    assert live.calls() == []


def test_a_conflict_that_stays_waits_longer_each_time(live: World) -> None:
    live.app.failures["invite"] = [Conflict("somebody is there already") for _ in range(10)]
    person = live.push("ana", "Staff")
    live.run()
    waits = []
    for _ in range(5):
        due_at = live.pair(person).due_at
        waits.append((due_at - live.now).total_seconds())
        live.clock.advance(seconds=waits[-1])
        live.run()
    assert live.pair(person).attempts == 6
    assert waits[-1] >= 8
