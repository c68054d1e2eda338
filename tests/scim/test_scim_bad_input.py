"""What must never be a 500, and never half written: every refusal is an Error body (RFC 7644 section 3.12)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from scim_kit import USER, Client

from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.tables import Person, User
from scim_bridge.scim.blueprint import create_blueprint

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def _is_error(answer: Any, status: int, scim_type: str | None = None) -> None:
    body = answer.get_json()
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/scim+json"
    assert (body["schemas"], body["status"], body.get("scimType")) == ([ERROR], str(status), scim_type)
    assert body["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "non-token"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": f"Bearer scb-{'0' * 16}-{'0' * 64}"},
    ],
)
def test_no_known_token_is_401(app: Flask, headers: dict[str, str]) -> None:
    answer = app.test_client().get("/scim/v2/Users", headers=headers)
    _is_error(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_disabled_source_is_403(client: Client, db: Database) -> None:
    with db.write() as tx:
        sources.disable(tx, "okta", now=db.clock.now())
    answer = client.send("GET", "/Users")
    _is_error(answer, 403)
    assert "`scim-bridge source enable okta`" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("raw", "scim_type"),
    [
        pytest.param(b"{", "invalidSyntax", id="broken"),
        pytest.param(b"", "invalidSyntax", id="empty"),
        pytest.param(b"[]", "invalidSyntax", id="list"),
        pytest.param(b"\xff\xfe{}", "invalidSyntax", id="not-utf-8"),
        pytest.param(b'{"userName":NaN}', "invalidSyntax", id="nan"),
        pytest.param(b'{"userName":"a","x":1e999}', "invalidValue", id="infinite"),
        pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, "invalidSyntax", id="deep"),
        pytest.param(b"[" * 9000, "invalidSyntax", id="very-deep"),
        pytest.param(b'{"userName":"a\\u0000b"}', "invalidValue", id="nul"),
        pytest.param(b'{"userName":"a\\u001bb"}', "invalidValue", id="control"),
        pytest.param(b'{"userName":"\\ud800"}', "invalidValue", id="lone-surrogate"),
        pytest.param(b'{"user\\u0000Name":"a"}', "invalidValue", id="nul-in-a-name"),
        pytest.param(b'{"userName":{"a":1}}', "invalidValue", id="object-as-text"),
        pytest.param(b'{"userName":7}', "invalidValue", id="number-as-text"),
        pytest.param(b"{}", "invalidValue", id="no-userName"),
        pytest.param(b'{"userName":"a","emails":7}', "invalidValue", id="number-as-emails"),
        pytest.param(b'{"userName":"a","emails":[[1]]}', "invalidValue", id="list-as-email"),
        pytest.param(b'{"userName":"a","emails":"x"}', "invalidValue", id="text-as-emails"),
        pytest.param(b'{"userName":"a","emails":["x"]}', "invalidValue", id="text-as-email"),
        pytest.param(b'{"userName":"a","roles":["x"]}', "invalidValue", id="text-as-role"),
        pytest.param(b'{"userName":"a","name":"x"}', "invalidValue", id="text-as-name"),
        pytest.param(b'{"userName":"a","schemas":["urn:x"]}', "invalidValue", id="unknown-schema"),
        pytest.param(b'{"userName":"' + b"a" * 600 + b'"}', "invalidValue", id="long-userName"),
    ],
)
def test_bad_bodies_write_nothing(client: Client, db: Database, raw: bytes, scim_type: str) -> None:
    answer = client.send("POST", "/Users", data=raw, content_type="application/scim+json")
    _is_error(answer, 400, scim_type)
    with db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(User)).scalar_one() == 0
        assert tx.execute(sa.select(sa.func.count()).select_from(Person)).scalar_one() == 0


@pytest.mark.parametrize("wrong", [{"emails": "x"}, {"emails": ["x"]}, {"name": "x"}])
def test_a_put_of_the_wrong_type_changes_nothing(client: Client, wrong: dict[str, Any]) -> None:
    user_id = client.user()
    before = client.get(f"/Users/{user_id}")
    _is_error(client.send("PUT", f"/Users/{user_id}", {"userName": "b", **wrong}), 400, "invalidValue")
    assert client.get(f"/Users/{user_id}") == before


@pytest.mark.parametrize("path", ["emails", "name", "addresses"])
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_patch_with_a_text_for_an_object_is_refused(client: Client, op: str, path: str) -> None:
    user_id = client.user()
    answer = client.patch(f"/Users/{user_id}", {"op": op, "path": path, "value": "x"})
    _is_error(answer, 400, "invalidValue")


def test_a_patch_that_removes_a_text_from_objects_is_refused(client: Client) -> None:
    user_id = client.user(emails=[{"value": "a@b.c"}])
    answer = client.patch(f"/Users/{user_id}", {"op": "remove", "path": "emails", "value": ["a@b.c"]})
    _is_error(answer, 400, "invalidValue")


@pytest.mark.parametrize("members", ["x", ["x"], [{"value": "x"}, "y"]])
def test_members_are_objects(client: Client, members: Any) -> None:
    group_id = client.group()
    _is_error(client.send("POST", "/Groups", {"displayName": "g", "members": members}), 400, "invalidValue")
    _is_error(client.send("PUT", f"/Groups/{group_id}", {"displayName": "g", "members": members}), 400, "invalidValue")
    for op in ("add", "replace", "remove"):
        answer = client.patch(f"/Groups/{group_id}", {"op": op, "path": "members", "value": members})
        _is_error(answer, 400, "invalidValue")


def test_a_group_is_no_member_of_itself(client: Client) -> None:
    ada = client.user()
    group_id = client.group("g", ada)
    own = [{"value": group_id}]
    for op in ("add", "replace"):
        answer = client.patch(f"/Groups/{group_id}", {"op": op, "path": "members", "value": own})
        _is_error(answer, 400, "invalidValue")
    answer = client.send("PUT", f"/Groups/{group_id}", {"displayName": "g", "members": own})
    _is_error(answer, 400, "invalidValue")
    assert "member of itself" in answer.get_json()["detail"]
    assert client.members(group_id) == {ada}


def test_line_breaks_and_other_scripts_are_no_control_characters(client: Client) -> None:
    user_id = client.user("ümit@example.com", addresses=[{"formatted": "Hauptstraße 1\r\n\tKöln", "type": "work"}])
    assert client.get(f"/Users/{user_id}")["addresses"][0]["formatted"] == "Hauptstraße 1\r\n\tKöln"


def test_application_json_is_taken_too(client: Client) -> None:
    body = json.dumps({"userName": "a"})
    assert client.send("POST", "/Users", data=body, content_type="application/json").status_code == 201


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_media_types_are_415(client: Client, media_type: str) -> None:
    _is_error(client.send("POST", "/Users", data=b"{}", content_type=media_type), 415)


def test_large_bodies_are_413_and_groups_may_be_larger(client: Client) -> None:
    members = [{"value": f"member-{number}"} for number in range(1000)]
    _is_error(client.send("POST", "/Users", {"userName": "a", "members": members}), 413)
    assert client.send("POST", "/Groups", {"displayName": "g", "members": members}).status_code == 201
    _is_error(client.send("POST", "/Groups", {"displayName": "g", "members": members * 3}), 413)


@pytest.mark.parametrize("path", ["/Users/1", "/Users/%00", "/Groups/x'y", f"/Users/{'0' * 300}", "/Nothing", ""])
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    _is_error(client.send("GET", path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Users", "GET, POST"),
        ("POST", "/Users/x", "GET, PUT, PATCH, DELETE"),
        ("POST", "/Schemas", "GET"),
        ("OPTIONS", "/ServiceProviderConfig", "GET"),
        ("GET", "/Bulk", "POST"),
        ("GET", "/Users/.search", "POST"),
        ("OPTIONS", "/Me", "GET, POST, PUT, PATCH, DELETE"),
    ],
)
def test_other_verbs_are_405(client: Client, method: str, path: str, allowed: str) -> None:
    answer = client.send(method, path)
    _is_error(answer, 405)
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ('filter=userName regex "a"', "invalidFilter"),
        ("filter=", "invalidFilter"),
        ('filter=nikName eq "a"', "invalidFilter"),
        ("filter=userName eq 7", "invalidFilter"),
        ('filter=name[familyName eq "a"]', "invalidFilter"),
        ('filter=userName eq "%5Cu0000"', "invalidFilter"),
        ("startIndex=one", "invalidValue"),
        ("count=1.5", "invalidValue"),
    ],
)
def test_bad_queries_are_400(client: Client, query: str, scim_type: str) -> None:
    _is_error(client.send("GET", f"/Users?{query}"), 400, scim_type)


@pytest.mark.parametrize(
    "filter", ['membres eq "a"', "members eq 1", 'members[kind eq "User"]', 'userName eq "a"', "displayName gt 1"]
)
def test_groups_say_what_cannot_be_asked(client: Client, filter: str) -> None:
    _is_error(client.send("GET", f"/Groups?filter={filter}"), 400, "invalidFilter")


def test_a_patch_is_whole_or_nothing(client: Client) -> None:
    user_id = client.user()
    answer = client.patch(
        f"/Users/{user_id}",
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "active", "value": "perhaps"},
    )
    _is_error(answer, 400, "invalidValue")
    assert "title" not in client.get(f"/Users/{user_id}")


def test_a_refused_group_patch_leaves_the_members(client: Client) -> None:
    group_id = client.group("g", client.user())
    before = client.members(group_id)
    answer = client.patch(
        f"/Groups/{group_id}",
        {"op": "replace", "path": "members", "value": []},
        {"op": "remove", "path": "displayName"},
    )
    _is_error(answer, 400, "mutability")
    assert client.members(group_id) == before


def test_an_empty_list_of_operations_changes_nothing(client: Client) -> None:
    user_id, group_id = client.user(), client.group()
    assert client.patch(f"/Users/{user_id}").status_code == 200
    assert client.patch(f"/Groups/{group_id}").status_code == 204


def test_discovery_takes_no_filter(client: Client) -> None:
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        _is_error(client.send("GET", f'{path}?filter=id eq "x"'), 403)


def _app_over(db: Database, wake: Any = lambda: None) -> Flask:
    app = Flask("broken")
    app.register_blueprint(create_blueprint(db, wake=wake, is_linked=lambda tx, person_id: False))
    return app


def test_an_unexpected_error_says_a_request_id_only(client: Client, db: Database) -> None:
    def wake() -> None:
        raise RuntimeError("secret cause")

    answer = Client(_app_over(db, wake).test_client(), client.token).send("POST", "/Users", {"userName": "a"})
    _is_error(answer, 500)
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_the_database_away_is_503_and_everything_works_again(client: Client, db: Database) -> None:
    if db.is_sqlite:
        assert db.file is not None
        away, back = db.file.with_suffix(".away"), db.file
        db.close()
        back.rename(away)
        back.mkdir()
        _is_error(client.send("GET", "/Users"), 503)
        answer = client.send("POST", "/Users", {"userName": "a"})
        back.rmdir()
        away.rename(back)
    else:
        gone = Database("postgresql+psycopg://postgres@127.0.0.1:1/none")
        answer = Client(_app_over(gone).test_client(), client.token).send("POST", "/Users", {"userName": "a"})
    _is_error(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.send("POST", "/Users", {"schemas": [USER], "userName": "a"}).status_code == 201


SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
STEP = {"op": "replace", "path": "title", "value": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": [{**STEP, "OP": "remove"}]},
        {"Operations": [{**STEP, "Path": "nickName"}]},
        {"Operations": [], "operations": [STEP]},
    ],
)
def test_a_patch_that_says_two_things_in_different_cases_is_refused(client: Client, body: dict[str, Any]) -> None:
    ada = client.user()
    answer = client.send("PATCH", f"/Users/{ada}", body)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidSyntax")
    assert "title" not in client.get(f"/Users/{ada}")


def test_so_is_a_search(client: Client) -> None:
    answer = client.send("POST", "/.search", {"schemas": [SEARCH_REQUEST], "filter": "id pr", "FILTER": "id eq 1"})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidSyntax")


def test_so_is_an_operation_of_a_bulk(client: Client) -> None:
    operation = {"method": "DELETE", "METHOD": "PUT", "path": f"/Users/{client.user()}"}
    answer = client.send("POST", "/Bulk", {"schemas": [BULK_REQUEST], "Operations": [operation]})
    assert answer.get_json()["Operations"][0]["response"]["scimType"] == "invalidSyntax"
