"""PATCH of a group's members through filters of every kind (RFC 7644 section 3.5.2: ``attrPath "[" valFilter "]"``)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON
from scim_kit import Client

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database
from scim_bridge.directory.tables import GroupChange
from scim_bridge.scim import patch


@pytest.fixture
def ada(client: Client) -> str:
    return client.user("ada@example.com")


@pytest.fixture
def inner(client: Client) -> str:
    return client.group("Inner")


@pytest.fixture
def staff(client: Client, ada: str, inner: str) -> str:
    """A group with a user, a group, and an id that nobody has yet."""
    return client.group("Staff", ada, inner, "later")


def remove(where: str) -> dict[str, Any]:
    return {"op": "remove", "path": f"members[{where}]"}


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ('type eq "User"', {"inner", "later"}),
        ('type eq "user" or type eq "GROUP"', {"later"}),
        ('type ne "Group"', {"inner"}),
        ("not (type pr)", {"ada", "inner"}),
        ('value sw "late"', {"ada", "inner"}),
        ('value eq "later" and type eq "User"', {"ada", "inner", "later"}),
        ('$ref co "/Groups/"', {"ada", "later"}),
        ("value pr", set()),
    ],
)
def test_those_who_meet_a_filter_go(
    client: Client, staff: str, ada: str, inner: str, where: str, left: set[str]
) -> None:
    assert client.patch(f"/Groups/{staff}", remove(where)).status_code == 204
    names = {ada: "ada", inner: "inner", "later": "later"}
    assert {names[member] for member in client.members(staff)} == left


def test_what_nobody_meets_changes_no_version(client: Client, staff: str) -> None:
    before = client.get(f"/Groups/{staff}")["meta"]["version"]
    answer = client.patch(f"/Groups/{staff}", remove('value sw "x"'))
    assert (answer.status_code, answer.headers["ETag"]) == (204, before)
    assert client.get(f"/Groups/{staff}")["meta"]["version"] == before


def test_a_replace_takes_their_place(client: Client, staff: str, inner: str) -> None:
    bob = client.user("bob@example.com")
    step = {"op": "replace", "path": 'members[type eq "User"]', "value": [{"value": bob}]}
    assert client.patch(f"/Groups/{staff}", step).status_code == 204
    assert client.members(staff) == {bob, inner, "later"}


def test_a_replace_of_nobody_is_refused(client: Client, staff: str, ada: str, inner: str) -> None:
    step = {"op": "replace", "path": 'members[value eq "x"]', "value": {"value": "y"}}
    answer = client.patch(f"/Groups/{staff}", {"op": "add", "path": "members", "value": [{"value": "z"}]}, step)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "noTarget")
    assert client.members(staff) == {ada, inner, "later"}


def test_an_add_through_a_filter_adds(client: Client, staff: str, ada: str, inner: str) -> None:
    bob = client.user("bob@example.com")
    step = {"op": "add", "path": 'members[type eq "User"]', "value": [{"value": bob}]}
    assert client.patch(f"/Groups/{staff}", step).status_code == 204
    assert client.members(staff) == {ada, bob, inner, "later"}


def test_a_filter_sees_what_the_steps_before_it_left(client: Client, staff: str, ada: str, inner: str) -> None:
    bob = client.user("bob@example.com", externalId="00u-bob")
    answer = client.patch(
        f"/Groups/{staff}",
        {"op": "replace", "value": {"displayName": "Everybody"}},
        {"op": "add", "path": "members", "value": [{"value": "00u-bob"}]},
        remove('type eq "User"'),
        {"op": "add", "path": "members", "value": [{"value": ada}]},
    )
    assert answer.status_code == 204
    group = client.get(f"/Groups/{staff}")
    assert (group["displayName"], group["meta"]["version"]) == ("Everybody", answer.headers["ETag"])
    assert {member["value"] for member in group["members"]} == {ada, inner, "later"}
    assert client.get(f"/Users/{bob}").get("groups") is None


def test_who_went_is_marked_and_audited(client: Client, db: Database, staff: str) -> None:
    with db.write() as tx:
        tx.execute(sa.delete(GroupChange))
    client.patch(f"/Groups/{staff}", remove('type eq "User"'))
    with db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(GroupChange)).scalar_one() == 1
        audited = sa.select(AuditRow.detail).where(AuditRow.action == "group.members_changed", AuditRow.at == NOON)
        assert tx.execute(audited.order_by(AuditRow.id.desc())).scalars().first()["removed"] == 1


def test_filters_may_look_at_so_many_members(client: Client, staff: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "_MOST_COMPARED", 5)
    assert client.patch(f"/Groups/{staff}", remove('value sw "x"')).status_code == 204
    answer = client.patch(f"/Groups/{staff}", remove('value sw "x"'), remove('value sw "late"'))
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
    assert "more than 5 values" in answer.get_json()["detail"]
    assert "later" in client.members(staff)
