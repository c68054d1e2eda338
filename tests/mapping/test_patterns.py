"""Patterns and templates: ``*``, ``{word}``, ``{word|filter}``."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.errors import InvalidInput
from scim_bridge.folding import name_key
from scim_bridge.mapping.patterns import parse_pattern, parse_stars, parse_template


@pytest.mark.parametrize(
    ("pattern", "name", "captures"),
    [
        pytest.param("gh-team-{team}", "gh-team-core", {"team": "core"}, id="capture"),
        pytest.param("gh-team-{team}", "GH-Team-Core", {"team": "Core"}, id="any-case-captured-as-written"),
        pytest.param("gh-team-{team}", "gh-team-", None, id="capture-needs-a-character"),
        pytest.param("gh-team-{team}", "my-gh-team-core", None, id="whole-name-from-the-start"),
        pytest.param("*-writers", "blog-writers", {}, id="star"),
        pytest.param("*-writers", "-writers", {}, id="star-may-be-empty"),
        pytest.param("*-writers", "blog-writers-old", None, id="whole-name-to-the-end"),
        pytest.param("{a}-{b}", "x-y-z", {"a": "x", "b": "y-z"}, id="shortest-first-from-the-left"),
        pytest.param("{a}{b}", "xyz", {"a": "x", "b": "yz"}, id="neighbours"),
        pytest.param("{a}*", "xyz", {"a": "x"}, id="capture-then-star"),
        pytest.param("*{a}", "xyz", {"a": "xyz"}, id="star-then-capture"),
        pytest.param("a{b}a", "aa", None, id="ends-do-not-overlap"),
        pytest.param("a*b*c", "a-c-b", None, id="literals-in-order"),
        pytest.param("{x}-prod", "a-prod-prod", {"x": "a-prod"}, id="last-literal-is-at-the-end"),
        pytest.param("{x}{y}z", "az", None, id="two-captures-need-two-characters"),
        pytest.param("Engineering", "ENGINEERING", {}, id="plain"),
        pytest.param("Engineering", "Engineering 2", None, id="plain-is-whole"),
        pytest.param("a.c[1]", "abc1", None, id="no-regular-expression"),
        pytest.param("Caf\u00e9 {x}", "Cafe\u0301 1", {"x": "1"}, id="NFC"),
        pytest.param("stra\u00dfe-{x}", "STRASSE-Ost", {"x": "Ost"}, id="sharp-s-is-ss"),
        pytest.param("{x}-ost", "Gro\u00dfe Stra\u00dfe-ost", {"x": "Gro\u00dfe Stra\u00dfe"}, id="longer-when-folded"),
        pytest.param("stras{x}e", "stra\u00dfe", {"x": "\u00df"}, id="a-letter-is-captured-whole"),
    ],
)
def test_finding(pattern: str, name: str, captures: dict[str, str] | None) -> None:
    assert parse_pattern(pattern).find(name) == captures


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "between 1 and 512"),
        ("x" * 513, "between 1 and 512"),
        ("{team", "brace"),
        ("team}", "brace"),
        ("{}", "brace"),
        ("{a b}", "brace"),
        ("{a}-{a}", "captures {a} twice"),
        ("-".join("*" * 17), "more than 16"),
    ],
)
def test_what_is_no_pattern(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("text", "everything"), [("*", True), ("{x}", True), ("**", True), ("a*", False), ("a", False)]
)
def test_a_pattern_knows_that_it_matches_everything(text: str, everything: bool) -> None:
    assert parse_pattern(text).matches_everything is everything


def test_two_stars_are_one() -> None:
    assert parse_pattern("a**b").holes == (None,)


def test_only_the_star_is_special_in_names_of_accounts() -> None:
    bots = parse_stars("*[bot]{x}")
    assert bots.find("renovate[bot]{x}") == {}
    assert bots.find("renovate[bot]") is None


def test_a_hostile_name_takes_no_time() -> None:
    pattern = parse_pattern("a*" * 16 + "b")
    started = time.process_time()
    assert pattern.find("a" * 100_000) is None
    assert time.process_time() - started < 0.1


def matches_slowly(pattern: str, name: str) -> dict[str, str] | None:
    """The rule said plainly: try every length for each hole, shortest first from the left."""
    if not pattern:
        return None if name else {}
    if pattern[0] == "*":
        rest, least, hole = pattern[1:], 0, None
    elif pattern[0] == "{":
        rest, least, hole = pattern[3:], 1, pattern[1]
    else:
        same = name and name_key(name[0]) == name_key(pattern[0])
        return matches_slowly(pattern[1:], name[1:]) if same else None
    for length in range(least, len(name) + 1):
        found = matches_slowly(rest, name[length:])
        if found is not None:
            return {hole: name[:length], **found} if hole else found
    return None


PIECES = ["a", "b", "A", "*", "{x}", "{y}", "ab"]


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).filter(
        lambda parts: parts.count("{x}") < 2 and parts.count("{y}") < 2
    ),
    st.text("abAB", max_size=8),
)
def test_matching_is_the_plain_rule(parts: list[str], name: str) -> None:
    text = "".join(parts)
    assert parse_pattern(text).find(name) == matches_slowly(text, name)


def test_the_plain_rule_holds_for_every_short_case() -> None:
    for parts in product(["a", "*", "{x}"], repeat=3):
        if parts.count("{x}") < 2:
            for letters in product("ab", repeat=3):
                text, name = "".join(parts), "".join(letters)
                assert parse_pattern(text).find(name) == matches_slowly(text, name)


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{x}", "Core", "Core"),
        ("Acme {x|upper}!", "de", "Acme DE!"),
        ("{x|lower}", "CORE", "core"),
        ("{x|default:Staff}", "", "Staff"),
        ("{x|default:Staff}", "Boss", "Boss"),
        ("{x|default:}", "", ""),
        ("{x|local}", "ana@acme.example", "ana"),
        ("{x|local}", "ana", "ana"),
        ("{x|domain}", "ana@acme.example", "acme.example"),
        ("{x|domain}", "ana", ""),
        ("{x|slug}", "Caf\u00e9 & Bar_1", "cafe-bar_1"),
        ("{x|local|upper}", "ana@acme.example", "ANA"),
        ("no slot", "", "no slot"),
    ],
)
def test_filling(template: str, value: str, text: str) -> None:
    assert parse_template(template).render({"x": value}) == text


def test_a_missing_value_is_empty() -> None:
    assert parse_template("a{x}b").render({}) == "ab"


def test_a_template_knows_its_names() -> None:
    assert parse_template("{a}/{b|upper}/{a}").names == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{x", "other half"),
        ("x}", "other half"),
        ("{x{y}}", "other half"),
        ("{}", "names no capture"),
        ("{x|shout}", "unknown filter"),
        ("{x|default}", "only default takes"),
        ("{x|upper:1}", "only default takes"),
        ("x" * 513, "at most 512"),
    ],
)
def test_what_is_no_template(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_template(text)
