"""`safety.ignore`: an account that it names is as if it did not exist, wherever accounts are read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_kit import World, mapping, seated
from memory_app import CORE
from test_brake import leave, seat, states
from test_drift import by_hand, drift, read, ref_of
from test_matching import BY_NICKNAME, change, rules
from test_unmanaged_hold import asked
from test_who import found

from scim_bridge.engine.account_list import FILTERS, list_accounts
from scim_bridge.engine.drift import list_drift
from scim_bridge.engine.link import accept_proposal, link_account
from scim_bridge.errors import Conflict
from scim_bridge.ops.status import HubStatus, read_hubs

IGNORE = "ignore: ['svc-*', 'bot_%@acme.example', '*[bot]']"
ANA_TOO = "ignore: [ana]"


def logins(world: World, state: str | None = None) -> list[str | None]:
    with world.db.read() as tx:
        ignore = world.rules.in_force(tx).mappings.hubs["acme"].safety.ignore
        return [one.login for one in list_accounts(tx, "acme", state=state, ignore=ignore)]


def status(world: World) -> HubStatus:
    with world.db.read() as tx:
        return read_hubs(tx, world.rules.in_force(tx).mappings, world.now)["acme"]


@pytest.fixture
def acme(world: World) -> World:
    """Beside the owner and one stranger, a service account, and one that only its address names."""
    world.begin(safety=IGNORE)
    world.app.member("svc-deploy", "deploy@acme.example", role="owner", holds={CORE: "maintainer"})
    world.app.member("deploy", "bot_%@acme.example")
    world.app.member("stranger", "s@elsewhere.example")
    read(world)
    return world


@pytest.mark.parametrize(
    ("login", "emails", "is_hit"),
    [
        pytest.param("svc-build", (), True, id="login"),
        pytest.param("SVC-Build", (), True, id="login-in-any-case"),
        pytest.param("build", ("BOT_%@acme.example",), True, id="address"),
        pytest.param("build", ("botx%@acme.example",), False, id="an-underscore-is-an-underscore"),
        pytest.param("build", ("bot_x@acme.example",), False, id="a-percent-sign-is-a-percent-sign"),
        pytest.param("dependa[bot]", (), True, id="brackets-are-brackets"),
        pytest.param("dependab", (), False, id="brackets-are-no-set"),
        pytest.param("my-svc-build", (), False, id="the-whole-name"),
    ],
)
def test_a_pattern_names_a_whole_login_or_address(
    world: World, login: str, emails: tuple[str, ...], is_hit: bool
) -> None:
    world.begin(safety=IGNORE)
    world.app.member(login, *emails)
    read(world)
    assert (login in logins(world, "ignored"), login in logins(world)) == (is_hit, not is_hit)


def test_it_is_not_counted(acme: World) -> None:
    assert (status(acme).accounts, status(acme).unmanaged) == ({"unmatched": 2}, 2)
    acme.publish(mapping())
    assert (status(acme).accounts, status(acme).unmanaged) == ({"unmatched": 4}, 4)


@pytest.mark.parametrize("state", [None, *(state for state in FILTERS if state != "ignored")])
def test_no_list_has_it(acme: World, state: str | None) -> None:
    assert not {"svc-deploy", "deploy"} & set(logins(acme, state))


def test_a_list_of_its_own_shows_what_the_patterns_hit(acme: World) -> None:
    assert logins(acme, "ignored") == ["deploy", "svc-deploy"]


def test_who_does_not_know_it(acme: World) -> None:
    assert [one.account for one in found(acme)] == ["root", "stranger"]
    assert found(acme, "team/core") == []


def test_whoever_should_have_a_seat_is_shown_without_the_account_and_with_the_reason(world: World) -> None:
    world.begin()
    seated(world, "Staff")
    world.publish(mapping(safety=ANA_TOO))
    (ana, _) = found(world)
    assert (ana.account, ana.holds, ana.should, ana.note) == (
        None,
        (),
        ("member",),
        "the account is under `safety.ignore`",
    )


def test_it_fills_no_role_for_keep_at_least(world: World) -> None:
    world.begin(safety=f"{IGNORE}, keep_at_least: {{owner: 1}}")
    world.app.accounts.clear()
    world.app.member("svc-deploy", role="owner")
    seat(world, ["ana"], "Owners")
    leave(world, ["ana"])
    assert (states(world), world.calls()) == (["held"], [])
    world.publish(mapping(safety="keep_at_least: {owner: 1}"))
    world.run()
    assert states(world) == ["done"]


def test_it_is_no_managed_account_of_which_max_removals_takes_a_part(world: World) -> None:
    people = [f"p{number}" for number in range(6)]
    world.begin(safety="max_removals: {percent: 34}")
    seat(world, people)
    world.publish(mapping(safety="max_removals: {percent: 34}, ignore: ['p5']"))
    world.run()
    leave(world, people[:3])  # 34 % of six were three, of five two
    assert sorted(states(world)) == ["done", "done", "held"]


def test_its_drift_is_not_shown_and_not_counted(world: World) -> None:
    world.begin()
    seated(world, "Staff")
    by_hand(world, "owner")
    read(world)
    assert (drift(world), status(world).drift) == ([("seat", "member", "owner")], 1)
    world.publish(mapping(safety=ANA_TOO))
    with world.db.read() as tx:
        assert list_drift(tx, ignores=world.rules.in_force(tx).mappings.ignores) == []
    assert status(world).drift == 0


def test_its_drift_is_forgotten_at_the_next_reading(world: World) -> None:
    world.begin()
    seated(world, "Staff")
    by_hand(world, "owner")
    read(world)
    world.publish(mapping(safety=ANA_TOO))
    read(world)
    assert drift(world) == []


def test_a_proposed_removal_ends_when_the_account_is_ignored_from_now_on(world: World) -> None:
    world.begin(safety="unmanaged: hold, protect: [root]")
    world.app.member("svc-deploy")
    read(world)
    assert asked(world) == [("svc-deploy", "pending")]
    world.publish(mapping(safety="unmanaged: hold, protect: [root], ignore: ['svc-*']"))
    assert (asked(world), asked(world, "withdrawn")) == ([], [("svc-deploy", "withdrawn")])


def test_who_was_proposed_for_it_waits_no_longer(world: World) -> None:
    world.begin()
    world.app.member("nessie")
    ana = world.push("ana")
    change(world, "ana", nickName="nessie")
    rules(world, BY_NICKNAME)
    read(world)
    assert world.account(ref_of(world, "nessie")).proposed_to == ana
    with world.db.read() as tx:
        hub = world.rules.in_force(tx).mappings.hubs["acme"]
    hidden = replace(hub, safety=replace(hub.safety, ignore=("nessie",)))
    last = world.rules._last
    assert last is not None
    world.rules._last = replace(last, mappings=replace(last.mappings, hubs={"acme": hidden}))
    world.push("ana", "Staff")
    world.run()
    assert world.calls() == [("invite", "ana@acme.example", "member")]


def test_it_is_linked_to_nobody_by_hand(acme: World) -> None:
    ana = acme.push("ana")
    with acme.db.write() as tx, pytest.raises(Conflict, match=r"svc-deploy is under `safety.ignore` of acme.*take it"):
        link_account(tx, "acme", "svc-deploy", ana, ignore=["svc-*"], actor="cli:ops", now=acme.now)


def test_no_proposal_of_it_is_accepted(acme: World) -> None:
    with acme.db.write() as tx, pytest.raises(Conflict, match=r"svc-deploy is under `safety.ignore` of acme.*take it"):
        accept_proposal(tx, "acme", "svc-deploy", ignore=["svc-*"], actor="cli:ops", now=acme.now)
