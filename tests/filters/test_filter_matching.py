"""Tree to truth: RFC 7644 section 3.4.2.2 and table 3."""

from __future__ import annotations

import pytest

from scim_bridge.filters import matches, parse_filter

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADA = {
    "id": "2819c223",
    "externalId": "E1",
    "userName": "Ada@Example.com",
    "name": {"familyName": "Lovelace", "givenName": "Ada"},
    "title": "",
    "active": True,
    "level": 7,
    "ratio": 2.5,
    "nickNames": ["Countess", "Enchantress"],
    "emails": [
        {"value": "ada@example.com", "type": "work", "primary": True},
        {"value": "ada@home.org", "type": "home"},
    ],
    "groups": [{"value": "g1", "display": "Engineering"}, {"value": "g2", "display": "Math"}],
    "photos": [{"value": "https://x/Y.png"}],
    "meta": {"lastModified": "2011-05-13T04:42:34Z"},
    ENTERPRISE: {"department": "R&D", "manager": {"value": "26118915"}},
}


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ADA@example.COM"',
        'USERNAME Eq "ada@example.com"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada"',
        'userName ew "COM" and userName co "@EX"',
        'userName gt "Ada" and userName ge "ada@example.com" and userName lt "b" and userName le "b"',
        'name.familyName co "love"',
        "name pr and not (title pr)",
        "name.givenName pr",
        'id eq "2819c223"',
        'externalId eq "E1" and externalId ne "e1"',
        "active eq true and active ne false",
        'active eq "True"',
        "level eq 7 and level gt 6.5 and level le 7 and level eq 7.0",
        "ratio lt 3 and ratio ge 2.5",
        'nickNames eq "countess" and nickNames eq "enchantress"',
        'emails eq "ADA@home.org"',
        'emails.type eq "HOME"',
        'emails[type eq "work" and value co "@example"]',
        'emails[type eq "home"].value ew ".org"',
        'not (emails[type eq "home" and primary eq true])',
        'nickNames[value sw "C"]',
        'groups.display eq "engineering" and groups.display ne "Engineering"',
        'groups eq "g2"',
        'photos.value eq "https://x/Y.png" and photos eq "https://x/Y.png"',
        'photos[value eq "https://x/Y.png"]',
        'meta.lastModified gt "2011-05-13T04:42:33Z"',
        'meta.lastModified eq "2011-05-13T06:42:34+02:00"',
        'meta.lastModified lt "2011-05-13T04:42:35"',
        f'{ENTERPRISE}:department eq "r&d"',
        f'{ENTERPRISE.upper()}:Department eq "r&d"',
        f'{ENTERPRISE}:manager eq "26118915"',
        "nothing eq null and title eq null and userName ne null",
        'nothing ne "x" and nothing.sub ne "x"',
        "not (nothing pr)",
    ],
)
def test_holds(text: str) -> None:
    assert matches(parse_filter(text), ADA)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('externalId eq "e1"', id="externalId-keeps-case"),
        pytest.param('photos.value eq "https://x/y.png"', id="references-keep-case"),
        pytest.param("userName eq true", id="boolean-is-no-text"),
        pytest.param("active eq 1", id="number-is-no-boolean"),
        pytest.param('level eq "7"', id="text-is-no-number"),
        pytest.param('level co "7"', id="numbers-contain-nothing"),
        pytest.param("userName gt 5", id="no-order-between-types"),
        pytest.param('extra gt "a"', id="absent-is-in-no-order"),
        pytest.param('emails[type eq "home" and value co "@example"]', id="one-element-must-meet-both"),
        pytest.param('emails[type eq "home"].value eq "ada@example.com"', id="the-test-is-on-that-element"),
        pytest.param("userName eq null", id="present-is-not-null"),
        pytest.param("level ne 7", id="ne-on-the-same"),
        pytest.param('name eq "Ada"', id="complex-without-value"),
        pytest.param('userName.sub eq "x"', id="text-has-no-parts"),
        pytest.param('meta.lastModified gt "2011-13-41T99:00:00Z"', id="no-date-is-text"),
        pytest.param('nothing[value eq "x"]', id="no-elements"),
        pytest.param('urn:unknown:2.0:User:department eq "r&d"', id="unknown-schema"),
    ],
)
def test_does_not_hold(text: str) -> None:
    assert not matches(parse_filter(text), ADA)


def test_a_boolean_is_in_no_order_whatever_its_name() -> None:
    assert not matches(parse_filter('flag gt "a" or flag le "z"'), {"flag": True})
    assert not matches(parse_filter("flag ge 0"), {"flag": True})


def test_empty_lists_and_objects_are_absent() -> None:
    assert not matches(parse_filter("emails pr or name pr"), {"emails": [], "name": {"givenName": ""}})
    assert not matches(parse_filter("emails pr"), {"emails": [[]]})
