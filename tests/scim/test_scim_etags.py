"""Versions and conditions (RFC 7644 section 3.14)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from scim_kit import ENTERPRISE, Client
from werkzeug.test import TestResponse

RENAME = {"op": "replace", "path": "displayName", "value": "h"}


def _patch(client: Client, path: str, **headers: str) -> TestResponse:
    return client.send(
        "PATCH", path, {"Operations": [RENAME]}, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def _get(client: Client, path: str, tag: str) -> TestResponse:
    return client.send("GET", path, headers={"If-None-Match": tag})


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_every_answer_with_one_resource_says_its_version(client: Client, path: str) -> None:
    body = {"userName": "a", "displayName": "g"}
    made = client.send("POST", path, body)
    own = f"{path}/{made.get_json()['id']}"
    answers = [made, client.send("GET", own), client.send("PUT", own, {**body, "externalId": "x"})]
    assert [answer.headers["ETag"] for answer in answers] == ['W/"1"', 'W/"1"', 'W/"2"']
    assert [answer.get_json()["meta"]["version"] for answer in answers] == ['W/"1"', 'W/"1"', 'W/"2"']


def test_a_patch_says_the_version_with_and_without_a_body(client: Client) -> None:
    user_id, group_id = client.user(), client.group()
    user, group = _patch(client, f"/Users/{user_id}"), _patch(client, f"/Groups/{group_id}")
    assert (user.status_code, user.headers["ETag"]) == (200, user.get_json()["meta"]["version"])
    assert (group.status_code, group.headers["ETag"]) == (204, client.get(f"/Groups/{group_id}")["meta"]["version"])


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', 'W/"7", W/"1"', ' W/"x,y" , W/"1",', "*"])
def test_get_answers_304_to_whoever_has_this_version(client: Client, tag: str) -> None:
    answer = _get(client, f"/Users/{client.user()}", tag)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", 'W/"1"')


def test_get_shows_what_has_changed(client: Client) -> None:
    user_id = client.user()
    _patch(client, f"/Users/{user_id}")
    assert _get(client, f"/Users/{user_id}", 'W/"1"').get_json()["displayName"] == "h"


def test_get_with_if_match_is_412_where_it_moved(client: Client) -> None:
    path = f"/Users/{client.user()}"
    assert client.send("GET", path, headers={"If-Match": 'W/"1"'}).status_code == 200
    assert client.send("GET", path, headers={"If-Match": 'W/"2"'}).status_code == 412


def _joins(client: Client, user_id: str, group_id: str) -> None:
    client.patch(f"/Groups/{group_id}", {"op": "add", "path": "members", "value": [{"value": user_id}]})


def _leaves(client: Client, user_id: str, group_id: str) -> None:
    client.patch(f"/Groups/{group_id}", {"op": "remove", "path": f'members[value eq "{user_id}"]'})


def _is_renamed(client: Client, user_id: str, group_id: str) -> None:
    client.patch(f"/Groups/{group_id}", RENAME)


def _goes(client: Client, user_id: str, group_id: str) -> None:
    client.send("DELETE", f"/Groups/{group_id}")


@pytest.mark.parametrize("change", [_leaves, _is_renamed, _goes])
def test_a_users_groups_are_never_stale(client: Client, change: Any) -> None:
    user_id = client.user()
    group_id = client.group("g", user_id)
    path = f"/Users/{user_id}"
    tag = client.send("GET", path).headers["ETag"]
    assert _get(client, path, tag).status_code == 304
    change(client, user_id, group_id)
    assert _get(client, path, tag).status_code == 200


def test_a_user_that_joins_a_group_has_another_tag(client: Client) -> None:
    user_id = client.user()
    group_id = client.group()
    _joins(client, user_id, group_id)
    assert _get(client, f"/Users/{user_id}", 'W/"1"').get_json()["groups"][0]["value"] == group_id
    assert _get(client, f"/Users/{user_id}?excludedAttributes=groups", 'W/"1"').status_code == 304


def test_a_groups_members_are_never_stale(client: Client) -> None:
    ada, group_id = client.user("ada"), ""
    group_id = client.group("g", ada, "later")
    path = f"/Groups/{group_id}"

    def tag() -> str:
        return client.send("GET", path).headers["ETag"]

    before = tag()
    client.user("bob", externalId="later")
    arrived = tag()
    client.send("DELETE", f"/Users/{ada}")
    gone = tag()
    assert len({before, arrived, gone}) == 3
    assert _get(client, path, arrived).status_code == 200


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_to_another_version_is_412_and_writes_nothing(client: Client, path: str, method: str) -> None:
    own = f"{path}/{client.user() if path == '/Users' else client.group()}"
    body = {"Operations": [RENAME], "userName": "b", "displayName": "h"}
    before = client.get(own)
    answer = client.send(method, own, body, headers={"If-Match": 'W/"7"'})
    assert (answer.status_code, answer.get_json()["status"]) == (412, "412")
    assert 'W/"1"' in answer.get_json()["detail"]
    assert client.get(own) == before
    answer = client.send(method, own, body, headers={"If-None-Match": "*"})
    assert answer.status_code == 412
    answer = client.send(method, own, body, headers={"If-Match": 'W/"7", W/"1"'})
    assert answer.status_code in (200, 204)


def test_any_version_will_do_for_a_star(client: Client) -> None:
    assert _patch(client, f"/Users/{client.user()}", If_Match="*").status_code == 200


def test_what_is_not_there_is_404_under_any_condition(client: Client) -> None:
    answer = client.send("DELETE", "/Users/00000000-0000-4000-8000-000000000000", headers={"If-Match": "*"})
    assert answer.status_code == 404


def test_a_push_of_members_does_not_stop_a_put_of_the_user(client: Client) -> None:
    user_id = client.user()
    tag = client.send("GET", f"/Users/{user_id}").headers["ETag"]
    client.group("g", user_id)
    shown = client.send("GET", f"/Users/{user_id}").headers["ETag"]
    assert tag != shown
    assert _patch(client, f"/Users/{user_id}", If_Match=tag).status_code == 200
    assert _patch(client, f"/Users/{user_id}", If_Match=shown).status_code == 412


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["1", 'W/"1', 'W/"1" W/"1"', '"1", *', '*, "1"', "W/", ","])
def test_a_condition_that_cannot_be_read_is_refused(client: Client, header: str, value: str) -> None:
    user_id = client.user()
    for method in ("GET", "PATCH"):
        answer = client.send(method, f"/Users/{user_id}", {"Operations": [RENAME]}, headers={header: value})
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


def test_a_post_has_nothing_to_match(client: Client) -> None:
    answer = client.send("POST", "/Users", {"userName": "a"}, headers={"If-None-Match": "*"})
    assert answer.status_code == 201


def test_lists_show_the_same_versions(client: Client) -> None:
    user_id = client.user(**{ENTERPRISE: {"department": "d"}})
    client.group("g", user_id)
    for path in ("/Users", "/Groups"):
        shown = client.get(path)["Resources"][0]
        own = client.send("GET", f"{path}/{shown['id']}")
        assert shown["meta"]["version"] == own.headers["ETag"]


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_of_many_writers_of_one_version_one_wins(client: Client, app: Flask, path: str) -> None:
    own = f"{path}/{client.user() if path == '/Users' else client.group()}"

    def write(number: int) -> int:
        writer = Client(app.test_client(), client.token)
        rename = {"op": "replace", "path": "displayName", "value": f"name {number}"}
        return writer.send("PATCH", own, {"Operations": [rename]}, headers={"If-Match": 'W/"1"'}).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(write, range(6)))
    assert answers[0] in (200, 204)
    assert answers[1:] == [412] * 5
    assert client.get(own)["meta"]["version"] == 'W/"2"'
