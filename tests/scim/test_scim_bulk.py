"""POST /Bulk (RFC 7644 section 3.7)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from scim_kit import ENTERPRISE, Client

from scim_bridge.db import Database
from scim_bridge.errors import Transient
from scim_bridge.scim.blueprint import create_blueprint

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MISSING = "00000000-0000-4000-8000-000000000000"


def _send(client: Client, *operations: Any, **more: Any) -> Any:
    answer = client.send("POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations), **more})
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    return body["Operations"]


def _post(path: str, bulk_id: str, **data: Any) -> dict[str, Any]:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def _statuses(operations: Any) -> list[str]:
    return [one["status"] for one in operations]


def _id(operation: Any) -> str:
    return str(operation["location"].rpartition("/")[2])


def test_all_verbs_on_both_types(client: Client) -> None:
    ada, bob = client.user("ada"), client.user("bob")
    old = client.group("old")
    rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    answers = _send(
        client,
        _post("/Users", "1", userName="cleo"),
        {"method": "PUT", "path": f"/Users/{ada}", "data": {"userName": "ada2"}},
        {"method": "PATCH", "path": f"/Users/{ada}", "data": rename},
        {"method": "DELETE", "path": f"/Users/{bob}"},
        _post("/Groups", "2", displayName="g"),
        {"method": "PUT", "path": f"/Groups/{old}", "data": {"displayName": "new"}},
        {"method": "PATCH", "path": f"/Groups/{old}", "data": rename},
        {"method": "DELETE", "path": f"/Groups/{old}"},
    )
    assert _statuses(answers) == ["201", "200", "200", "204", "201", "200", "204", "204"]
    assert [user["userName"] for user in client.get("/Users")["Resources"]] == ["ada2", "cleo"]
    assert [group["displayName"] for group in client.get("/Groups")["Resources"]] == ["g"]


def test_an_answer_says_where_and_which_version(client: Client) -> None:
    (answer,) = _send(client, _post("/Users", "qwerty", userName="ada"))
    user = client.get("/Users")["Resources"][0]
    assert answer == {
        "method": "POST",
        "bulkId": "qwerty",
        "location": user["meta"]["location"],
        "version": 'W/"1"',
        "status": "201",
    }


def test_a_failure_says_why_and_stops_nobody(client: Client) -> None:
    client.user("ada")
    taken, gone, made = _send(
        client,
        _post("/Users", "1", userName="ADA"),
        {"method": "DELETE", "path": f"/Users/{MISSING}"},
        _post("/Users", "2", userName="bob"),
    )
    assert (taken["status"], taken["response"]["scimType"]) == ("409", "uniqueness")
    assert (taken["response"]["schemas"], taken["response"]["status"]) == ([ERROR], "409")
    assert "location" not in taken
    assert (gone["status"], _id(gone)) == ("404", MISSING)
    assert made["status"] == "201"


def test_after_so_many_failures_nothing_more_is_tried(client: Client) -> None:
    bad = {"method": "DELETE", "path": f"/Users/{MISSING}"}
    answers = _send(
        client, bad, _post("/Users", "1", userName="a"), bad, _post("/Users", "2", userName="b"), failOnErrors=2
    )
    assert _statuses(answers) == ["404", "201", "404"]
    assert client.get("/Users")["totalResults"] == 1


def test_a_group_names_users_of_the_same_request(client: Client) -> None:
    ada, group, manager = _send(
        client,
        _post("/Users", "ada", userName="ada"),
        _post("/Groups", "g", displayName="g", members=[{"value": "bulkId:ada"}]),
        _post("/Users", "bob", userName="bob", **{ENTERPRISE: {"manager": {"value": "bulkId:ada"}}}),
    )
    assert client.members(_id(group)) == {_id(ada)}
    assert client.get(f"/Users/{_id(manager)}")[ENTERPRISE]["manager"]["value"] == _id(ada)


def test_who_is_named_may_come_later(client: Client) -> None:
    group, ada = _send(
        client,
        _post("/Groups", "g", displayName="g", members=[{"value": "bulkId:ada"}]),
        _post("/Users", "ada", userName="ada"),
    )
    assert [group["bulkId"], ada["bulkId"]] == ["g", "ada"]
    assert client.get(f"/Groups/{_id(group)}")["members"][0]["type"] == "User"


def test_a_circle_is_closed(client: Client) -> None:
    """RFC 7644 section 3.7.1: groups that contain each other."""
    first, second = _send(
        client,
        _post("/Groups", "qwerty", displayName="Group A", members=[{"type": "Group", "value": "bulkId:ytrewq"}]),
        _post("/Groups", "ytrewq", displayName="Group B", members=[{"type": "Group", "value": "bulkId:qwerty"}]),
    )
    assert _statuses([first, second]) == ["201", "201"]
    assert client.members(_id(first)) == {_id(second)}
    assert client.members(_id(second)) == {_id(first)}


def test_bulk_ids_stand_in_paths_and_patches(client: Client) -> None:
    bob = client.user("bob")
    group = client.group("g", bob)
    answers = _send(
        client,
        _post("/Users", "ada", userName="ada"),
        {
            "method": "PATCH",
            "path": f"/Groups/{group}",
            "data": {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:ada"}]}]},
        },
        {
            "method": "PATCH",
            "path": "/Users/bulkId:ada",
            "data": {"Operations": [{"op": "add", "path": "title", "value": 'see "bulkId:x"'}]},
        },
    )
    assert _statuses(answers) == ["201", "204", "200"]
    assert client.members(group) == {bob, _id(answers[0])}
    assert client.get(f"/Users/{_id(answers[0])}")["title"] == 'see "bulkId:x"'
    gone = {"op": "remove", "path": 'members[value eq "bulkId:cleo"]'}
    _send(
        client,
        {"method": "PATCH", "path": f"/Groups/{group}", "data": {"Operations": [gone]}},
        _post("/Users", "cleo", userName="cleo"),
    )
    assert client.members(group) == {bob, _id(answers[0])}


def test_what_hangs_on_a_failure_fails_too(client: Client) -> None:
    client.user("ada")
    group, taken = _send(
        client,
        _post("/Groups", "g", displayName="g", members=[{"value": "bulkId:ada"}]),
        _post("/Users", "ada", userName="ada"),
    )
    assert _statuses([group, taken]) == ["409", "409"]
    assert "bulkId:ada" in group["response"]["detail"]
    assert client.get("/Groups")["totalResults"] == 0


def test_an_unknown_bulk_id_is_refused(client: Client) -> None:
    (answer,) = _send(client, _post("/Groups", "g", displayName="g", members=[{"value": "bulkId:nobody"}]))
    assert (answer["status"], answer["response"]["scimType"]) == ("400", "invalidValue")


def test_a_version_is_a_condition(client: Client) -> None:
    path = f"/Users/{client.user('ada')}"
    change = {"method": "PUT", "path": path, "version": 'W/"1"', "data": {"userName": "b"}}
    first, second = _send(client, change, {**change, "data": {"userName": "c"}})
    assert [first["status"], first["version"], second["status"]] == ["200", 'W/"2"', "412"]
    assert client.get(path)["userName"] == "b"


@pytest.mark.parametrize(
    ("operation", "status", "scim_type"),
    [
        ("x", "400", "invalidSyntax"),
        ({}, "400", "invalidSyntax"),
        ({"method": 7, "path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "data": {"userName": "a"}}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": "1"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": "1", "data": [1]}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": 7}}, "400", "invalidValue"),
        ({"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "a" * 21_000}}, "413", None),
        ({"method": "GET", "path": "/Users"}, "405", None),
        ({"method": "PUT", "path": "/Users", "data": {"userName": "a"}}, "405", None),
        ({"method": "POST", "path": f"/Users/{MISSING}", "bulkId": "1", "data": {}}, "405", None),
        ({"method": "DELETE", "path": "/Robots/1"}, "404", None),
        ({"method": "POST", "path": "/Bulk", "bulkId": "1", "data": {}}, "404", None),
        ({"method": "DELETE", "path": "/Users/1/2"}, "404", None),
        ({"method": "DELETE", "path": f"/Users/{MISSING}", "version": "7"}, "404", None),
        ({"method": "DELETE", "path": f"/Users/{MISSING}", "version": 7}, "400", "invalidSyntax"),
        ({"method": "DELETE", "path": f"/Users/{MISSING}", "version": 'W/"1"\n'}, "400", "invalidValue"),
    ],
)
def test_an_operation_that_cannot_be_done_is_refused_alone(
    client: Client, operation: Any, status: str, scim_type: str | None
) -> None:
    answer, other = _send(client, operation, _post("/Users", "other", userName="other"))
    assert (answer["status"], answer["response"].get("scimType")) == (status, scim_type)
    assert answer["response"]["status"] == status
    assert other["status"] == "201"
    assert client.get("/Users")["totalResults"] == 1


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({"Operations": []}, "invalidSyntax"),
        ({"schemas": ["urn:x"], "Operations": []}, "invalidSyntax"),
        ({"schemas": [BULK]}, "invalidSyntax"),
        ({"schemas": [BULK], "Operations": {}}, "invalidSyntax"),
        ({"schemas": [BULK], "Operations": [], "failOnErrors": 0}, "invalidValue"),
        ({"schemas": [BULK], "Operations": [], "failOnErrors": "1"}, "invalidValue"),
        ({"schemas": [BULK], "Operations": [_post("/Users", "1"), _post("/Groups", "1")]}, "invalidValue"),
    ],
)
def test_a_body_that_is_no_bulk_request_is_400(client: Client, body: Any, scim_type: str) -> None:
    answer = client.send("POST", "/Bulk", body)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, scim_type)


def test_no_operations_are_no_error(client: Client) -> None:
    assert _send(client) == []


def test_more_than_the_limits_is_413(client: Client) -> None:
    operation = {"method": "DELETE", "path": f"/Users/{MISSING}"}
    assert len(_send(client, *[operation] * 20)) == 20
    for operations in ([operation] * 21, [{**operation, "data": "x" * 80_000}]):
        answer = client.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        assert (answer.status_code, answer.get_json()["status"]) == (413, "413")


def test_the_configuration_says_the_limits(client: Client) -> None:
    assert client.get("/ServiceProviderConfig")["bulk"] == {
        "supported": True,
        "maxOperations": 20,
        "maxPayloadSize": 80_000,
    }


def test_the_query_of_a_path_counts(client: Client) -> None:
    group = client.group("g")
    rename = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    path = f"/Groups/{group}?attributes=displayName"
    assert _statuses(_send(client, {"method": "patch", "path": path, "data": rename})) == ["200"]


def test_each_operation_commits_alone(client: Client, db: Database) -> None:
    """An error that nobody foresaw answers 500 for its own operation only."""
    calls: list[str] = []

    def wake() -> None:
        calls.append("")
        if len(calls) == 2:
            raise RuntimeError("secret cause")

    app = Flask("broken")
    app.register_blueprint(create_blueprint(db, wake=wake, is_linked=lambda tx, person_id: False))
    answers = _send(Client(app.test_client(), client.token), *(_post("/Users", name, userName=name) for name in "abc"))
    assert _statuses(answers) == ["201", "500", "201"]
    assert "secret" not in str(answers)


def test_once_the_database_is_away_nothing_more_is_tried(client: Client, db: Database) -> None:
    calls: list[str] = []

    def wake() -> None:
        calls.append("")
        if len(calls) == 2:
            raise Transient("the database does not answer")

    app = Flask("away")
    app.register_blueprint(create_blueprint(db, wake=wake, is_linked=lambda tx, person_id: False))
    answers = _send(Client(app.test_client(), client.token), *(_post("/Users", name, userName=name) for name in "abcd"))
    assert _statuses(answers) == ["201", "503", "503", "503"]
    assert len(calls) == 2
