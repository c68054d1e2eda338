"""What becomes of task, pair, reservation and hub when a call fails."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping

from scim_bridge.contract.state import Asset
from scim_bridge.engine.pairs import drop_leases
from scim_bridge.engine.probe import probe_hub
from scim_bridge.engine.tables import Pair, Reservation
from scim_bridge.engine.tasks import retry
from scim_bridge.errors import Held, NeedsAttention, Permanent, Transient
from scim_bridge.hubs.tables import AccountRow

DATABASES = ("sqlite",)


@pytest.fixture
def seated(live: World) -> World:
    """Ana and Bo are members with team core, accepted and observed."""
    for name in ("ana", "bo"):
        live.push(name, "Staff", "Core")
    live.run()
    for name in ("ana", "bo"):
        live.app.accept(f"{name}@acme.example")
    live.later(minutes=10)
    assert live.calls() == [
        ("invite", "ana@acme.example", "member", "core"),
        ("invite", "bo@acme.example", "member", "core"),
    ]
    return live


def test_transient_is_tried_again_with_a_growing_wait_in_one_task(live: World) -> None:
    live.app.failures["invite"] = [Transient("503 from the app", advice="wait") for _ in range(3)]
    ana = live.push("ana", "Staff")
    live.run()
    task = live.task()
    assert (task.state, task.cause, task.advice, task.step) == ("retrying", "503 from the app", "wait", "invite")
    assert live.now + timedelta(seconds=0.5) <= task.next_try_at <= live.now + timedelta(seconds=1)
    for _ in range(3):
        live.later(seconds=5)
    assert live.tasks() == [("invite", "seat", "done")]
    assert (live.task().attempts, live.task().cause, live.pair(ana).attempts) == (4, None, 0)


def test_an_invitation_that_surely_did_not_leave_is_forgotten(live: World) -> None:
    live.app.failures["invite"] = [Transient("refused")]
    live.push("ana", "Staff")
    live.run()
    assert live.invitations() == ["over"]


def test_permanent_fails_the_change_until_the_next_want(live: World) -> None:
    live.app.failures["invite"] = [Permanent("the app forbids it", advice="ask the app")]
    ana = live.push("ana", "Staff")
    live.run()
    assert (live.task().state, live.task().cause, live.task().advice) == ("failed", "the app forbids it", "ask the app")
    assert live.pair(ana).done == live.pair(ana).want
    live.later(hours=1)
    assert len(live.calls()) == 1
    live.push("ana", "Staff", "Core")
    live.run()
    assert live.tasks() == [("invite", "seat", "done")]


def test_permanent_is_tried_again_by_retry_and_at_the_daily_repair(live: World) -> None:
    live.app.failures["invite"] = [Permanent("no")] * 2
    live.push("ana", "Staff")
    live.run()
    with live.db.write() as tx:
        assert retry(tx, task_id=live.task().id, actor="cli:ops", now=live.now) == 1
    live.run()
    assert live.task().state == "failed"
    live.later(hours=25)
    assert (live.task().state, live.task().attempts) == ("done", 3)


def test_one_failing_change_never_stops_the_others(seated: World) -> None:
    seated.app.failures["set_asset"] = [Permanent("no such team")]
    seated.push("ana", "Owners", "Core", "Web")
    seated.run()
    assert seated.calls() == [("change_role", "ana", "owner"), ("set_asset", "ana", "web", "member")]
    assert seated.tasks()[-2:] == [("change_role", "seat", "done"), ("add_asset", "team/web", "failed")]


def test_a_change_that_the_app_holds_releases_its_reservation(seated: World) -> None:
    seated.app.failures["remove"] = [Held("the app's last owner")]
    ana = seated.push("ana")
    seated.run()
    assert (seated.task().state, seated.reservations()) == ("held", [])
    assert seated.pair(ana).done == seated.pair(ana).want


def test_a_held_change_is_woken_by_a_reading_and_not_by_time(seated: World) -> None:
    seated.app.failures["remove"] = [Held("the app's last owner")]
    seated.push("ana")
    seated.run()
    seated.clock.advance(hours=5)
    seated.fan_out()
    seated.work()
    assert seated.calls() == [("remove", "ana")]
    seated.read()
    seated.run()
    assert seated.calls() == [("remove", "ana")]
    assert seated.task().state == "done"


def test_a_removal_whose_answer_got_lost_stays_reserved_until_a_reading_settles_it(seated: World) -> None:
    seated.app.after["remove"] = [Transient("no answer", maybe_done=True)]
    ana = seated.push("ana")
    seated.run()
    assert seated.reservations() == [("seat", True)]
    seated.later(seconds=2)
    assert seated.calls() == [("remove", "ana")]
    assert (seated.reservations(), seated.ours(ana)) == ([("seat", False)], set())


def test_a_removal_that_surely_did_not_happen_is_released(seated: World) -> None:
    seated.app.failures["remove"] = [Transient("refused")]
    seated.push("ana")
    seated.run()
    assert seated.reservations() == []


def test_a_lost_removal_that_nobody_wants_any_more_is_released_where_the_seat_shows(seated: World) -> None:
    seated.app.failures["remove"] = [Transient("no answer", maybe_done=True)]
    seated.push("ana")
    seated.run()
    seated.push("ana", "Staff", "Core")
    seated.later(seconds=2)
    assert seated.reservations() == []
    assert seated.tasks()[-1] == ("remove", "seat", "cancelled")


def test_steps_that_were_not_reached_hold_no_reservation(seated: World) -> None:
    seated.app.failures["set_asset"] = [Transient("503")]
    seated.push("ana", "Guests", "Web")
    seated.run()
    assert seated.reservations() == []
    assert [state for _, _, state in seated.tasks()[-3:]] == ["retrying", "queued", "queued"]
    seated.later(seconds=2)
    assert [state for _, _, state in seated.tasks()[-3:]] == ["done", "done", "done"]


def test_a_refused_credential_stops_the_hub_and_a_probe_ends_it(live: World) -> None:
    live.app.failures["invite"] = [NeedsAttention("401", advice="renew the token")]
    live.app.failures["probe"] = [NeedsAttention("401 still")]
    live.push("ana", "Staff")
    live.run()
    hub = live.hub()
    assert (hub.attention, hub.probe_at) == ("401; renew the token", live.now + timedelta(minutes=1))
    assert live.task().state == "waiting"
    live.later(hours=1)
    assert len(live.calls()) == 1
    probe_hub(live.db, live.rules, live.connections, "acme")
    assert live.hub().probe_at == live.now + timedelta(minutes=2)
    probe_hub(live.db, live.rules, live.connections, "acme")
    assert live.hub().attention is None
    live.run()
    assert live.task().state == "done"


def test_a_secret_that_cannot_be_read_is_attention_and_the_other_hub_goes_on(world: World, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    broken = mapping().replace("{app: acme}", f"{{app: acme, token: 'file:{secret}'}}")
    world.publish(broken)
    world.read()
    assert str(secret) in world.hub().attention
    secret.write_text("s3cret", encoding="utf-8")
    probe_hub(world.db, world.rules, world.connections, "acme")
    assert world.hub().attention is None


def test_a_limit_of_the_whole_tenant_lets_the_hub_rest(live: World) -> None:
    live.app.failures["invite"] = [Transient("429", whole_hub=True, retry_after_s=300)]
    live.push("ana", "Staff")
    live.run()
    live.push("bo", "Staff")
    live.run()
    assert live.hub().resting_until == live.now + timedelta(seconds=300)
    assert len(live.calls()) == 1
    live.later(seconds=300)
    assert len(live.calls()) == 2


def test_a_later_and_shorter_wait_does_not_end_the_rest(live: World) -> None:
    live.app.failures["observe"] = [
        Transient("429", whole_hub=True, retry_after_s=3600),
        Transient("429", whole_hub=True, retry_after_s=60),
    ]
    live.read()
    live.read()
    assert live.hub().resting_until == live.now + timedelta(seconds=3600)


def test_an_adapter_that_breaks_is_transient_and_says_so(live: World) -> None:
    live.app.failures["invite"] = [KeyError("oops")]
    live.push("ana", "Staff")
    live.run()
    assert (live.task().state, live.task().cause) == ("retrying", "invite broke inside the adapter")
    assert "oops" not in str(live.task())


def test_who_lost_the_lease_writes_nothing(live: World) -> None:
    def steal() -> None:
        with live.db.write() as tx:
            tx.execute(sa.update(Pair).values(owner="another"))

    live.app.during["invite"] = steal
    ana = live.push("ana", "Staff")
    live.fan_out()
    live.work()
    assert (live.pair(ana).owner, live.ours(ana), live.task().state) == ("another", set(), "running")


def test_a_failure_after_a_lost_lease_writes_nothing_either(live: World) -> None:
    def steal() -> None:
        with live.db.write() as tx:
            tx.execute(sa.update(Pair).values(owner="another"))

    live.app.during["invite"] = steal
    live.app.failures["invite"] = [Permanent("no")]
    live.push("ana", "Staff")
    live.fan_out()
    live.work()
    assert live.task().state == "running"


def test_a_call_that_would_start_without_a_lease_does_not(live: World) -> None:
    live.push("ana", "Staff", "Core")
    live.run()
    live.app.accept("ana@acme.example")
    live.later(minutes=10)
    live.calls()

    def outlive() -> None:
        live.clock.advance(seconds=100)
        with live.db.write() as tx:
            drop_leases(tx, now=live.now)

    live.app.during["change_role"] = outlive
    live.push("ana", "Owners", "Core", "Web")
    live.fan_out()
    live.dispatch.step()
    live.settle_lanes()
    assert live.calls() == [("change_role", "ana", "owner")]


def test_a_long_row_of_calls_renews_its_lease(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.app.accept("ana@acme.example")
    live.later(minutes=10)
    seen: list[object] = []
    live.app.during["change_role"] = lambda: live.clock.advance(seconds=100)
    live.app.during["set_asset"] = lambda: seen.append(live.rows(sa.select(Pair.lease_until))[0].lease_until)
    live.push("ana", "Owners", "Web")
    live.run()
    assert seen == [live.now + timedelta(seconds=120)]


def test_after_the_death_of_an_engine_the_next_one_looks_first(seated: World) -> None:
    seated.app.after["remove"] = [KeyboardInterrupt()]
    ana = seated.push("ana")
    seated.run()
    assert seated.task().state == "running"
    seated.start_engine()
    with seated.db.write() as tx:
        assert drop_leases(tx, now=seated.now) == 1
    readings = seated.app.readings
    seated.run()
    assert (seated.app.readings, seated.calls()) == (readings + 1, [("remove", "ana")])
    assert (seated.ours(ana), seated.tasks()[-1]) == (set(), ("remove", "seat", "done"))


def test_assets_that_come_after_the_seat_are_given_in_a_second_round(world: World) -> None:
    world.begin(app="direct")
    ana = world.push("ana", "Staff", "Core", "Readers")
    world.run()
    assert sorted(world.calls()) == [
        ("invite", "ana@acme.example", "member"),
        ("set_asset", "ana", "core", "member"),
        ("set_asset", "ana", "roadmap", "view"),
    ]
    assert world.pair(ana).done == world.pair(ana).want


def test_whoever_is_added_again_under_the_same_id_starts_with_nothing(world: World) -> None:
    world.begin(app="direct")
    for groups in (("Staff", "Core"), (), ("Staff", "Core")):
        world.push("ana", *groups)
        world.run()
    assert world.calls().count(("set_asset", "ana", "core", "member")) == 2


def test_what_somebody_else_gave_on_a_board_stays_in_the_picture(seated: World) -> None:
    ana = seated.push("ana", "Staff", "Core", "Readers")
    seated.run()
    ref = next(ref for ref, one in seated.app.accounts.items() if one.login == "ana")
    seated.app.holdings[ref, "board/1"].add("edit")
    seated.clock.advance(minutes=1)
    seated.read()
    seated.push("ana", "Staff", "Core")
    seated.run()
    assert seated.app.held(ref)["board/1"] == {"edit"}
    assert seated.why(ana).observed["things"]["board/roadmap"] == ["edit"]


def test_an_asset_that_the_app_no_longer_shows_is_kept_by_its_id(seated: World) -> None:
    seated.app.assets = [Asset("team", "8", "Web", "web")]
    seated.clock.advance(minutes=1)
    seated.read()
    cho = seated.push("cho", "Staff", "Core")
    seated.run()
    assert ("name", "team/core is not in the app any more") in seated.waits(cho)


def test_a_success_is_noted_for_the_account_and_the_hub(seated: World) -> None:
    seated.push("ana", "Owners", "Core")
    seated.run()
    rows = seated.rows(sa.select(AccountRow.role).where(AccountRow.login == "ana"))
    assert (rows[0].role, seated.hub().last_success_at) == ("owner", seated.now)
    assert seated.rows(sa.select(Reservation)) == []
