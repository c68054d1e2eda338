"""An untrusted reading adds what it shows and takes nothing away; what trust changes, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from engine_kit import World, mapping, seated
from memory_app import CORE

from scim_bridge.audit.tables import AuditRow
from scim_bridge.engine.tables import Pair, Task
from scim_bridge.errors import Transient
from scim_bridge.hubs.operate import request_check
from scim_bridge.hubs.tables import AccountEmail, AccountRow, AssetRow, HoldingRow

ANA = "ana@acme.example"
CROWD = [f"dan{number}" for number in range(9)]  # with root: ten accounts


@pytest.fixture
def crowd(live: World) -> World:
    """Ten accounts, of a trusted reading."""
    for login in CROWD:
        live.app.member(login, f"{login}@acme.example", holds={CORE: "member"})
    reread(live)
    return live


def reread(world: World) -> None:
    world.clock.advance(minutes=1)
    world.read()


def drop(world: World, *logins: str) -> None:
    for ref in [ref for ref, one in world.app.accounts.items() if one.login in logins]:
        world.app.drop(ref)


def cut(world: World) -> None:
    """From now on the app's list of accounts has no end."""
    world.app.breaks_off = True


def known(world: World) -> set[str | None]:
    return {row.login for row in world.rows(sa.select(AccountRow.login).where(AccountRow.gone_at.is_(None)))}


def trails(world: World) -> list[tuple[str, str, str | None]]:
    query = sa.select(AuditRow.action, AuditRow.actor, AuditRow.detail).where(AuditRow.action.like("hub.reading%"))
    return [(row.action, row.actor, row.detail["why"]) for row in world.rows(query.order_by(AuditRow.id))]


def trust(world: World) -> None:
    with world.db.write() as tx:
        request_check(tx, "acme", trust_by="cli:ops", now=world.now)
    reread(world)


def test_a_proven_reading_is_trusted(crowd: World) -> None:
    assert (crowd.hub().doubt, crowd.hub().trusted_accounts) == (None, 10)


def test_removals_whose_answers_got_lost_do_not_make_a_reading_shrunken(live: World) -> None:
    live.publish(mapping(safety="max_removals: {count: 100}"))
    people = ("ana", "bo", "cy", "di", "ed", "flo")
    for name in people:
        live.app.member(name, f"{name}@acme.example")
    reread(live)
    for name in people:
        live.push(name, "Staff")
    live.run()
    live.app.after["remove"] = [Transient("no answer", maybe_done=True)] * 4
    for name in people[:4]:
        live.push(name)
    live.run()
    live.later(seconds=10)
    assert (live.hub().doubt_kind, {task.state for task in live.rows(sa.select(Task.state))}) == (None, {"done"})
    assert known(live) == {"root", "ed", "flo"}


def test_two_accounts_of_ten_may_go(crowd: World) -> None:
    drop(crowd, "dan0", "dan1")
    reread(crowd)
    assert len(known(crowd)) == 8
    assert (crowd.hub().doubt, crowd.hub().trusted_accounts) == (None, 8)


def test_three_of_ten_that_go_at_once_are_not_believed(crowd: World) -> None:
    drop(crowd, "dan0", "dan1", "dan2")
    reread(crowd)
    assert len(known(crowd)) == 10
    hub = crowd.hub()
    assert (hub.doubt_kind, hub.doubt) == ("shrunken", "7 accounts where 10 were expected")
    assert (hub.doubt_accounts, hub.trusted_accounts) == (7, 10)


def test_the_setting_says_how_many_may_go(crowd: World) -> None:
    crowd.settings = replace(crowd.settings, reading_loss_percent=30)
    crowd.start_engine()
    drop(crowd, "dan0", "dan1", "dan2")
    reread(crowd)
    assert len(known(crowd)) == 7


