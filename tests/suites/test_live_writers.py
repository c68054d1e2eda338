"""Two writers of one resource never lose an update: several clients at once against a running bridge."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from suite_kit import USER, Live

ROUNDS = 25


def _at_once(*works: Callable[[], None]) -> None:
    """Run all at the same time; an exception of one fails the test."""
    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(work) for work in works]:
            running.result()


def _version(resource: dict[str, Any]) -> int:
    return int(resource["meta"]["version"].strip('W/"').partition(".")[0])  # behind the dot: what else is shown


@pytest.fixture
def user(live: Live) -> dict[str, Any]:
    return live.user(f"{uuid4().hex}@example.com", name={"givenName": "Ada"}, title="0", nickName="0")


def test_patches_of_different_attributes_all_stay(live: Live, user: dict[str, Any]) -> None:
    paths = ["title", "nickName", "displayName", "name.familyName", 'emails[type eq "work"].value']

    def write(path: str) -> None:
        for number in range(1, ROUNDS + 1):
            answer = live.patch(
                f"/Users/{user['id']}", {"op": "replace", "path": path, "value": f"{number}@example.com"}
            )
            assert answer.status_code == 200, answer.text

    _at_once(*(lambda path=path: write(path) for path in paths))
    found = live.get(f"/Users/{user['id']}")
    last = f"{ROUNDS}@example.com"
    assert [found["title"], found["nickName"], found["displayName"], found["name"]["familyName"]] == [last] * 4
    assert (found["emails"], found["name"]["givenName"]) == ([{"type": "work", "value": last}], "Ada")
    assert _version(found) == _version(user) + len(paths) * ROUNDS


def test_members_added_and_removed_at_once_all_count(live: Live) -> None:
    users = [live.user(f"{uuid4().hex}@example.com")["id"] for _ in range(4 * 10)]
    lots = [users[at : at + 10] for at in range(0, 40, 10)]
    leaving = lots[0] + lots[1]
    group = live.group(f"Writers {uuid4().hex}", *leaving)

    def add(lot: list[str]) -> None:
        for user_id in lot:
            operation = {"op": "add", "path": "members", "value": [{"value": user_id}]}
            assert live.patch(f"/Groups/{group['id']}", operation).status_code == 204

    def remove(lot: list[str]) -> None:
        for user_id in lot:
            operation = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
            assert live.patch(f"/Groups/{group['id']}", operation).status_code == 204

    _at_once(lambda: remove(lots[0]), lambda: remove(lots[1]), lambda: add(lots[2]), lambda: add(lots[3]))
    found = live.get(f"/Groups/{group['id']}")
    assert {member["value"] for member in found["members"]} == {*lots[2], *lots[3]}
    assert _version(found) == _version(group) + 40


def test_a_rename_and_a_change_of_members_both_stay(live: Live) -> None:
    users = [live.user(f"{uuid4().hex}@example.com")["id"] for _ in range(ROUNDS)]
    group = live.group(f"Renamed {uuid4().hex}")

    def rename() -> None:
        for number in range(1, ROUNDS + 1):
            value = {"id": group["id"], "displayName": f"{group['displayName']} {number}"}
            assert live.patch(f"/Groups/{group['id']}", {"op": "replace", "value": value}).status_code == 204

    def add() -> None:
        for user_id in users:
            operation = {"op": "add", "path": "members", "value": [{"value": user_id}]}
            assert live.patch(f"/Groups/{group['id']}", operation).status_code == 204

    _at_once(rename, add)
    found = live.get(f"/Groups/{group['id']}")
    assert found["displayName"] == f"{group['displayName']} {ROUNDS}"
    assert {member["value"] for member in found["members"]} == set(users)


def test_a_put_with_if_match_never_undoes_a_patch(live: Live, user: dict[str, Any]) -> None:
    path = f"/Users/{user['id']}"

    def put() -> None:
        """Count ``title`` up in what was read; 412 says that somebody was there in between: read again."""
        done = 0
        while done < ROUNDS:
            current = live.get(path)
            changed = {**current, "schemas": [USER], "title": str(int(current["title"]) + 1)}
            answer = live.send("PUT", path, changed, headers={"If-Match": current["meta"]["version"]})
            assert answer.status_code in (200, 412), answer.text
            done += answer.status_code == 200

    def patch() -> None:
        for number in range(1, ROUNDS + 1):
            operation = {"op": "replace", "path": "nickName", "value": str(number)}
            assert live.patch(path, operation).status_code == 200

    _at_once(put, patch)
    found = live.get(path)
    assert (found["title"], found["nickName"]) == (str(ROUNDS), str(ROUNDS))


def test_several_who_count_with_if_match_count_together(live: Live, user: dict[str, Any]) -> None:
    path = f"/Users/{user['id']}"

    def count() -> None:
        done = 0
        while done < 10:
            current = live.get(path)
            body = {"Operations": [{"op": "replace", "path": "title", "value": str(int(current["title"]) + 1)}]}
            answer = live.send("PATCH", path, body, headers={"If-Match": current["meta"]["version"]})
            assert answer.status_code in (200, 412), answer.text
            done += answer.status_code == 200

    _at_once(count, count, count)
    assert live.get(path)["title"] == "30"


def test_one_of_several_who_create_the_same_user_wins(live: Live) -> None:
    name = f"{uuid4().hex}@example.com"
    answers: list[int] = []

    def create() -> None:
        answers.append(live.send("POST", "/Users", {"schemas": [USER], "userName": name}).status_code)

    _at_once(*[create] * 6)
    assert sorted(answers) == [201, *[409] * 5]


def test_a_delete_among_patches_is_final(live: Live, user: dict[str, Any]) -> None:
    path = f"/Users/{user['id']}"
    answers: set[int] = set()

    def patch() -> None:
        for number in range(ROUNDS):
            answers.add(live.patch(path, {"op": "replace", "path": "title", "value": f"t{number}"}).status_code)

    _at_once(patch, patch, lambda: answers.add(live.send("DELETE", path).status_code))
    assert answers <= {200, 204, 404}
    assert live.send("GET", path).status_code == 404
