"""Extension schemas of the operator: what may be declared, and that it is then like any other attribute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scim_kit import ENTERPRISE, USER, VECTORS, Client, play

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.errors import InvalidInput
from scim_bridge.scim.definitions import ResourceTypes
from scim_bridge.scim.extensions import load_types, read_types
from scim_bridge.settings import load_settings

ACME = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
ACME_GROUP = "urn:ietf:params:scim:schemas:extension:acme:2.0:Group"
EXAMPLE = Path(__file__).parents[2] / "config" / "schemas.example.yaml"
MORE = """
urn:ietf:params:scim:schemas:extension:hr:2.0:User:
  resource: User
  attributes:
    grade: {type: decimal}
    photo: {type: binary}
    page: {type: reference, referenceTypes: [external]}
    pin: {returned: never}
    shoeSize: {returned: request}
    number: {returned: always}
    contract:
      type: complex
      multiValued: true
      subAttributes:
        value: {required: true}
        secret: {returned: request}
        pin: {returned: never}
        number: {returned: always}
    level: {required: true}

urn:ietf:params:scim:schemas:extension:hr:2.0:Group:
  resource: Group
  attributes:
    code: {mutability: immutable}
    since: {type: dateTime, mutability: immutable}
    holidays: {type: dateTime, mutability: immutable, multiValued: true}