def test_accounts_that_we_took_away_are_not_missed(world: World) -> None:
    world.begin(safety="max_removals: {count: 100}")
    people = [f"p{number}" for number in range(9)]
    for name in people:
        world.push(name, "Staff")
    world.run()
    for name in people:
        world.app.accept(f"{name}@acme.example")
    world.later(minutes=10)
    assert world.hub().trusted_accounts == 10
    for name in people[:5]:
        world.push(name, "Nobody")
    world.run()
    reread(world)
    assert (world.hub().doubt, world.hub().trusted_accounts) == (None, 5)


def test_an_untrusted_reading_takes_neither_holdings_nor_assets_nor_addresses(crowd: World) -> None:
    crowd.app.holdings.clear()
    crowd.app.assets.clear()
    for ref, one in list(crowd.app.accounts.items()):
        crowd.app.accounts[ref] = one.__class__(ref, one.status, one.role, one.login)
    cut(crowd)
    reread(crowd)
    assert len(crowd.rows(sa.select(HoldingRow))) == 9
    assert len(crowd.rows(sa.select(AccountEmail))) == 9
    assert crowd.rows(sa.select(AssetRow).where(AssetRow.gone_at.is_not(None))) == []


def test_an_untrusted_reading_adds_accounts_and_links_them(crowd: World) -> None:
    cut(crowd)
    ana = crowd.push("ana", "Staff")
    ref = crowd.app.member("ana", ANA)
    reread(crowd)
    assert crowd.account(ref).person_id == ana
    crowd.run()
    assert (crowd.calls(), crowd.ours(ana)) == ([], {("seat", "member")})


def test_an_app_that_counts_more_than_it_shows_is_not_believed(crowd: World) -> None:
    crowd.app.total = 12
    reread(crowd)
    assert crowd.hub().doubt == "the app's lists were not read to their end: accounts: 10 of 12 came"


def test_no_drift_by_absence(crowd: World) -> None:
    ana = seated(crowd, "Staff", "Core")
    cut(crowd)
    drop(crowd, "ana")
    reread(crowd)
    crowd.run()
    assert (crowd.why(ana).drift, crowd.calls()) == ([], [])
    assert crowd.ours(ana) == {("seat", "member"), ("team/7", "member")}


def test_no_invitation_vanishes_or_lapses_by_absence(crowd: World) -> None:
    crowd.push("ana", "Staff")
    crowd.run()
    cut(crowd)
    drop_invitation = crowd.app.invitation(ANA)
    assert drop_invitation is not None
    crowd.app.drop(drop_invitation.ref)
    crowd.app.member("stranger")
    reread(crowd)
    assert crowd.invitations() == ["pending"]
    crowd.app.breaks_off = False
    reread(crowd)
    assert crowd.invitations() == ["unmatched"]


def test_an_acceptance_that_shows_is_knowledge(crowd: World) -> None:
    ana = crowd.push("ana", "Staff", "Core")
    crowd.run()
    cut(crowd)
    crowd.app.accept(ANA)
    reread(crowd)
    assert crowd.invitations() == ["over"]
    assert [row.person_id for row in crowd.rows(sa.select(AccountRow).where(AccountRow.login == "ana"))] == [ana]


def test_what_may_have_been_sent_is_not_sent_again_on_a_doubtful_word(crowd: World) -> None:
    crowd.app.failures["invite"] = [Transient("no answer", maybe_done=True)]
    crowd.push("ana", "Staff")
    cut(crowd)
    crowd.run()
    for _ in range(3):
        crowd.later(minutes=20)
    assert len(crowd.calls()) == 1
    crowd.app.breaks_off = False
    crowd.later(minutes=20)
    crowd.run()
    assert len(crowd.calls()) == 1  # the one that was held back until the app was read in full


