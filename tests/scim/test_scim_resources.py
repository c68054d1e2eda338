"""Users, groups, lists, discovery and two writers at once, over HTTP."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import sqlalchemy as sa
from flask import Flask
from scim_kit import ENTERPRISE, USER, Client
from werkzeug.serving import make_server

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.directory.tables import PersonChange, Token
from scim_bridge.errors import Conflict, Transient
from scim_bridge.scim.errors import translate
from scim_bridge.settings import load_settings


def test_post_says_where_the_resource_is(client: Client) -> None:
    answer = client.send("POST", "/Users", {"userName": "a", "id": "mine", "meta": {"version": "mine"}})
    body = answer.get_json()
    assert (
        answer.headers["Location"]
        == body["meta"]["location"]
        == f"https://bridge.example.com/scim/v2/Users/{body['id']}"
    )
    assert answer.content_type == "application/scim+json; charset=utf-8"
    assert body["id"] != "mine"


def test_a_trailing_slash_is_no_other_place(client: Client) -> None:
    assert client.send("GET", "/Users/").status_code == 200
    assert client.send("POST", "/Groups/", {"displayName": "g"}).status_code == 201


def test_a_base_url_with_a_slash_at_its_end_is_no_other_place(client: Client, db: Database) -> None:
    settings = load_settings({"SCIM_BRIDGE_JOURNAL": "off"})
    whole = Client(create_app(settings, db, wake=lambda: None).test_client(), client.token)
    user = whole.send("POST", "//Users", {"userName": "ada"})
    assert user.status_code == 201
    assert whole.send("GET", f"//Users///{user.get_json()['id']}").status_code == 200


def test_head_is_get_without_body(client: Client) -> None:
    answer = client.send("HEAD", "/Users")
    assert (answer.status_code, answer.data) == (200, b"")


def test_each_source_sees_only_its_own(client_of: Callable[[str], Client]) -> None:
    okta, entra = client_of("okta"), client_of("entra")
    user_id = okta.user("ada@example.com")
    group_id = okta.group("Engineering", user_id)
    assert entra.send("GET", f"/Users/{user_id}").status_code == 404
    assert entra.send("PATCH", f"/Users/{user_id}", {"Operations": []}).status_code == 404
    assert entra.send("DELETE", f"/Groups/{group_id}").status_code == 404
    assert entra.get("/Users")["totalResults"] == entra.get("/Groups")["totalResults"] == 0
    entra.user("ada@example.com")
    other = entra.group("Engineering", user_id)
    assert entra.get(f"/Groups/{other}")["members"] == [{"value": user_id}]


def test_pages_follow_each_other_in_one_order(client: Client) -> None:
    ids = [client.user(f"user{number}") for number in range(11)]
    pages = [client.get(f"/Users?startIndex={start}&count=5") for start in (1, 6, 11)]
    assert [user["id"] for page in pages for user in page["Resources"]] == ids
    assert [page["startIndex"] for page in pages] == [1, 6, 11]
    assert [page["itemsPerPage"] for page in pages] == [5, 5, 1]
    assert {page["totalResults"] for page in pages} == {11}


@pytest.mark.parametrize(
    ("query", "start", "shown"),
    [
        ("count=0", 1, 0),
        ("count=-5", 1, 0),
        ("startIndex=0&count=1", 1, 1),
        ("startIndex=-7", 1, 3),
        ("startIndex=99", 99, 0),
        ("startIndex=999999999999999999&count=999999", 2**31 - 1, 0),
        ("", 1, 3),
        ("count=&aadOptscim062020&sortBy=userName", 1, 3),
    ],
)
def test_page_limits(client: Client, query: str, start: int, shown: int) -> None:
    for name in "abc":
        client.user(name)
    page = client.get(f"/Users?{query}")
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, start, shown)
    assert len(page["Resources"]) == shown


@pytest.fixture
def staff(client: Client) -> Client:
    client.user(
        "Ada",
        externalId="E1",
        displayName="Ada L",
        emails=[{"value": "Ada@x.org", "type": "work", "primary": True}, {"value": "ada@home.org", "type": "home"}],
        **{ENTERPRISE: {"manager": "boss"}},
    )
    client.user("Bob", active=False, emails=[{"value": "bob@x.org", "type": "home"}])
    client.user("Cleo")
    return client


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ('userName eq "ADA"', ["Ada"]),
        ('username EQ "ada"', ["Ada"]),
        (f'{USER}:userName eq "ada"', ["Ada"]),
        ('userName ne "ada"', ["Bob", "Cleo"]),
        ('externalId eq "E1"', ["Ada"]),
        ('externalId eq "e1"', []),
        ('not (externalId eq "E1")', ["Bob", "Cleo"]),
        ("externalId pr", ["Ada"]),
        ("externalId eq null", ["Bob", "Cleo"]),
        ("externalId ne null", ["Ada"]),
        ('displayName eq "ada l"', ["Ada"]),
        ("active eq true", ["Ada", "Cleo"]),
        ('active eq "False"', ["Bob"]),
        ("active ne true", ["Bob"]),
        ("active pr", ["Ada", "Bob", "Cleo"]),
        ("active eq null", []),
        ('emails eq "ADA@home.org"', ["Ada"]),
        ('emails.value eq "bob@x.org"', ["Bob"]),
        ('emails.type eq "home"', ["Ada", "Bob"]),
        ('emails[type eq "work"].value eq "ada@x.org"', ["Ada"]),
        ('emails[type eq "home" and value eq "ada@x.org"]', []),
        ('emails[primary eq "True"]', ["Ada"]),
        ('emails[not (type eq "work")].value pr', ["Ada", "Bob"]),
        ("emails pr", ["Ada", "Bob"]),
        ("emails eq null", ["Cleo"]),
        ('emails.value ne "bob@x.org"', ["Ada", "Cleo"]),
        ('manager eq "boss"', ["Ada"]),
        (f'{ENTERPRISE}:manager.value eq "boss"', ["Ada"]),
        ('userName eq "ada" or userName eq "bob" and active eq true', ["Ada"]),
        ('(userName eq "ada" or userName eq "bob") and active eq false', ["Bob"]),
    ],
)
def test_filters_on_users(staff: Client, filter: str, names: list[str]) -> None:
    found = staff.send("GET", "/Users", query_string={"filter": filter}).get_json()
    assert [user["userName"] for user in found["Resources"]] == names


def test_filters_on_groups(client: Client) -> None:
    ada = client.user()
    inner = client.group("Inner", ada, "nobody-yet")
    outer = client.group("Straße", inner)

    def found(filter: str) -> list[str]:
        answer = client.send("GET", "/Groups", query_string={"filter": filter})
        return [group["id"] for group in answer.get_json()["Resources"]]

    assert found('displayName eq "STRASSE"') == [outer]
    assert found(f'members eq "{ada}"') == found(f'members.value eq "{ada}"') == [inner]
    assert found(f'members[value eq "{inner}"]') == [outer]
    assert found('members eq "nobody-yet" and displayName pr') == [inner]
    assert found(f'id eq "{outer}" and members eq "{ada}"') == []


def test_projection_in_lists_reads_and_answers(client: Client) -> None:
    body = {"userName": "a", "title": "t", "emails": [{"value": "a@b.c", "type": "work"}]}
    answer = client.send("POST", "/Users?attributes=emails.value", body).get_json()
    assert answer == {"schemas": [USER], "id": answer["id"], "emails": [{"value": "a@b.c"}]}
    shown = client.get("/Users?excludedAttributes=emails,meta")["Resources"]
    assert shown == [{"schemas": [USER], "id": answer["id"], "userName": "a", "title": "t", "active": True}]


def test_a_group_patch_answers_with_a_body_where_attributes_ask(client: Client) -> None:
    group_id = client.group("g")
    answer = client.patch(
        f"/Groups/{group_id}?attributes=displayName", {"op": "replace", "path": "displayName", "value": "h"}
    )
    assert (answer.status_code, answer.get_json()["displayName"]) == (200, "h")


def test_put_clears_what_is_left_out_but_active(client: Client) -> None:
    user_id = client.user("a", title="t", active=False)
    body = client.send("PUT", f"/Users/{user_id}", {"userName": "b"}).get_json()
    assert (body["userName"], body["active"]) == ("b", False)
    assert "title" not in body


def test_put_makes_nothing_new(client: Client) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    assert client.send("PUT", f"/Users/{missing}", {"userName": "b"}).status_code == 404
    assert client.send("PUT", f"/Groups/{missing}", {"displayName": "b"}).status_code == 404


def test_a_rename_onto_a_taken_name_is_409(client: Client) -> None:
    client.user("a")
    answer = client.patch(f"/Users/{client.user('b')}", {"op": "replace", "path": "userName", "value": "A"})
    assert (answer.status_code, answer.get_json()["scimType"]) == (409, "uniqueness")


def test_a_deleted_name_is_free_and_gets_a_new_id(client: Client) -> None:
    first = client.user("a")
    assert client.send("DELETE", f"/Users/{first}").status_code == 204
    assert client.send("DELETE", f"/Users/{first}").status_code == 404
    assert client.user("A") != first


def test_versions_rise_with_changes_only(client: Client) -> None:
    user_id = client.user("a")
    same = client.patch(f"/Users/{user_id}", {"op": "replace", "path": "userName", "value": "a"})
    changed = client.patch(f"/Users/{user_id}", {"op": "replace", "path": "title", "value": "t"})
    assert [answer.get_json()["meta"]["version"] for answer in (same, changed)] == ['W/"1"', 'W/"2"']


def test_the_engine_is_woken_after_writes_and_not_after_reads(client: Client, wakes: list[str]) -> None:
    client.get("/Users")
    assert wakes == []
    client.user()
    assert wakes == ["wake"]


def test_a_tokens_use_is_noted_once_a_minute(client: Client, db: Database) -> None:
    for _ in range(3):
        client.get("/Users")
    with db.read() as tx:
        assert tx.execute(sa.select(Token.last_used_at)).scalar_one() == db.clock.now()


def test_user_shows_its_groups(client: Client) -> None:
    user_id = client.user()
    group_id = client.group("Engineering", user_id)
    assert client.get(f"/Users/{user_id}")["groups"] == [
        {
            "value": group_id,
            "$ref": f"https://bridge.example.com/scim/v2/Groups/{group_id}",
            "display": "Engineering",
            "type": "direct",
        }
    ]


def test_the_manager_waits_for_nobody(client: Client) -> None:
    user_id = client.user("a", **{ENTERPRISE: {"manager": {"value": "unknown"}}})
    assert client.get(f"/Users/{user_id}")[ENTERPRISE] == {"manager": {"value": "unknown"}}


def test_discovery_says_what_holds(client: Client) -> None:
    config = client.get("/ServiceProviderConfig")
    assert {
        name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")
    } == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "sort": True,
        "etag": True,
        "changePassword": False,
    }
    assert [kind["name"] for kind in client.get("/ResourceTypes")["Resources"]] == ["User", "Group"]
    assert client.get("/ResourceTypes/user")["schemaExtensions"] == [{"schema": ENTERPRISE, "required": False}]
    assert client.send("GET", "/ResourceTypes/Robot").status_code == 404
    assert client.send("GET", "/Schemas/urn:x").status_code == 404
    assert client.get(f"/Schemas/{ENTERPRISE}")["name"] == "EnterpriseUser"


def test_schemas_hold_no_null_and_every_mapped_attribute(client: Client) -> None:
    answer = client.send("GET", "/Schemas")
    assert "null" not in answer.text
    names = {
        schema["name"]: {attribute["name"] for attribute in schema["attributes"]}
        for schema in answer.get_json()["Resources"]
    }
    assert names["User"] >= {"userName", "name", "emails", "roles", "active", "groups", "addresses"}
    assert names["Group"] == {"displayName", "externalId", "members"}
    assert names["EnterpriseUser"] >= {"employeeNumber", "department", "manager"}


def test_members_added_at_once_by_many_are_all_there(client: Client, app: Flask) -> None:
    users = [client.user(f"user{number}") for number in range(24)]
    group_id = client.group("g")

    def add(user_id: str) -> int:
        own = Client(app.test_client(), client.token)
        return own.patch(
            f"/Groups/{group_id}", {"op": "add", "path": "members", "value": [{"value": user_id}]}
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, users)) == {204}
    assert client.members(group_id) == set(users)


def test_two_writers_of_one_user_lose_no_update(client: Client, app: Flask) -> None:
    user_id = client.user("a")

    def add(number: int) -> int:
        own = Client(app.test_client(), client.token)
        value = [{"value": f"{number}@x.org", "type": f"t{number}"}]
        return own.patch(f"/Users/{user_id}", {"op": "add", "path": "emails", "value": value}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(add, range(16))) == {200}
    assert len(client.get(f"/Users/{user_id}")["emails"]) == 16


def test_one_of_two_creations_at_once_is_refused(client: Client, app: Flask, db: Database) -> None:
    def create(_: int) -> int:
        return Client(app.test_client(), client.token).send("POST", "/Users", {"userName": "a"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(4))) == [201, 409, 409, 409]
    with db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(PersonChange)).scalar_one() == 1


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/scim/v2"
    server.shutdown()
    thread.join()


def test_over_a_real_socket(client: Client, server: str, db: Database) -> None:
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/scim+json"}
    request = urllib.request.Request(f"{server}/Users", data=b'{"userName":"a"}', headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def test_a_body_without_length_is_bounded_too(client: Client, app: Flask) -> None:
    options = {"input_stream": BytesIO(b" " * 30_000), "content_type": "application/scim+json"}
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    headers = {"Authorization": f"Bearer {client.token}"}
    answer = app.test_client().post("/scim/v2/Users", headers=headers, environ_overrides=environ, **options)
    assert (answer.status_code, answer.get_json()["status"]) == (413, "413")


def test_rotation_keeps_both_tokens_alive(client: Client, db: Database, app: Flask) -> None:
    with db.write() as tx:
        source = sources.list_sources(tx)[0]
        token = sources.new_token(tx, source.id, now=db.clock.now())
    assert client.send("GET", "/Users").status_code == 200
    assert Client(app.test_client(), token).send("GET", "/Users").status_code == 200
    with db.write() as tx:
        sources.revoke(tx, "okta", None, now=db.clock.now())
    assert client.send("GET", "/Users").status_code == 401


def test_families_of_errors_have_their_status(app: Flask) -> None:
    with app.test_request_context():
        assert translate(Conflict("taken")).status == 409
        waiting = translate(Transient("busy", retry_after_s=7))
        assert (waiting.status, waiting.headers["Retry-After"]) == (503, "7")
