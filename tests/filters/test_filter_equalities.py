"""The short way for equalities gives the tree that the grammar gives, or none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim_bridge.filters import InvalidFilter, parse_filter
from scim_bridge.filters.equalities import read_equalities
from scim_bridge.filters.parser import _parse_anew

NAMES = [
    "userName",
    "id",
    "a",
    "x-y_1",
    "eq",
    "and",
    "not",
    "nota",
    "or-1",
    "true",
    "null",
    "pr",
    "$ref",
    "1a",
    "é",
    "",
]
URNS = ["", "urn:x:2.0:User:", "urn:a:b:", "a:", "urn:", "http://x/y:", ":"]
BLANKS = [" ", "  ", "\t", "", "\n"]
OPS = ["eq", "EQ", "eQ", "ne", "eq eq"]
VALUES = [
    '"x"',
    '"a@b.c"',
    '""',
    '"say \\"hi\\""',
    '"\\u00e9"',
    '"é"',
    "true",
    "1",
    '"x',
    '"\x07"',
    '"\ud800"',
    '"[]. and"',
]
NAME = st.builds(str.__add__, st.sampled_from(URNS), st.sampled_from(NAMES))
PATH = st.one_of(NAME, st.builds("{}.{}".format, NAME, st.sampled_from(NAMES)))
TERM = st.builds(
    "{}{}{}{}{}".format,
    PATH,
    st.sampled_from(BLANKS),
    st.sampled_from(OPS),
    st.sampled_from(BLANKS),
    st.sampled_from(VALUES),
)
TEXT = st.one_of(
    TERM,
    st.builds("{}{}and{}{}".format, TERM, st.sampled_from(BLANKS), st.sampled_from(BLANKS), TERM),
    st.builds("{}[{}].{}".format, NAME, TERM, TERM),
    st.builds("{}{}".format, TERM, st.sampled_from([" ", " and", " or a pr", "x", ")"])),
)


@settings(max_examples=500, deadline=None)
@given(text=TEXT)
def test_the_short_way_is_the_grammar(text: str) -> None:
    found = read_equalities(text)
    if found is not None:
        assert found == _parse_anew("AS_FILTER", text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a@b.c"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a"',
        'emails[type eq "work"].value eq "a@b.c"',
        'id eq "1" and manager eq "2"',
        'name.familyName EQ "Straße"',
    ],
)
def test_what_providers_send_takes_it(text: str) -> None:
    assert read_equalities(text) == _parse_anew("AS_FILTER", text) == parse_filter(text)


@pytest.mark.parametrize("text", ['a eq "\ud800"', 'a eq "\x00"', 'a eq "' + "x" * 9000 + '"', "a eq"])
def test_the_grammar_keeps_the_errors(text: str) -> None:
    assert read_equalities(text) is None
    with pytest.raises(InvalidFilter):
        parse_filter(text)
