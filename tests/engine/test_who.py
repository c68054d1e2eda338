"""``who``: who holds what now, who should, by which rule; in pages."""

from __future__ import annotations

import pytest
from engine_kit import World, seated
from memory_app import CORE, WEB

from scim_bridge.engine import who
from scim_bridge.engine.who import Holder, holders, wanted
from scim_bridge.errors import NotFound
from scim_bridge.hubs.accounts import exempt


def found(world: World, what: str | None = None) -> list[Holder]:
    with world.db.read() as tx:
        mapping = world.rules.in_force(tx).mappings.hubs["acme"]
        pages = holders(tx, mapping, wanted(tx, mapping, what), invites=True, now=world.now)
        return [holder for page in pages for holder in page]


def short(world: World, what: str | None = None) -> list[tuple[str | None, str, tuple[str, ...], tuple[str, ...]]]:
    """``(name or login, thing, holds, should)``."""
    return [
        ((one.user_name or one.account or "").partition("@")[0], one.thing, one.holds, one.should)
        for one in found(world, what)
    ]


@pytest.fixture
def acme(live: World) -> World:
    """Ana is a member on team core, Bob is invited, and a stranger holds team web."""
    seated(live, "Staff", "Core")
    live.app.member("stranger", "s@elsewhere.example", holds={WEB: "member"})
    live.push("bob", "Owners")
    live.run()
    live.clock.advance(minutes=1)
    live.read()
    live.run()
    return live


def test_everybody_is_listed_with_what_they_hold_and_should(acme: World) -> None:
    assert short(acme) == [
        ("ana", "seat", ("member",), ("member",)),
        ("ana", "team/core", ("member",), ("member",)),
        ("bob", "seat", ("owner",), ("owner",)),
        ("root", "seat", ("owner",), ()),
        ("stranger", "seat", ("member",), ()),
        ("stranger", "team/web", ("member",), ()),
    ]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param("owner", ["bob", "root"], id="a-role"),
        pytest.param("OWNER", ["bob", "root"], id="a-role-in-any-case"),
        pytest.param("guest", [], id="a-role-that-nobody-has"),
        pytest.param("team/core", ["ana"], id="an-asset"),
        pytest.param("team/7", ["ana"], id="an-asset-by-its-id"),
        pytest.param("team/*", ["ana", "stranger"], id="a-type"),
        pytest.param("board/roadmap", [], id="an-asset-that-nobody-holds"),
    ],
)
def test_one_role_or_asset(acme: World, what: str, expected: list[str]) -> None:
    assert [name for name, *_ in short(acme, what)] == expected


def test_the_rule_is_named(acme: World) -> None:
    (ana,) = found(acme, "team/core")
    assert [(why["rule"], why["file"], why["line"]) for why in ana.because] == [("core", "mappings/acme.yaml", 9)]


def test_an_invited_account_is_told_from_an_active_one(acme: World) -> None:
    assert [(one.account, one.status) for one in found(acme, "owner")][1] == ("root", "active")
    assert found(acme, "owner")[0].status == "invited"


def test_who_should_hold_and_does_not_is_there_too(acme: World) -> None:
    acme.app.holdings.clear()
    acme.clock.advance(minutes=1)
    acme.read()
    assert short(acme, "team/core") == [("ana", "team/core", (), ("member",))]


def test_what_is_nobodys_on_purpose_is_told_with_the_reason(acme: World) -> None:
    with acme.db.write() as tx:
        exempt(tx, "acme", "root", kind="service", reason="deploys", actor="cli:ops", now=acme.now)
    assert [one.note for one in found(acme, "owner")] == [None, "service: deploys"]
    assert [one.note for one in found(acme, "team/web")] == ["nobody's"]


def test_a_large_hub_comes_in_pages(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(acme)
    monkeypatch.setattr(who, "PAGE", 1)
    with acme.db.read() as tx:
        mapping = acme.rules.in_force(tx).mappings.hubs["acme"]
        pages = list(holders(tx, mapping, wanted(tx, mapping, None), invites=True, now=acme.now))
    assert [len(page) for page in pages] == [2, 1, 1, 2]
    assert [holder for page in pages for holder in page] == whole


@pytest.mark.parametrize(
    ("what", "words"),
    [
        pytest.param("ownr", 'no role "ownr" in hub acme; did you mean "owner"?', id="role"),
        pytest.param("team/cor", 'hub acme shows no asset "team/cor"; did you mean "team/core"?', id="asset"),
        pytest.param("teem/core", 'shows no asset "teem/core"; did you mean "team/core"?', id="type"),
        pytest.param("team/", 'shows no asset "team/"', id="no-name"),
        pytest.param("", 'no role "" in hub acme', id="nothing"),
    ],
)
def test_an_unknown_role_or_asset_gets_the_nearest_name(acme: World, what: str, words: str) -> None:
    with pytest.raises(NotFound) as error:
        found(acme, what)
    assert words in str(error.value)


def test_an_asset_that_is_gone_is_not_known(acme: World) -> None:
    acme.app.assets.remove(CORE)
    acme.clock.advance(minutes=1)
    acme.read()
    with pytest.raises(NotFound):
        found(acme, "team/core")