def test_a_leaver_whose_account_shows_does_not_wait_for_trust(crowd: World) -> None:
    seated(crowd, "Staff")
    crowd.app.failures["remove"] = [Transient("no answer", maybe_done=True)]
    cut(crowd)
    crowd.push("ana", active=False)
    crowd.run()
    crowd.later(minutes=1)
    assert [call[0] for call in crowd.calls()] == ["remove", "remove"]
    assert "ana" not in {one.login for one in crowd.app.accounts.values()}


def test_an_untrusted_first_reading_lets_nobody_act(world: World) -> None:
    cut(world)
    world.publish(mapping())
    world.push("ana", "Staff")
    world.fan_out()
    world.work()
    world.read()
    world.work()
    assert (world.calls(), world.hub().observed_at) == ([], None)
    assert {row.waits for row in world.rows(sa.select(Pair.waits))} == {"a reading of the app"}


def test_an_untrusted_reading_is_followed_by_another_soon(crowd: World) -> None:
    cut(crowd)
    reread(crowd)
    hub = crowd.hub()
    assert hub.check_attempts == 1
    assert hub.check_at - crowd.now <= timedelta(seconds=5)


def test_trust_returns_by_itself_with_a_whole_reading(crowd: World) -> None:
    cut(crowd)
    reread(crowd)
    crowd.app.breaks_off = False
    reread(crowd)
    hub = crowd.hub()
    assert (hub.doubt, hub.doubt_kind, hub.doubt_at, hub.doubt_accounts, hub.check_attempts) == (None,) * 4 + (0,)
    assert trails(crowd) == [
        ("hub.reading_untrusted", "engine", "unproven"),
        ("hub.reading_trusted", "engine", None),
    ]


def test_the_same_doubt_is_audited_once(crowd: World) -> None:
    drop(crowd, *CROWD[:5])
    for _ in range(3):
        reread(crowd)
    assert trails(crowd) == [("hub.reading_untrusted", "engine", "shrunken")]


def test_a_persons_word_makes_it_trusted_and_takes_away_what_is_gone(crowd: World) -> None:
    drop(crowd, *CROWD[:5])
    reread(crowd)
    trust(crowd)
    assert len(known(crowd)) == 5
    assert (crowd.hub().doubt, crowd.hub().trusted_accounts, crowd.hub().trust_by) == (None, 5, None)
    assert trails(crowd)[-1] == ("hub.reading_trusted", "cli:ops", None)


def test_a_word_holds_for_about_what_was_seen(crowd: World) -> None:
    drop(crowd, *CROWD[:4])
    reread(crowd)
    drop(crowd, *CROWD[4:])
    trust(crowd)
    assert len(known(crowd)) == 10
    assert crowd.hub().doubt == "1 accounts where 6 were expected"


def test_a_word_is_good_for_one_reading(crowd: World) -> None:
    trust(crowd)
    drop(crowd, *CROWD[:5])
    reread(crowd)
    assert len(known(crowd)) == 10


def test_a_word_cannot_mend_a_reading_that_breaks_off(crowd: World) -> None:
    drop(crowd, "dan0")
    crowd.app.failures["observed"] = [Transient("cut off")]
    trust(crowd)
    assert len(known(crowd)) == 10
    assert (crowd.hub().doubt_kind, crowd.hub().doubt) == ("failed", "the reading broke off: cut off")
    reread(crowd)
    assert (crowd.hub().doubt, len(known(crowd))) == (None, 9)


def test_a_failure_does_not_hide_what_a_person_must_judge(crowd: World) -> None:
    drop(crowd, *CROWD[:5])
    reread(crowd)
    crowd.app.failures["observe"] = [Transient("503")]
    reread(crowd)
    assert crowd.hub().doubt_kind == "shrunken"


def test_nobody_is_looked_for_singly_where_a_mass_is_missing(crowd: World) -> None:
    for login in CROWD:
        crowd.push(login, "Staff")
    crowd.run()
    looks: list[str] = []
    drop(crowd, *CROWD)
    crowd.app.during["look"] = lambda: looks.append("look")
    reread(crowd)
    assert looks == []