"""
HR = "urn:ietf:params:scim:schemas:extension:hr:2.0:User"
HR_GROUP = "urn:ietf:params:scim:schemas:extension:hr:2.0:Group"


@pytest.fixture
def types() -> ResourceTypes:
    return read_types("schemas.yaml", EXAMPLE.read_text() + MORE)


def test_none_declared_is_as_the_rfc_has_it() -> None:
    assert [schema.urn for schema in load_types(None).users.schemas] == [USER, ENTERPRISE]
    assert [schema.urn for schema in read_types("schemas.yaml", "").users.schemas] == [USER, ENTERPRISE]


def test_the_example_is_taken() -> None:
    types = load_types(EXAMPLE)
    assert [schema.urn for schema in types.users.extensions] == [ENTERPRISE, ACME]
    assert [schema.urn for schema in types.groups.extensions] == [ACME_GROUP]


HEAD = f"{ACME}:\n  resource: User\n  attributes:\n"
COMPLEX = HEAD + "    a: {type: complex, subAttributes: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[", "s.yaml:1:2: this is not YAML", id="no-yaml"),
        pytest.param("- a", "s.yaml:1:1: `schemas` must be a mapping", id="a-list"),
        pytest.param("acme: {}", 's.yaml:1:1: "acme" is no URN of a schema; write urn:ietf:', id="no-urn"),
        pytest.param(f"{ENTERPRISE}: {{}}", f'the schema "{ENTERPRISE}" is there already, the RFC\'s', id="rfc"),
        pytest.param(f"{USER}:x: {{}}", "begin alike, so that a path could mean either", id="below-another"),
        pytest.param(f"{ACME}: {{}}", f'1:1: the schema "{ACME}" has no `resource` (and 1 more)', id="empty"),
        pytest.param(f"{ACME}:\n  kind: User", "2:3: `.*` has no key `kind`", id="unknown-key"),
        pytest.param(f"{ACME}:\n  resource: Users\n  attributes: {{a: }}", 'did you mean "User"?', id="resource"),
        pytest.param(f"{ACME}:\n  resource: User\n  attributes: {{}}", "3:15: `attributes` is empty", id="none"),
        pytest.param(HEAD + "    1st:", '4:5: "1st" is no name of an attribute', id="name"),
        pytest.param(HEAD + "    a:\n    A:", '5:5: "A" is there already in another spelling', id="twice"),
        pytest.param(HEAD + "    a: {typ: string}", '4:9: `a` has no key `typ`; did you mean "type"?', id="key"),
        pytest.param(HEAD + "    a: {type: text}", '4:15: `type` cannot be "text"', id="type"),
        pytest.param(HEAD + "    a: {required: yes}", "`required` must be true or false", id="truth"),
        pytest.param(HEAD + "    a: {mutability: readOnly}", '`mutability` cannot be "readOnly"', id="mutability"),
        pytest.param(HEAD + "    a: {type: integer, caseExact: true}", "means nothing for the type integer", id="case"),
        pytest.param(HEAD + "    a: {canonicalValues: x}", "`canonicalValues` must be a list", id="canonical"),
        pytest.param(HEAD + "    a: {type: complex}", "4:5: `a` is complex and has no `subAttributes`", id="no-parts"),
        pytest.param(
            HEAD + "    a: {type: complex, subAttributes: {b: {type: complex}}}",
            '`type` cannot be "complex"',
            id="deep",
        ),
        pytest.param(
            HEAD + "    a: {type: complex, subAttributes: {b: {multiValued: true}}}", "no key `multiValued`", id="part"
        ),
    ],
)
def test_a_wrong_declaration_names_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_types("s.yaml", text)
    assert message.replace("`.*`", f"`{ACME}`") in str(caught.value)


def test_the_setting_names_the_file(client: Client, db: Database) -> None:
    settings = load_settings({"SCIM_BRIDGE_SCHEMAS": str(EXAMPLE)})
    own = Client(create_app(settings, db, wake=lambda: None).test_client(), client.token)
    assert own.get(f"/Schemas/{ACME}")["id"] == ACME
    assert client.send("GET", "/Schemas/urn:x").status_code == 404


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"the setting schemas names /nowhere\.yaml, which cannot be read"):
        load_types(Path("/nowhere.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        load_types(tmp_path / "latin.yaml")


WHOLE: dict[str, Any] = {
    "badge": "B-1",
    "startDate": "2027-03-31T09:00:00Z",
    "floor": 3,
    "remote": False,
    "projects": ["apollo", "mercury"],
    "office": {"building": "HQ", "desk": "12"},
}


def test_its_attributes_are_stored_and_shown_though_schemas_does_not_list_it(client: Client) -> None:
    user_id = client.user("a", **{ACME: WHOLE})
    user = client.get(f"/Users/{user_id}")
    assert user[ACME] == WHOLE
    assert user["schemas"] == [USER, ACME]
    assert client.get(f"/Users/{client.user('b')}")["schemas"] == [USER]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (f'{ACME}:badge eq "B-1"', 1),
        (f'{ACME}:badge eq "b-1"', 0),  # caseExact
        (f"{ACME}:floor gt 2", 1),
        (f"{ACME}:floor gt 3", 0),
        (f"{ACME}:remote eq false", 1),
        (f'{ACME}:projects eq "MERCURY"', 1),
        (f'{ACME}:office.building sw "H"', 1),
        (f'{ACME}:startDate lt "2027-04-01T00:00:00Z"', 1),
        (f"{HR}:grade pr", 0),
    ],
)
def test_it_is_found_by_filters(client: Client, filter: str, found: int) -> None:
    client.user("a", **{ACME: WHOLE})
    client.user("b")
    assert client.send("GET", "/Users", query_string={"filter": filter}).get_json()["totalResults"] == found


def test_what_is_never_shown_is_not_found_either(client: Client) -> None:
    answer = client.send("GET", "/Users", query_string={"filter": f'{HR}:pin eq "0000"'})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidFilter")


def test_a_group_has_its_own(client: Client) -> None:
    body = {"displayName": "g", ACME_GROUP: {"costCenter": "C1"}}
    group_id = client.send("POST", "/Groups", body).get_json()["id"]
    client.patch(f"/Groups/{group_id}", {"op": "replace", "path": f"{ACME_GROUP}:costCenter", "value": "C2"})
    assert client.get(f"/Groups/{group_id}")[ACME_GROUP] == {"costCenter": "C2"}
    answer = client.send("POST", "/Groups", {"displayName": "g", ACME: {"badge": "B"}})
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")


def test_entras_custom_attributes(client: Client) -> None:
    play(client, VECTORS / "extension-entra-custom.json")


BADGE, FLOOR, OFFICE, PROJECTS = (f"{ACME}:{name}" for name in ("badge", "floor", "office", "projects"))


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": BADGE, "value": "B-2"}, {"badge": "B-2"}),
        ({"op": "remove", "path": BADGE}, {"badge": None}),
        ({"op": "replace", "value": {FLOOR: "4"}}, {"floor": 4}),
        ({"op": "replace", "value": {ACME: {"floor": 4, "remote": "True"}}}, {"floor": 4, "remote": True}),
        ({"op": "replace", "path": ACME, "value": {"FLOOR": 4}}, {"floor": 4}),
        ({"op": "add", "path": f"{OFFICE}.desk", "value": "7"}, {"office": {"building": "HQ", "desk": "7"}}),
        ({"op": "add", "path": "office.desk", "value": "7"}, {"office": {"building": "HQ", "desk": "7"}}),
        ({"op": "remove", "path": f"{OFFICE}.desk"}, {"office": {"building": "HQ"}}),
        ({"op": "add", "path": PROJECTS, "value": ["apollo", "x"]}, {"projects": ["apollo", "mercury", "x"]}),
        ({"op": "replace", "path": PROJECTS, "value": "x"}, {"projects": ["x"]}),
        ({"op": "remove", "path": PROJECTS, "value": ["apollo"]}, {"projects": ["mercury"]}),
        ({"op": "remove", "path": f'{PROJECTS}[value sw "a"]'}, {"projects": ["mercury"]}),
        ({"op": "replace", "path": f'{PROJECTS}[value eq "apollo"]', "value": "x"}, {"projects": ["x", "mercury"]}),
        ({"op": "add", "path": f'{PROJECTS}[value eq "y"]', "value": "y"}, {"projects": ["apollo", "mercury", "y"]}),
        ({"op": "replace", "path": f"{ACME}:startDate", "value": WHOLE["startDate"]}, {}),
    ],
)
def test_patch(client: Client, operation: dict[str, Any], changed: dict[str, Any]) -> None:
    user_id = client.user("a", **{ACME: WHOLE})
    answer = client.patch(f"/Users/{user_id}", operation)
    after = {name: value for name, value in {**WHOLE, **changed}.items() if value is not None}
    assert (answer.status_code, answer.get_json().get(ACME)) == (200, after)


def test_a_whole_extension_goes(client: Client) -> None:
    user_id = client.user("a", **{ACME: {"badge": "B"}})
    user = client.patch(f"/Users/{user_id}", {"op": "remove", "path": ACME}).get_json()
    assert ACME not in user
    assert user["schemas"] == [USER]


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "add", "path": f"{ACME}:floor", "value": "third"}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:floor", "value": 2**63}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:floor", "value": 1.5}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:startDate", "value": "2027-03-31"}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:projects", "value": [7]}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:office", "value": "HQ"}, "invalidValue"),
        ({"op": "add", "path": f"{ACME}:office", "value": {"floor": 1}}, "invalidPath"),
        ({"op": "add", "path": f"{ACME}:nonsense", "value": 1}, "invalidPath"),
        ({"op": "add", "value": {ACME: {"nonsense": 1}}}, "invalidPath"),
        ({"op": "add", "path": f'{ACME}:projects[type eq "a"]', "value": "x"}, "invalidPath"),
        ({"op": "add", "path": f"{ACME}:projects.value", "value": "x"}, "invalidPath"),
        ({"op": "remove", "path": f"{ACME}:office.building"}, "mutability"),
        ({"op": "replace", "path": f"{ACME}:startDate", "value": "2028-01-01T00:00:00Z"}, "mutability"),
        ({"op": "remove", "path": f"{ACME}:startDate"}, "mutability"),
        ({"op": "remove", "path": ACME}, "mutability"),  # startDate with it
        ({"op": "add", "path": f"{HR}:grade", "value": 1.5}, "invalidValue"),  # without level, which it requires
    ],
)
def test_patch_that_is_refused(client: Client, operation: dict[str, Any], scim_type: str) -> None:
    user_id = client.user("a", **{ACME: WHOLE})
    answer = client.patch(f"/Users/{user_id}", operation)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, scim_type)
    assert client.get(f"/Users/{user_id}")[ACME] == WHOLE


def test_what_is_set_once_outlives_a_put_that_leaves_it_out(client: Client) -> None:
    user_id = client.user("a", **{ACME: WHOLE})
    user = client.send("PUT", f"/Users/{user_id}", {"userName": "b"}).get_json()
    assert (user["schemas"], user[ACME]) == ([USER, ACME], {"startDate": WHOLE["startDate"]})
    assert client.send("PUT", f"/Users/{user_id}", user).status_code == 200
    other = {"userName": "b", ACME: {"startDate": "2028-01-01T00:00:00Z"}}
    answer = client.send("PUT", f"/Users/{user_id}", other)
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "mutability")


def test_what_may_be_set_once_can_be_set_later(client: Client) -> None:
    user_id = client.user("a", **{ACME: {"badge": "B"}})
    body = {"userName": "a", ACME: {"badge": "B", "startDate": WHOLE["startDate"]}}
    assert client.send("PUT", f"/Users/{user_id}", body).get_json()[ACME] == body[ACME]


CONTRACT = {"value": "c", "secret": "s", "pin": "0000", "number": "8"}
SECRETS = {"level": "1", "pin": "0000", "shoeSize": "44", "number": "9", "contract": [CONTRACT]}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"level": "1", "number": "9", "contract": [{"value": "c", "number": "8"}]}),
        (f"?attributes={HR}:shoeSize", {"number": "9", "shoeSize": "44"}),
        (f"?attributes={HR}:pin", {"number": "9"}),
        (f"?attributes={HR}:contract.secret", {"number": "9", "contract": [{"secret": "s", "number": "8"}]}),
        ("?attributes=userName", {"number": "9"}),
        (f"?excludedAttributes={HR}", {"number": "9"}),
        (
            f"?excludedAttributes={HR}:number,{HR}:contract.value",
            {"level": "1", "number": "9", "contract": [{"number": "8"}]},
        ),
    ],
)
def test_returned_is_obeyed(client: Client, query: str, shown: dict[str, Any]) -> None:
    user_id = client.user("a", **{HR: SECRETS})
    assert client.get(f"/Users/{user_id}{query}")[HR] == shown
    client.user("b", **{HR: SECRETS})
    assert [user[HR] for user in client.get(f"/Users{query}")["Resources"]] == [shown, shown]


def test_what_it_requires_is_required_of_those_who_have_it(client: Client) -> None:
    answer = client.send("POST", "/Users", {"userName": "a", HR: {"grade": 1}})
    assert (answer.status_code, answer.get_json()["detail"]) == (400, f"{HR}.level: it is required")
    answer = client.send("POST", "/Users", {"userName": "a", HR: {"level": "1", "contract": [{"secret": "s"}]}})
    assert (answer.status_code, answer.get_json()["detail"]) == (400, f"{HR}.contract.value: it is required")


def test_it_is_listed_with_its_characteristics(client: Client) -> None:
    assert client.get("/ResourceTypes/User")["schemaExtensions"] == [
        {"schema": urn, "required": False} for urn in (ENTERPRISE, ACME, HR)
    ]
    schema = client.get(f"/Schemas/{ACME}")
    assert (schema["name"], schema["description"]) == ("AcmeUser", "What Acme knows about its people.")
    assert schema["attributes"][0] == {
        "name": "badge",
        "type": "string",
        "multiValued": False,
        "description": "The number on the badge.",
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
        "caseExact": True,
    }
    assert schema["attributes"][5]["subAttributes"][0]["required"] is True


def test_a_put_of_a_group_keeps_what_is_immutable(client: Client) -> None:
    group_id = client.send("POST", "/Groups", {"displayName": "g", HR_GROUP: {"code": "7"}}).get_json()["id"]
    kept = client.send("PUT", f"/Groups/{group_id}", {"displayName": "h"}).get_json()
    assert (kept["displayName"], kept[HR_GROUP]) == ("h", {"code": "7"})
    refused = client.send("PUT", f"/Groups/{group_id}", {"displayName": "h", HR_GROUP: {"code": "8"}})
    assert (refused.status_code, refused.get_json()["scimType"]) == (400, "mutability")


@pytest.mark.parametrize("again", ["2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00+01:00"])
def test_one_moment_written_otherwise_is_no_change_of_what_is_immutable(client: Client, again: str) -> None:
    dates = {"since": "2026-01-01T00:00:00Z", "holidays": ["2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"]}
    group_id = client.send("POST", "/Groups", {"displayName": "g", HR_GROUP: dates}).get_json()["id"]
    echo = {"since": again, "holidays": [again, "2026-05-01T00:00:00Z"]}
    kept = client.send("PUT", f"/Groups/{group_id}", {"displayName": "h", HR_GROUP: echo}).get_json()
    assert kept[HR_GROUP] == dates
    assert (
        client.patch(f"/Groups/{group_id}", {"op": "replace", "path": f"{HR_GROUP}:since", "value": again}).status_code
        == 204
    )


def test_another_moment_is_a_change(client: Client) -> None:
    dates = {"since": "2026-01-01T00:00:00Z"}
    group_id = client.send("POST", "/Groups", {"displayName": "g", HR_GROUP: dates}).get_json()["id"]
    for step in ({"op": "replace", "value": "2026-01-01T00:00:01Z"}, {"op": "remove"}):
        refused = client.patch(f"/Groups/{group_id}", {"path": f"{HR_GROUP}:since", **step})
        assert (refused.status_code, refused.get_json()["scimType"]) == (400, "mutability")
