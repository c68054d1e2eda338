"""Whose an account is: listed, and said by hand."""

from __future__ import annotations

import pytest
from engine_kit import World

from scim_bridge.engine.account_list import list_accounts
from scim_bridge.engine.link import link_account
from scim_bridge.engine.linked import is_linked
from scim_bridge.errors import BridgeError, Conflict, NotFound

DATABASES = ("sqlite",)


@pytest.fixture
def company(live: World) -> World:
    live.app.member("dan", "dan@acme.example")
    live.push("dan", "Nobody")
    live.clock.advance(minutes=1)
    live.read()
    return live


def test_unmatched_accounts_come_first(company: World) -> None:
    with company.db.read() as tx:
        found = list_accounts(tx, "acme")
        alone = list_accounts(tx, "acme", state="unmatched")
    assert [(one.login, one.state, one.emails) for one in found] == [
        ("root", "unmatched", ()),
        ("dan", "linked", ("dan@acme.example",)),
    ]
    assert [one.login for one in alone] == ["root"]


def test_who_has_an_account_is_linked(company: World) -> None:
    with company.db.read() as tx:
        assert is_linked(tx, company.push("dan", "Nobody")) is True
        assert is_linked(tx, 999_999) is False


@pytest.mark.parametrize(
    ("hub", "account", "person", "error", "words"),
    [
        pytest.param("nowhere", "root", "dan", NotFound, "no hub nowhere", id="unknown-hub"),
        pytest.param("acme", "nobody", "dan", NotFound, "shows no account nobody", id="unknown-account"),
        pytest.param("acme", "root", "", NotFound, "no person", id="unknown-person"),
        pytest.param("acme", "DAN", "eve", Conflict, "at most one person", id="somebody-elses-account"),
    ],
)
def test_a_wrong_link_is_refused(
    company: World, hub: str, account: str, person: str, error: type[BridgeError], words: str
) -> None:
    person_id = company.push(person) if person else 999_999
    with company.db.write() as tx, pytest.raises(error, match=words):
        link_account(tx, hub, account, person_id, actor="cli:ops", now=company.now)
