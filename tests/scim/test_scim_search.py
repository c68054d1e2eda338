"""POST .search, at the root and per type (RFC 7644 section 3.4.3), and what both ways of asking share."""

from __future__ import annotations

from typing import Any

import pytest
from scim_kit import Client

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def _search(client: Client, path: str = "", **body: Any) -> Any:
    answer = client.send("POST", f"{path}/.search", {"schemas": [SEARCH], **body})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


@pytest.fixture
def company(client: Client) -> Client:
    """Two users, two groups."""
    ada = client.user("ada", displayName="Ada", title="Lead")
    client.group("Engineering", ada)
    client.user("bob", displayName="Bob")
    client.group("Sales")
    return client


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({}, ""),
        ({"filter": 'displayName eq "bob"'}, 'filter=displayName eq "bob"'),
        ({"attributes": ["displayName", "meta.version"]}, "attributes=displayName,meta.version"),
        ({"excludedAttributes": ["members", "meta"]}, "excludedAttributes=members,meta"),
        ({"startIndex": 2, "count": 1}, "startIndex=2&count=1"),
        ({"count": 0}, "count=0"),
        ({"cursor": "", "count": 1}, "cursor=&count=1"),
        ({"FILTER": None, "Count": 1}, "count=1"),
    ],
)
def test_a_search_answers_as_the_get_does(company: Client, path: str, body: Any, query: str) -> None:
    assert _search(company, path, **body) == company.get(f"{path}?{query}")


def test_the_root_lists_users_then_groups(company: Client) -> None:
    found = _search(company)
    assert found["totalResults"] == found["itemsPerPage"] == 4
    assert [one["displayName"] for one in found["Resources"]] == ["Ada", "Bob", "Engineering", "Sales"]
    assert [one["meta"]["resourceType"] for one in found["Resources"]] == ["User", "User", "Group", "Group"]


@pytest.mark.parametrize(
    ("start", "count", "names"),
    [
        (1, 2, ["Ada", "Bob"]),
        (2, 2, ["Bob", "Engineering"]),
        (3, 2, ["Engineering", "Sales"]),
        (4, 2, ["Sales"]),
        (5, 2, []),
        (2, 3, ["Bob", "Engineering", "Sales"]),
        (1, 0, []),
    ],
)
def test_pages_of_the_root_run_over_both_types(company: Client, start: int, count: int, names: list[str]) -> None:
    found = _search(company, startIndex=start, count=count)
    assert [one["displayName"] for one in found["Resources"]] == names
    assert (found["totalResults"], found["startIndex"]) == (4, start)


def test_a_filter_at_the_root_asks_both_types(company: Client) -> None:
    assert [one["displayName"] for one in _search(company, filter="displayName pr")["Resources"]] == [
        "Ada",
        "Bob",
        "Engineering",
        "Sales",
    ]
    assert [one["displayName"] for one in _search(company, filter='displayName eq "sales"')["Resources"]] == ["Sales"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userName pr", ["Ada", "Bob"]),
        ("members pr or externalId pr", ["Engineering"]),
        ('emails[type eq "work"] or name.givenName pr or manager pr', []),
        ('not (members.value eq "x")', ["Ada", "Bob", "Engineering", "Sales"]),
        ('schemas[value eq "x"]', []),
    ],
)
def test_at_the_root_an_attribute_that_one_type_lacks_has_no_value_there(
    company: Client, text: str, names: list[str]
) -> None:
    assert [one["displayName"] for one in _search(company, filter=text)["Resources"]] == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("usrName pr", 'User has no attribute usrName; did you mean "userName"?'),
        ("displayName pr or not (membres pr)", "has no attribute membres"),
        ('members[kind eq "User"]', "Group has no attribute members.kind"),
        ("urn:x:2.0:User:badge pr", "has no attribute urn:x:2.0:User:badge"),
        ('password eq "x"', "password is sensitive"),
    ],
)
def test_at_the_root_too_a_name_that_nobody_has_is_refused(company: Client, text: str, reason: str) -> None:
    answer = company.send("POST", "/.search", {"schemas": [SEARCH], "filter": text})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidFilter")
    assert reason in answer.get_json()["detail"]


@pytest.mark.parametrize("path", ["", "/Users", "/Groups"])
@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({}, "invalidSyntax"),
        ({"schemas": ["urn:x"]}, "invalidSyntax"),
        ({"schemas": SEARCH}, "invalidSyntax"),
        ({"schemas": [SEARCH], "filter": 7}, "invalidValue"),
        ({"schemas": [SEARCH], "filter": "displayName is"}, "invalidFilter"),
        ({"schemas": [SEARCH], "count": "1"}, "invalidValue"),
        ({"schemas": [SEARCH], "count": True}, "invalidValue"),
        ({"schemas": [SEARCH], "startIndex": 1.5}, "invalidValue"),
        ({"schemas": [SEARCH], "attributes": "userName"}, "invalidValue"),
        ({"schemas": [SEARCH], "attributes": [1]}, "invalidValue"),
        ({"schemas": [SEARCH], "attributes": ["id"], "excludedAttributes": ["meta"]}, "invalidValue"),
        ({"schemas": [SEARCH], "sortOrder": "upwards"}, "invalidValue"),
        ({"schemas": [SEARCH], "cursor": "nonsense"}, "invalidCursor"),
    ],
)
def test_a_search_that_cannot_be_read_is_400(client: Client, path: str, body: Any, scim_type: str) -> None:
    answer = client.send("POST", f"{path}/.search", body)
    assert (answer.status_code, answer.get_json().get("scimType")) == (400, scim_type)


@pytest.mark.parametrize(("method", "path"), [("POST", "/Users"), ("GET", "/Users"), ("PUT", "/Users/{id}")])
def test_the_two_projections_exclude_each_other(client: Client, method: str, path: str) -> None:
    path = path.replace("{id}", client.user("a"))
    answer = client.send(method, f"{path}?attributes=userName&excludedAttributes=meta", {"userName": "b"})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    assert client.get("/Users")["totalResults"] == 1
