"""Check for updates: what a reading may say, and when the next one is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping
from memory_app import CORE

from scim_bridge.contract.state import Alias, Asset, Holding, Status
from scim_bridge.engine import check
from scim_bridge.engine.names import confirm_binding
from scim_bridge.engine.tables import Pair
from scim_bridge.errors import NotFound, Transient
from scim_bridge.hubs.bindings import list_bindings
from scim_bridge.hubs.observed import Reading, take_in
from scim_bridge.hubs.operate import request_check
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow, Hub

ANA = "ana@acme.example"


def gone(world: World) -> set[str | None]:
    return {row.login for row in world.rows(sa.select(AccountRow.login).where(AccountRow.gone_at.is_not(None)))}


def reread(world: World) -> None:
    world.clock.advance(minutes=1)
    world.read()


def test_a_full_reading_says_who_is_gone(live: World) -> None:
    ref = live.app.member("dan")
    reread(live)
    live.app.drop(ref)
    reread(live)
    assert gone(live) == {"dan"}


def test_a_reading_that_breaks_off_takes_nothing_away(live: World) -> None:
    dan = live.app.member("dan")
    reread(live)
    live.app.drop(dan)
    live.app.failures["observed"] = [Transient("cut off")]
    reread(live)
    assert gone(live) == set()
    assert (live.hub().check_attempts, live.hub().last_error) == (1, "cut off")


def test_failed_readings_are_tried_again_with_a_growing_wait(live: World) -> None:
    live.app.failures["observe"] = [Transient("503")] * 2
    for least, most in ((2.5, 5), (5, 10)):
        live.read()
        wait_s = (live.hub().check_at - live.now).total_seconds()
        assert least <= wait_s <= most
        live.clock.advance(seconds=wait_s)
    live.read()
    assert (live.hub().check_attempts, live.hub().check_at) == (0, live.now + timedelta(days=1))


def test_whoever_slips_between_two_pages_is_looked_at_before_they_are_gone(live: World) -> None:
    dan = live.app.member("dan", "dan@acme.example")
    live.push("dan", "Staff")
    live.run()
    slipped = live.app.accounts[dan]
    live.app.during["observe"] = lambda: live.app.drop(dan)
    live.app.during["look"] = lambda: live.app.accounts.update({dan: slipped})
    reread(live)
    assert gone(live) == set()


def slips(world: World, ref: str) -> None:
    """The next reading does not show this account, which is there all the same."""
    slipped = world.app.accounts[ref]
    world.app.during["observe"] = lambda: world.app.drop(ref)
    world.app.during["look"] = lambda: world.app.accounts.update({ref: slipped})
    reread(world)


def test_a_suspended_account_that_slips_stays_known_and_suspended(live: World) -> None:
    dan = live.app.member("dan", "dan@acme.example")
    live.push("dan", "Staff")
    live.run()
    live.app.accounts[dan] = replace(live.app.accounts[dan], status=Status.SUSPENDED)
    reread(live)
    slips(live, dan)
    assert (gone(live), live.account(dan).status) == (set(), "suspended")


def test_an_account_of_nobodys_that_slips_keeps_what_was_said_about_it(world: World) -> None:
    world.begin(safety="unmanaged: hold, protect: [root]")
    mallory = world.app.member("mallory")
    reread(world)
    world.say("rejected")
    slips(world, mallory)
    reread(world)
    assert [row[-1] for row in world.approvals("pending", "rejected", "withdrawn")] == ["rejected"]


def test_an_invitation_that_slips_has_not_vanished(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    invited = live.app.invitation(ANA)
    assert invited is not None
    slips(live, invited.ref)
    assert (live.invitations(), gone(live)) == (["pending"], set())


def test_an_outside_person_is_not_looked_at(live: World) -> None:
    guest = live.app.member("guest")
    live.app.accounts[guest] = replace(live.app.accounts[guest], is_outside=True)
    reread(live)
    slips(live, guest)
    assert gone(live) == {"guest"}


def test_many_missing_invitations_were_accepted_and_are_not_looked_at(
    live: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_INVITATIONS_LOOKED_AT", 1)
    for name in ("ana", "bob"):
        live.push(name, "Staff")
    live.run()
    for name in ("ana", "bob"):
        live.app.accept(f"{name}@acme.example")
    looks: list[str] = []
    live.app.during["look"] = lambda: looks.append("look")
    reread(live)
    assert (looks, live.invitations()) == ([], ["over", "over"])


def test_what_we_changed_during_a_reading_is_newer_than_what_it_says(live: World) -> None:
    live.push("ana", "Staff", "Core")
    live.run()
    live.app.accept(ANA)
    live.later(minutes=10)
    old = dict(live.app.accounts)

    def meanwhile() -> None:
        live.clock.advance(seconds=5)
        live.push("ana", "Owners", "Web")
        live.fan_out()
        live.work()
        live.app.accounts = old | {"late": replace(old[max(old)], ref="late", login="late")}

    live.clock.advance(minutes=1)
    live.app.during["observe"] = meanwhile
    live.read()
    (row,) = live.rows(sa.select(AccountRow.role).where(AccountRow.login == "ana"))
    assert row.role == "owner"
    assert "ana" not in gone(live)


def test_an_invitation_sent_during_a_reading_is_left_for_the_next(live: World) -> None:
    def meanwhile() -> None:
        live.clock.advance(seconds=5)
        live.push("ana", "Staff")
        live.fan_out()
        live.work()

    live.clock.advance(minutes=1)
    live.app.during["observed"] = meanwhile
    live.read()
    assert live.invitations() == ["pending"]


def test_one_reading_at_a_time_and_a_lapsed_one_is_taken_over(live: World) -> None:
    with live.db.write() as tx:
        tx.execute(sa.update(Hub).values(check_owner="another", check_lease_until=live.now + timedelta(seconds=60)))
    readings = live.app.readings
    live.read()
    assert live.app.readings == readings
    reread(live)
    live.clock.advance(seconds=1)
    live.read()
    assert live.app.readings == readings + 1


def test_a_reading_that_was_taken_over_closes_nothing(live: World) -> None:
    dan = live.app.member("dan")
    reread(live)
    live.app.drop(dan)

    def taken_over() -> None:
        with live.db.write() as tx:
            tx.execute(sa.update(Hub).values(check_owner="another"))

    live.app.during["observed"] = taken_over
    reread(live)
    assert (gone(live), live.hub().check_owner) == (set(), "another")


def test_a_hub_without_a_mapping_is_not_read(live: World) -> None:
    readings = live.app.readings
    live.check.run("nowhere")
    assert live.app.readings == readings


def test_an_adapter_that_breaks_while_reading_is_told_and_nothing_is_lost(live: World) -> None:
    live.app.failures["observe"] = [ValueError("garbage")]
    live.read()
    assert live.hub().last_error == "the reading broke; the log has the details"


def test_an_account_is_matched_by_any_address_of_its_person(live: World) -> None:
    ana = live.push("ana", "Staff")
    ref = live.app.member("ana", ANA)
    reread(live)
    assert (live.account(ref).person_id, live.account(ref).linked_how) == (ana, "matched")
    live.run()
    assert (live.calls(), live.ours(ana)) == ([], {("seat", "member")})


def test_a_hand_made_account_of_a_leaver_is_never_removed(live: World) -> None:
    live.app.member("ana", ANA)
    ana = live.push("ana", "Nobody")
    reread(live)
    live.push("ana", active=False)
    live.run()
    assert (live.calls(), live.ours(ana)) == ([], set())


def test_aliases_and_holdings_of_unknown_accounts_are_left_out(live: World) -> None:
    with live.db.write() as tx:
        reading = Reading("acme", 9, live.now)
        take_in(
            tx,
            reading,
            [Alias("nobody", ANA), Holding("nobody", CORE.key, "member"), Holding("x", "team/99", "member")],
        )
    assert live.rows(sa.select(HoldingRow)) == []
    assert live.rows(sa.select(AccountEmail)) == []


def test_an_alias_is_an_address_like_any_other(live: World) -> None:
    ana = live.push("ana", "Staff")
    ref = live.app.member("ana")
    with live.db.write() as tx:
        number = live.hub().observation
        take_in(tx, Reading("acme", number, live.now), [live.app.accounts[ref], Alias(ref, ANA.upper())])
    live.run()
    assert live.calls() == []
    assert live.account(ref).person_id == ana


def test_what_an_account_holds_no_longer_is_forgotten(live: World) -> None:
    dan = live.app.member("dan", holds={CORE: "member"})
    reread(live)
    assert len(live.rows(sa.select(HoldingRow))) == 1
    live.app.holdings.clear()
    reread(live)
    assert live.rows(sa.select(HoldingRow)) == []
    live.app.holdings[dan, CORE.key] = {"member"}
    reread(live)
    live.app.drop(dan)
    reread(live)
    assert live.rows(sa.select(HoldingRow)) == []


def test_an_asset_that_comes_later_is_given_to_whoever_waits_for_it(live: World) -> None:
    live.app.assets = [asset for asset in live.app.assets if asset != CORE]
    reread(live)
    live.app.member("ana", ANA)
    reread(live)
    ana = live.push("ana", "Staff", "Core")
    live.run()
    assert ("name", "team/core is not in the app (yet)") in live.waits(ana)
    live.app.assets.append(CORE)
    reread(live)
    live.run()
    assert live.calls() == [("set_asset", "ana", "core", "member")]


def test_every_asset_of_a_type_means_future_ones_too(world: World) -> None:
    world.begin(grants="  - {name: all, group: Staff, role: member, assets: {'team/*': member}}")
    world.app.member("ana", ANA)
    reread(world)
    world.push("ana", "Staff")
    world.run()
    assert sorted(world.calls()) == [("set_asset", "ana", "core", "member"), ("set_asset", "ana", "web", "member")]
    world.app.assets.append(Asset("team", "9", "Ops", "ops"))
    reread(world)
    world.run()
    assert world.calls() == [("set_asset", "ana", "ops", "member")]


def test_a_renamed_asset_keeps_its_access_and_a_namesake_needs_a_word(live: World) -> None:
    live.app.member("ana", ANA)
    reread(live)
    live.push("ana", "Staff", "Core")
    live.run()
    live.calls()
    live.app.assets[0] = replace(CORE, slug="kernel", name="Kernel")
    reread(live)
    live.run()
    assert live.calls() == []
    live.app.assets[0] = Asset("team", "70", "Core", "core")  # the old one is gone, another bears its name
    reread(live)
    live.push("bo", "Staff", "Core")
    live.run()
    with live.db.read() as tx:
        (binding,) = [one for one in list_bindings(tx, "acme") if one.candidate_id]
    assert (binding.target_id, binding.candidate_id, binding.candidate_name) == ("7", "70", "Core")
    with live.db.write() as tx:
        confirm_binding(tx, binding.id, actor="cli:ops", now=live.now)
    live.run()
    assert ("set_asset", "ana", "core", "member") in live.calls()


def test_an_unknown_binding_is_refused(live: World) -> None:
    with live.db.write() as tx, pytest.raises(NotFound):
        confirm_binding(tx, 99, actor="cli:ops", now=live.now)


def test_two_assets_of_one_name_mean_nothing(live: World) -> None:
    live.app.assets = [Asset("team", "1", "Core", "a"), Asset("team", "2", "core", "b")]
    reread(live)
    ana = live.push("ana", "Staff", "Core")
    live.run()
    assert ("name", "team/core means 2 things in the app; write its id instead") in live.waits(ana)


def test_a_gone_asset_is_marked(live: World) -> None:
    live.app.assets = [CORE]
    reread(live)
    rows = live.rows(sa.select(AssetRow.ref).where(AssetRow.gone_at.is_not(None)))
    assert sorted(row.ref for row in rows) == ["1", "8"]


def test_one_reading_serves_all_who_wait_for_one(world: World) -> None:
    world.publish(mapping())
    for number in range(5):
        world.push(f"p{number}", "Staff")
    world.fan_out()
    world.work()
    assert {row.waits for row in world.rows(sa.select(Pair.waits))} == {"a reading of the app"}
    world.run()
    assert (world.app.readings, len(world.calls())) == (1, 5)


def test_an_early_reading_does_not_undercut_the_apps_own_wait(live: World) -> None:
    live.app.failures["invite"] = [Transient("no answer", maybe_done=True, retry_after_s=3600)]
    live.push("ana", "Staff")
    live.run()
    reread(live)
    live.run()
    assert len(live.calls()) == 1
    live.clock.advance(hours=1)
    live.run()
    assert len(live.calls()) == 1


def test_somebody_who_began_to_wait_during_a_reading_gets_another(live: World) -> None:
    live.app.failures["invite"] = [Transient("no answer", maybe_done=True)]

    def meanwhile() -> None:
        live.clock.advance(seconds=1)
        live.push("ana", "Staff")
        live.fan_out()
        live.work()
        live.clock.advance(seconds=5)
        live.work()

    live.clock.advance(minutes=1)
    live.app.during["observe"] = meanwhile
    live.read()
    assert live.hub().check_at == live.now


def test_a_request_that_was_stamped_before_the_reading_began_is_not_lost(live: World) -> None:
    stamped_at = live.now
    live.later(seconds=5)

    def meanwhile() -> None:
        with live.db.write() as tx:
            request_check(tx, "acme", now=stamped_at)

    live.app.during["observe"] = meanwhile
    live.read()
    assert live.hub().check_at == stamped_at


def test_a_hub_with_open_invitations_is_read_every_ten_minutes(live: World) -> None:
    live.push("ana", "Staff")
    live.run()
    live.later(minutes=0)
    assert live.hub().check_at == live.now + timedelta(minutes=10)
    live.later(minutes=10)
    assert live.hub().check_at == live.now + timedelta(minutes=10)
    live.app.accept(ANA)
    live.later(minutes=10)
    assert live.hub().check_at == live.now + timedelta(days=1)


def test_drift_is_reported_and_not_mended(live: World) -> None:
    live.app.member("ana", ANA, role="member")
    reread(live)
    ana = live.push("ana", "Staff", "Core")
    live.run()
    live.calls()
    ref = next(ref for ref, one in live.app.accounts.items() if one.login == "ana")
    live.app.accounts[ref] = replace(live.app.accounts[ref], role="owner")
    live.app.holdings.clear()
    live.later(hours=25)
    since = f"{live.now:%Y-%m-%d %H:%M:%S}Z"
    for _ in range(2):
        live.later(hours=25)
    assert live.calls() == []
    assert live.why(ana).drift == [
        f"seat: the app shows owner, ours is member, since {since}",
        f"team/core: the app shows nothing, ours is member, since {since}",
    ]


def test_an_account_removed_by_hand_is_drift_and_not_invited_again(live: World) -> None:
    live.app.member("ana", ANA)
    reread(live)
    ana = live.push("ana", "Staff")
    live.run()
    live.app.drop(next(ref for ref, one in live.app.accounts.items() if one.login == "ana"))
    live.later(hours=25)
    since = f"{live.now:%Y-%m-%d %H:%M:%S}Z"
    live.later(hours=25)
    assert live.calls() == []
    assert live.why(ana).drift == [f"seat: the app shows nothing, ours is member, since {since}"]
