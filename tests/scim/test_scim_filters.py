"""Filters over the wire (RFC 7644 section 3.4.2.2): what is shown can be asked for, as it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from scim_kit import ENTERPRISE, USER, Client

ROOT = "https://bridge.example.com/scim/v2"


def _users(client: Client, filter: str) -> list[str]:
    answer = client.send("GET", "/Users", query_string={"filter": filter})
    assert answer.status_code == 200, answer.text
    return [user["userName"] for user in answer.get_json()["Resources"]]


def _error(client: Client, path: str, filter: str) -> dict[str, Any]:
    answer = client.send("GET", path, query_string={"filter": filter})
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.get_json()
    return error


@pytest.fixture
def staff(client: Client) -> Client:
    ada = {
        "userName": "Ada",
        "name": {"familyName": "Straße"},
        "title": "VP",
        "phoneNumbers": [{"value": "+49 1", "type": "mobile"}],
        ENTERPRISE: {"department": "R&D", "manager": "boss"},
    }
    ada_id = client.send("POST", "/Users", ada).get_json()["id"]
    client.user("Bob", addresses=[{"locality": "Köln", "type": "work"}], roles=[{"value": "Admin", "primary": True}])
    client.group("Engineering", ada_id)
    return client


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ('name.familyName eq "STRASSE"', ["Ada"]),
        ("title pr", ["Ada"]),
        ('phoneNumbers[type eq "mobile" and value sw "+49"]', ["Ada"]),
        (f'{ENTERPRISE}:department co "&d"', ["Ada"]),
        ('addresses.locality ew "ÖLN"', ["Bob"]),
        ('roles[primary eq "True"].value eq "admin"', ["Bob"]),
        ('groups.display eq "engineering"', ["Ada"]),
        ("groups pr", ["Ada"]),
        (f'schemas eq "{ENTERPRISE}"', ["Ada"]),
        (f'schemas eq "{USER}" and not (title eq "vp")', ["Bob"]),
        ('meta.resourceType eq "User"', ["Ada", "Bob"]),
        ('meta.lastModified ge "2026-11-22T13:00:00+01:00"', ["Ada", "Bob"]),
        ('meta.created lt "2026-11-22T12:00:00Z"', []),
        ('userName gt "ada"', ["Bob"]),
    ],
)
def test_users(staff: Client, filter: str, names: list[str]) -> None:
    assert _users(staff, filter) == names


@pytest.mark.parametrize("attribute", ["id", "meta.created", "meta.lastModified", "meta.location", "meta.version"])
def test_what_is_shown_is_found(staff: Client, attribute: str) -> None:
    ada = staff.get("/Users")["Resources"][0]
    name, _, sub = attribute.partition(".")
    shown = ada[name][sub] if sub else ada[name]
    text = str(shown).replace('"', '\\"')
    assert "Ada" in _users(staff, f'{attribute} eq "{text}"')
    assert "Ada" not in _users(staff, f'{attribute} ne "{text}"')


def test_the_address_of_a_group_is_the_one_that_is_shown(staff: Client) -> None:
    ada = staff.get("/Users")["Resources"][0]
    assert ada["groups"][0]["$ref"].startswith(f"{ROOT}/Groups/")
    assert _users(staff, f'groups.$ref eq "{ada["groups"][0]["$ref"]}"') == ["Ada"]


def test_passwords_cannot_be_asked_for(staff: Client) -> None:
    error = _error(staff, "/Users", 'password eq "secret"')
    assert error["scimType"] == "invalidFilter"
    assert "sensitive" in error["detail"]
    assert "secret" not in error["detail"]


def test_an_unknown_attribute_is_refused_with_the_nearest(staff: Client) -> None:
    error = _error(staff, "/Groups", 'dispalyName eq "x"')
    assert error["scimType"] == "invalidFilter"
    assert 'did you mean "displayName"?' in error["detail"]


@pytest.mark.parametrize(
    "filter",
    [
        "a" * 9000,
        "(" * 40 + "userName pr" + ")" * 40,
        " or ".join(["userName pr"] * 300),
        'userName eq "\\ud800"',
        'userName eq "\\u0000"',
        "userName eq 1e400",
        "userName eq 99999999999999999999",
        'userName eq "' + "\\" * 4001 + '"',
    ],
    ids=["long", "deep", "many-terms", "half-surrogate", "nul", "infinite", "beyond-64-bits", "backslashes"],
)
def test_unreasonable_filters_are_400(staff: Client, filter: str) -> None:
    assert _error(staff, "/Users", filter)["scimType"] == "invalidFilter"


def test_the_most_terms_that_are_allowed_are_answered(staff: Client) -> None:
    filter = " or ".join(f'emails[type eq "work" and value ew "{number}"].display co "x"' for number in range(80))
    assert _users(staff, filter) == []
