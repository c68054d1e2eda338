"""Pages by number (RFC 7644 section 3.4.2.4) and by cursor (RFC 9865)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from scim_kit import Client

from scim_bridge.scim.cursors import Place, read_cursor, write_cursor
from scim_bridge.scim.refusals import Refused

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def seven(client: Client) -> Client:
    """Seven users u1 to u7; the even ones are inactive."""
    for number in range(1, 8):
        client.user(f"u{number}", active=number % 2 == 1)
    return client


def _names(answer: Any) -> list[str]:
    return [user["userName"] for user in answer["Resources"]]


@pytest.mark.parametrize("start", range(1, 10))
@pytest.mark.parametrize("count", [1, 2, 3, 7, 8])
def test_every_page_by_number_is_the_right_part(seven: Client, start: int, count: int) -> None:
    everyone = [f"u{number}" for number in range(1, 8)]
    answer = seven.get(f"/Users?startIndex={start}&count={count}")
    assert _names(answer) == everyone[start - 1 : start - 1 + count]
    assert (answer["totalResults"], answer["startIndex"]) == (7, start)
    assert answer["itemsPerPage"] == len(answer["Resources"])


@pytest.mark.parametrize(("query", "size"), [("count=0", 0), ("count=-3", 0), ("startIndex=-1", 7), ("count=2000", 7)])
def test_numbers_beyond_the_range_are_bent(seven: Client, query: str, size: int) -> None:
    answer = seven.get(f"/Users?{query}")
    assert (answer["totalResults"], answer["itemsPerPage"], answer["startIndex"]) == (7, size, 1)


@pytest.mark.parametrize("query", ["count=--1", "startIndex=1x", "count=1e3", "sortOrder=up"])
def test_what_is_no_number_is_refused(client: Client, query: str) -> None:
    answer = client.send("GET", f"/Users?{query}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


def _walk(client: Client, query: str, link: str = "nextCursor") -> list[list[str]]:
    """The names of each page, following the cursors."""
    pages = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"/Users?{query}&cursor={cursor}")
        pages.append(_names(answer))
        cursor = answer.get(link)
    return pages


def test_a_walk_by_cursor_shows_each_once(seven: Client) -> None:
    assert _walk(seven, "count=3") == [["u1", "u2", "u3"], ["u4", "u5", "u6"], ["u7"]]
    assert _walk(seven, "count=7") == [["u1", "u2", "u3", "u4", "u5", "u6", "u7"]]
    assert _walk(seven, "count=2&filter=active eq true") == [["u1", "u3"], ["u5", "u7"]]


def test_a_cursor_without_value_asks_for_the_first_page(seven: Client) -> None:
    answer = seven.get("/Users?cursor&count=2")
    assert _names(answer) == ["u1", "u2"]
    assert (answer["totalResults"], answer["itemsPerPage"]) == (7, 2)
    assert "previousCursor" not in answer
    assert "startIndex" not in answer
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", answer["nextCursor"])  # RFC 3986 section 2.3


def test_pages_by_number_carry_no_cursor(seven: Client) -> None:
    assert "nextCursor" not in seven.get("/Users?count=2")


def test_previous_cursors_lead_back(seven: Client) -> None:
    first = seven.get("/Users?cursor=&count=3")
    second = seven.get(f"/Users?count=3&cursor={first['nextCursor']}")
    third = seven.get(f"/Users?count=3&cursor={second['nextCursor']}")
    back = seven.get(f"/Users?count=3&cursor={third['previousCursor']}")
    start = seven.get(f"/Users?count=3&cursor={back['previousCursor']}")
    assert [_names(back), _names(start)] == [_names(second), _names(first)]
    assert "previousCursor" not in start
    assert _names(seven.get(f"/Users?count=3&cursor={start['nextCursor']}")) == _names(second)


def test_a_walk_is_exact_while_others_write(seven: Client) -> None:
    ids = {user["userName"]: user["id"] for user in seven.get("/Users")["Resources"]}
    first = seven.get("/Users?cursor=&count=3")
    for gone in ("u1", "u3", "u5"):  # seen, the very place of the cursor, not yet seen
        seven.send("DELETE", f"/Users/{ids[gone]}")
    seven.user("u8")
    second = seven.get(f"/Users?count=3&cursor={first['nextCursor']}")
    assert (_names(second), second["totalResults"]) == (["u4", "u6", "u7"], 5)
    assert _names(seven.get(f"/Users?count=3&cursor={second['nextCursor']}")) == ["u8"]


def test_where_all_before_are_gone_a_page_back_is_empty_and_leads_on(seven: Client) -> None:
    first = seven.get("/Users?cursor=&count=3")
    second = seven.get(f"/Users?count=3&cursor={first['nextCursor']}")
    for user in first["Resources"]:
        seven.send("DELETE", f"/Users/{user['id']}")
    back = seven.get(f"/Users?count=3&cursor={second['previousCursor']}")
    assert _names(back) == []
    assert _names(seven.get(f"/Users?count=3&cursor={back['nextCursor']}")) == ["u4", "u5", "u6"]


@pytest.mark.parametrize("path", ["/Groups?", "/Users?filter=active eq true&", "/Users?sortBy=userName&"])
def test_a_cursor_is_good_for_its_own_question_only(seven: Client, path: str) -> None:
    cursor = seven.get("/Users?cursor=&count=3")["nextCursor"]
    answer = seven.send("GET", f"{path}count=3&cursor={cursor}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidCursor")


def test_a_cursor_may_change_its_count(seven: Client) -> None:
    cursor = seven.get("/Users?cursor=&count=3")["nextCursor"]
    assert _names(seven.get(f"/Users?count=2&cursor={cursor}")) == ["u4", "u5"]


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: "A" + c[1:], lambda c: c + "A", lambda c: "ü", lambda c: "%00"]
)
def test_a_changed_cursor_is_refused(seven: Client, change: Any) -> None:
    cursor = seven.get("/Users?cursor=&count=3")["nextCursor"]
    answer = seven.send("GET", f"/Users?count=3&cursor={change(cursor)}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidCursor")


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("[" * 10_000, id="deep"),
        pytest.param('["0",1,0]', id="text"),
        pytest.param("[0,99999999999999999999,0]", id="too-large-a-number"),
        pytest.param("[0,1]", id="short"),
        pytest.param("[0,1,2]", id="neither-on-nor-back"),
    ],
)
def test_a_cursor_that_holds_no_place_is_refused(client: Client, place: str) -> None:
    cursor = urlsafe_b64encode(b"12345678" + place.encode()).decode().rstrip("=")
    answer = client.send("POST", "/Users/.search", {"schemas": [SEARCH], "cursor": cursor})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidCursor")


@pytest.mark.parametrize("place", [Place(1, 1, back=True), Place(0, 2**31)], ids=["another-type", "no-row"])
def test_a_cursor_that_is_made_up_is_refused(place: Place) -> None:
    made = write_cursor(place, "its list")
    with pytest.raises(Refused, match="the cursor is none that this list gave out"):
        read_cursor(made, "its list")


@pytest.mark.parametrize("count", ["0", "-1"])
def test_beside_a_cursor_count_is_positive(client: Client, count: str) -> None:
    answer = client.send("GET", f"/Users?cursor=&count={count}")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidCount")


def test_cursor_and_start_index_exclude_each_other(client: Client) -> None:
    answer = client.send("GET", "/Users?cursor=&startIndex=1")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


def test_the_configuration_says_how_pages_go(client: Client) -> None:
    assert client.get("/ServiceProviderConfig")["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 1000,
    }


def test_the_root_is_walked_by_cursor_too(seven: Client) -> None:
    for name in ("g1", "g2"):
        seven.group(name)
    search = {"schemas": [SEARCH], "count": 4, "cursor": ""}
    pages: list[Any] = []
    while not pages or "nextCursor" in pages[-1]:
        pages.append(seven.send("POST", "/.search", search).get_json())
        search["cursor"] = pages[-1].get("nextCursor")
    names = [[one.get("userName", one.get("displayName")) for one in page["Resources"]] for page in pages]
    assert names == [["u1", "u2", "u3", "u4"], ["u5", "u6", "u7", "g1"], ["g2"]]
    search["cursor"] = pages[-1]["previousCursor"]
    back = seven.send("POST", "/.search", search).get_json()
    assert back["Resources"] == pages[1]["Resources"]
