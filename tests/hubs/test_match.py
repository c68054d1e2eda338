"""Whose account is it? Rules in order; one that points to two people points to nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.hubs.match import DEFAULT, Hit, Match, Rule, is_address, match, values_at

ANA, BO = "ana@acme.example", "bo@acme.example"
RULES = (
    Rule("email", "emails.value"),
    Rule("email", "userName"),
    Rule("login", "nickName"),
    Rule("login", "userName"),
    Rule("email", "emails.value", review=True),
    Rule("id", "externalId"),
    Rule("name", "displayName"),
)


def hit(account: int, person: int, rule: int = 0, value: str = ANA) -> Hit:
    return Hit(rule, account, person, value)


@pytest.mark.parametrize(
    ("hits", "owners"),
    [
        pytest.param([], {}, id="nothing-in-common"),
        pytest.param([hit(1, 7)], {1: 7}, id="one-address-one-person"),
        pytest.param([hit(1, 7), hit(1, 7, value=BO)], {1: 7}, id="the-same-person-by-two-addresses"),
        pytest.param([hit(1, 7), hit(1, 8, value=BO)], {}, id="two-hits-are-none"),
        pytest.param([hit(1, 7), hit(2, 7)], {1: 7, 2: 7}, id="two-accounts-of-one-person"),
        pytest.param([hit(1, 7), hit(1, 8), hit(2, 8)], {2: 8}, id="a-doubt-about-one-account-hurts-no-other"),
        pytest.param([hit(1, 8, 1), hit(1, 7)], {1: 7}, id="the-first-rule-wins"),
        pytest.param([hit(1, 7), hit(1, 8, 1), hit(1, 9, 1)], {1: 7}, id="a-doubt-in-a-later-rule-is-not-heard"),
        pytest.param([hit(1, 7), hit(1, 8), hit(1, 9, 1)], {}, id="a-doubt-is-not-settled-by-a-weaker-rule"),
        pytest.param([hit(1, 9, 1)], {1: 9}, id="where-the-first-says-nothing-the-next-does"),
    ],
)
def test_the_first_hit_wins_and_two_are_none(hits: list[Hit], owners: dict[int, int]) -> None:
    assert {account: found.person_id for account, found in match(RULES, hits).items()} == owners


@pytest.mark.parametrize(
    ("rule", "value", "is_sure"),
    [
        pytest.param(0, ANA, True, id="an-address-of-both"),
        pytest.param(1, ANA, True, id="a-user-name-that-is-an-address"),
        pytest.param(2, "ana", False, id="a-login-and-a-nickname"),
        pytest.param(2, ANA, True, id="a-login-and-a-nickname-that-are-an-address"),
        pytest.param(3, "ana", False, id="a-login-and-a-user-name"),
        pytest.param(3, ANA, True, id="a-login-and-a-user-name-that-are-an-address"),
        pytest.param(3, "@ana", False, id="a-login-that-only-begins-like-one"),
        pytest.param(4, ANA, False, id="review-only-proposes"),
        pytest.param(5, "4711", True, id="the-apps-own-id"),
        pytest.param(6, "Ana Alba", False, id="never-by-name-alone"),
    ],
)
def test_only_an_address_or_an_id_proves(rule: int, value: str, is_sure: bool) -> None:
    assert match(RULES, [hit(1, 7, rule, value)]) == {1: Match(7, is_sure, rule)}


@pytest.mark.parametrize(
    ("hits", "owners"),
    [
        pytest.param([hit(1, 7)], {}, id="it-is-not-theirs"),
        pytest.param([hit(1, 7), hit(1, 8)], {1: 8}, id="of-two-the-other-is-left"),
        pytest.param([hit(1, 7), hit(1, 8, 2)], {1: 8}, id="the-next-rule-is-asked"),
        pytest.param([hit(1, 7), hit(1, 7, 2, "ana")], {}, id="by-no-other-rule-either"),
        pytest.param([hit(2, 7)], {2: 7}, id="another-account-is-another-matter"),
    ],
)
def test_what_was_refused_is_not_hit(hits: list[Hit], owners: dict[int, int]) -> None:
    found = match(RULES, hits, refused={(1, 7)})
    assert {account: one.person_id for account, one in found.items()} == owners


def test_one_proof_among_several_hits_is_enough() -> None:
    assert match(RULES, [hit(1, 7, 2, "ana"), hit(1, 7, 2, ANA)])[1].is_sure


def test_without_rules_of_its_own_a_hub_compares_addresses() -> None:
    assert [str(rule) for rule in DEFAULT] == ["email = emails.value", "email = userName"]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 6))))
def test_order_and_repetition_never_matter(drawn: list[tuple[int, int, int]]) -> None:
    hits = [hit(*one) for one in drawn]
    assert match(RULES, hits) == match(RULES, [*reversed(hits), *hits])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ANA, True),
        ("ana", False),
        ("@acme.example", False),
        ("ana@", False),
        ("ana@localhost", False),
        ("ana alba@acme.example", False),
        ("", False),
    ],
)
def test_is_address(text: str, expected: bool) -> None:
    assert is_address(text) is expected


ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DOCUMENT = {
    "userName": ANA,
    "nickName": "ana",
    "active": True,
    "title": "",
    "name": {"formatted": "Ana Alba"},
    "emails": [{"value": ANA, "primary": True}, {"value": BO}, "odd"],
    ENTERPRISE: {"employeeNumber": 4711, "manager": {"value": "m1"}},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("nickName", ["ana"]),
        ("NICKNAME", ["ana"]),
        ("name.formatted", ["Ana Alba"]),
        ("emails.value", [ANA, BO]),
        ("emails", [ANA, BO, "odd"]),
        (f"{ENTERPRISE}:employeeNumber", ["4711"]),
        (f"{ENTERPRISE}:manager.value", ["m1"]),
        (f"{ENTERPRISE}:manager", ["m1"]),
        ("active", []),
        ("title", []),
        ("displayName", []),
        ("nickName.value", []),
        ("name", []),
    ],
)
def test_values_at(path: str, values: list[str]) -> None:
    assert values_at(DOCUMENT, path) == values
