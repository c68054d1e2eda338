"""sortBy and sortOrder (RFC 7644 section 3.4.2.3), on pages by number and by cursor, in lists and in .search."""

from __future__ import annotations

from typing import Any

import pytest
from scim_kit import Client

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
UP = ["Ada", "bob", "Cleo", "Dora", "u5", "u6"]


@pytest.fixture
def staff(client: Client) -> Client:
    """Six users; two have no displayName."""
    for name, shown in [("u1", "Cleo"), ("u2", "bob"), ("u3", "Ada"), ("u4", "Dora"), ("u5", None), ("u6", None)]:
        client.user(name, displayName=shown, title="x", active=name != "u2")
    return client


def _names(answer: Any) -> list[str]:
    return [one.get("displayName") or one["userName"] for one in answer["Resources"]]


def test_lists_are_sorted_without_case_and_the_nameless_come_last(staff: Client) -> None:
    assert _names(staff.get("/Users?sortBy=displayName")) == UP
    assert _names(staff.get("/Users?sortBy=DISPLAYNAME&sortOrder=Descending")) == UP[::-1]


def test_without_sort_by_the_order_means_nothing(staff: Client) -> None:
    assert _names(staff.get("/Users?sortOrder=descending")) == ["Cleo", "bob", "Ada", "Dora", "u5", "u6"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort_by", ["displayName", "title", "active", "meta.created", "userName", "name.familyName"])
@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_pages_by_number_and_by_cursor_walk_one_order(staff: Client, order: str, sort_by: str, count: int) -> None:
    query = f"sortBy={sort_by}&sortOrder={order}&count={count}"
    whole = [user["id"] for user in staff.get(f"/Users?sortBy={sort_by}&sortOrder={order}")["Resources"]]
    numbered = [staff.get(f"/Users?{query}&startIndex={start}") for start in range(1, 7, count)]
    walked = [staff.get(f"/Users?{query}&cursor=")]
    while "nextCursor" in walked[-1]:
        walked.append(staff.get(f"/Users?{query}&cursor={walked[-1]['nextCursor']}"))
    back = walked[-1]
    while "previousCursor" in back:
        back = staff.get(f"/Users?{query}&cursor={back['previousCursor']}")
    assert [user["id"] for page in numbered for user in page["Resources"]] == whole
    assert [user["id"] for page in walked for user in page["Resources"]] == whole
    assert back["Resources"] == walked[0]["Resources"]
    assert {page["totalResults"] for page in walked + numbered} == {6}


def test_filters_and_orders_go_together(staff: Client) -> None:
    found = staff.get("/Users?filter=active eq true and displayName pr&sortBy=displayName&cursor&count=2")
    assert _names(found) == ["Ada", "Cleo"]
    found = staff.get(
        f"/Users?filter=active eq true and displayName pr&sortBy=displayName&count=2&cursor={found['nextCursor']}"
    )
    assert (_names(found), found["totalResults"]) == (["Dora"], 3)


def test_a_sorted_walk_that_lost_its_place_is_expired(staff: Client) -> None:
    first = staff.get("/Users?sortBy=displayName&count=2&cursor=")
    staff.send("DELETE", f"/Users/{first['Resources'][-1]['id']}")
    answer = staff.send("GET", f"/Users?sortBy=displayName&count=2&cursor={first['nextCursor']}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "expiredCursor")


@pytest.mark.parametrize("sort_by", ["nothing", "name", "emails[", "password"])
@pytest.mark.parametrize("path", ["", "/Users"])
def test_what_has_no_order_is_refused(client: Client, path: str, sort_by: str) -> None:
    answer = client.send("POST", f"{path}/.search", {"schemas": [SEARCH], "sortBy": sort_by})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


def _root(client: Client, **search: Any) -> Any:
    return client.send("POST", "/.search", {"schemas": [SEARCH], **search}).get_json()


@pytest.fixture
def company(staff: Client) -> Client:
    """The same with two groups."""
    staff.group("Boats")
    staff.group("Zebras")
    return staff


def test_the_root_has_one_order_over_both_types(company: Client) -> None:
    up = ["Ada", "Boats", "bob", "Cleo", "Dora", "Zebras", "u5", "u6"]
    assert _names(_root(company, sortBy="displayName")) == up
    assert _names(_root(company, sortBy="displayName", sortOrder="descending")) == up[::-1]
    assert _names(_root(company, sortBy="displayName", startIndex=2, count=3)) == ["Boats", "bob", "Cleo"]
    assert _names(_root(company, sortBy="displayName", startIndex=9)) == []


def test_at_the_root_a_type_without_the_attribute_comes_last(company: Client) -> None:
    names = _names(_root(company, sortBy="userName"))
    assert names == ["Cleo", "bob", "Ada", "Dora", "u5", "u6", "Boats", "Zebras"]


def test_at_the_root_an_attribute_that_one_type_lacks_has_no_value_there(company: Client) -> None:
    found = _root(company, filter='userName eq "u1" or displayName eq "zebras"')
    assert _names(found) == ["Cleo", "Zebras"]


def test_an_order_over_both_types_has_no_cursor(company: Client) -> None:
    answer = company.send("POST", "/.search", {"schemas": [SEARCH], "sortBy": "displayName", "cursor": ""})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    assert "startIndex" in answer.get_json()["detail"]
