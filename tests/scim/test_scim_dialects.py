"""Bodies of POST and PUT brought to one form; members of groups added up; projection. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from scim_bridge.directory.delta import MemberDelta
from scim_bridge.filters import InvalidFilter
from scim_bridge.scim.attributes import read_projection
from scim_bridge.scim.definitions import ENTRA_GROUP, GROUP, GROUPS, USER, USERS
from scim_bridge.scim.dialects import operations
from scim_bridge.scim.members import Chosen, member_ids, split
from scim_bridge.scim.refusals import Refused
from scim_bridge.scim.schemas import read_document

E = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("body", "resource"),
    [
        pytest.param({"TITLE": "t", "Schemas": [USER.lower()]}, {"title": "t"}, id="names-in-any-case"),
        pytest.param({"title": None, "nickName": "", "roles": [], "name": {}, "schemas": None}, {}, id="unassigned"),
        pytest.param({"shoeSize": 7}, {}, id="unknown-core-attributes-are-ignored"),
        pytest.param({"active": " TRUE "}, {"active": True}, id="text-as-boolean"),
        pytest.param({f"{E}:department": "R"}, {E: {"department": "R"}}, id="an-attribute-under-its-urn"),
        pytest.param({f"{USER}:title": "T"}, {"title": "T"}, id="a-core-attribute-under-its-urn"),
        pytest.param({f"{USER}:nonsense": "T", f"{E}:x": 1}, {}, id="unknown-under-a-urn"),
        pytest.param({"id": "mine", "meta": {"version": 7}, "groups": [7]}, {}, id="read-only"),
        pytest.param({"password": "secret"}, {}, id="password"),
        pytest.param({"emails": {"value": "a@b"}}, {"emails": [{"value": "a@b"}]}, id="one-element-as-list"),
        pytest.param({"emails": [{"VALUE": "a@b", "x": 1}, "", {}]}, {"emails": [{"value": "a@b"}]}, id="elements"),
        pytest.param({E: {"manager": "m", "x": 1}}, {E: {"manager": {"value": "m"}}}, id="manager-as-text"),
        pytest.param({E: {"manager": [{"value": "m"}]}}, {E: {"manager": {"value": "m"}}}, id="manager-as-list"),
        pytest.param({E: None}, {}, id="extension-null"),
        pytest.param({E: {"department": ""}}, {}, id="extension-of-nothing"),
        pytest.param(
            {"roles": [{"value": '{"id":"1","value":"Admin","displayName":"The admin"}'}]},
            {"roles": [{"value": "Admin", "display": "The admin"}]},
            id="role-as-json-text",
        ),
        pytest.param({"roles": [{"value": "{no json"}]}, {"roles": [{"value": "{no json"}]}, id="role-like-json"),
        pytest.param(
            {"roles": [{"value": '{"id":"18d1","value":null,"displayName":"User"}'}]},
            {"roles": [{"value": "18d1", "display": "User"}]},
            id="role-without-value",
        ),
        pytest.param({"roles": [{"value": '{"id":1}'}]}, {"roles": [{"value": '{"id":1}'}]}, id="json-without-value"),
        pytest.param(
            {"roles": [{"value": "a", "displayName": "A"}]},
            {"roles": [{"value": "a", "display": "A"}]},
            id="displayName",
        ),
    ],
)
def test_a_body_in_one_form(body: dict[str, Any], resource: dict[str, Any]) -> None:
    document = read_document({"userName": "ada", **body}, USERS)
    assert document.pop("schemas") == [USER, *(urn for urn in (E,) if urn in document)]
    assert document == {"userName": "ada", **resource}


@pytest.mark.parametrize(
    "body", [{"urn:x:y": {}}, {"schemas": ["urn:x:y"]}, {"schemas": "urn"}, {"schemas": [1]}, {E: 7}]
)
def test_unknown_schemas_and_shapes_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        read_document({"userName": "ada", **body}, USERS)
    assert caught.value.scim_type == "invalidValue"


def test_entras_group_schema_is_taken() -> None:
    document = read_document({"schemas": [GROUP, ENTRA_GROUP], "displayName": "G"}, GROUPS)
    assert document == {"schemas": [GROUP], "displayName": "G"}


def test_the_first_of_two_primaries_keeps_it() -> None:
    emails = [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}]
    document = read_document({"userName": "u", "emails": emails}, USERS)
    assert [email["primary"] for email in document["emails"]] == [True, False]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "userName"),
        ({"userName": 7}, "userName"),
        ({"userName": "u", "active": "yes"}, "active"),
        ({"userName": "u", "name": 7}, "name"),
        ({"userName": "u", "emails": [{"value": 7}]}, "emails.0.value"),
        ({"userName": "u", "emails": [7]}, "emails"),
        ({"userName": "u", E: {"department": 7}}, f"{E}.department"),
    ],
)
def test_wrong_types_are_named(body: dict[str, Any], names: str) -> None:
    with pytest.raises(Refused) as caught:
        read_document(body, USERS)
    assert caught.value.message.startswith(names)


def _delta(*steps: dict[str, Any]) -> MemberDelta:
    rest, changes = split(operations({"Operations": list(steps)}))
    assert rest == []
    change = changes[0] if changes else MemberDelta()
    return change.delta(PRESENT) if isinstance(change, Chosen) else change


PRESENT = [{"value": "a", "type": "User"}, {"value": "g", "type": "Group"}, {"value": "later"}]
A, B = {"value": "a"}, {"value": "b"}
ADD_A = {"op": "add", "path": "members", "value": [A]}
REMOVE_A = {"op": "remove", "path": 'members[value eq "a"]'}


@pytest.mark.parametrize(
    ("steps", "delta"),
    [
        pytest.param([ADD_A], MemberDelta(add=("a",)), id="add"),
        pytest.param([{"op": "Add", "value": {"members": [A]}}], MemberDelta(add=("a",)), id="add-without-path"),
        pytest.param([{"op": "add", "path": "members", "value": A}], MemberDelta(add=("a",)), id="one-object"),
        pytest.param(
            [{"op": "add", "path": 'members[value eq "a"]', "value": A}], MemberDelta(add=("a",)), id="add-by-filter"
        ),
        pytest.param([REMOVE_A], MemberDelta(remove=("a",)), id="remove-by-filter"),
        pytest.param(
            [{"op": "remove", "path": 'members[value eq "a" or value eq "b"]'}],
            MemberDelta(remove=("a", "b")),
            id="remove-two-by-filter",
        ),
        pytest.param(
            [{"op": "Remove", "path": "members", "value": [A]}], MemberDelta(remove=("a",)), id="entra-remove-by-value"
        ),
        pytest.param([{"op": "remove", "path": "members", "value": []}], MemberDelta(), id="remove-none"),
        pytest.param([{"op": "remove", "path": "members"}], MemberDelta(replace=True), id="remove-all"),
        pytest.param([{"op": "replace", "path": "members", "value": [A, A]}], MemberDelta(True, ("a",)), id="replace"),
        pytest.param([{"op": "replace", "path": "members", "value": []}], MemberDelta(replace=True), id="replace-none"),
        pytest.param([ADD_A, REMOVE_A], MemberDelta(remove=("a",)), id="the-last-word-counts"),
        pytest.param([REMOVE_A, ADD_A], MemberDelta(add=("a",)), id="and-the-other-way"),
        pytest.param(
            [ADD_A, {"op": "replace", "path": "members", "value": [B]}], MemberDelta(True, ("b",)), id="replace-forgets"
        ),
        pytest.param(
            [{"op": "replace", "path": "members", "value": [A]}, REMOVE_A], MemberDelta(replace=True), id="replace-less"
        ),
        pytest.param(
            [{"op": "add", "path": 'members[type eq "Group"]', "value": [B]}],
            MemberDelta(add=("b",)),
            id="add-of-a-type",
        ),
        pytest.param(
            [{"op": "add", "path": 'members[value eq "b" and type eq "User"]', "value": None}],
            MemberDelta(add=("b",)),
            id="add-from-what-the-filter-equals",
        ),
        pytest.param(
            [{"op": "remove", "path": 'members[type eq "user"]'}], MemberDelta(remove=("a",)), id="remove-a-type"
        ),
        pytest.param(
            [{"op": "remove", "path": 'members[type ne "User"]', "value": [A]}],
            MemberDelta(remove=("g", "later")),
            id="remove-what-has-no-type-too",
        ),
        pytest.param(
            [{"op": "remove", "path": 'members[not (value sw "l") and value pr]'}],
            MemberDelta(remove=("a", "g")),
            id="remove-by-any-filter",
        ),
        pytest.param(
            [{"op": "remove", "path": 'members[value eq "A" and value pr]'}], MemberDelta(), id="ids-have-case"
        ),
        pytest.param(
            [{"op": "replace", "path": 'members[type eq "User"]', "value": [B]}],
            MemberDelta(add=("b",), remove=("a",)),
            id="replace-a-type",
        ),
        pytest.param(
            [{"op": "replace", "path": 'members[value eq "a"]', "value": [A, B]}],
            MemberDelta(add=("a", "b")),
            id="replace-by-itself-and-another",
        ),
        pytest.param(
            [{"op": "replace", "path": 'members[value eq "b"]', "value": B}],
            MemberDelta(add=("b",)),
            id="replace-of-what-is-not-there",
        ),
        pytest.param(
            [{"op": "replace", "path": 'members[value eq "a"]', "value": None}],
            MemberDelta(remove=("a",)),
            id="replace-by-nothing",
        ),
        pytest.param(
            [{"op": "replace", "path": 'members[type eq "Group"]', "value": []}],
            MemberDelta(remove=("g",)),
            id="replace-a-type-by-nothing",
        ),
    ],
)
def test_member_operations_add_up(steps: list[dict[str, Any]], delta: MemberDelta) -> None:
    assert _delta(*steps) == delta


@pytest.mark.parametrize(
    ("step", "scim_type"),
    [
        ({"op": "replace", "path": 'members[value eq "a"].display', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'members[value eq "b"]', "value": A}, "noTarget"),
        ({"op": "replace", "path": 'members[value sw "x"]', "value": A}, "noTarget"),
        ({"op": "replace", "path": 'members[type eq "User"]', "value": ["a"]}, "invalidValue"),
        ({"op": "add", "path": 'members[value eq "a"]', "value": B}, "noTarget"),
        ({"op": "add", "path": 'members[type eq "User"]', "value": {"value": "b", "type": "Group"}}, "noTarget"),
        ({"op": "add", "path": 'members[type eq "User"]', "value": ["a"]}, "invalidValue"),
        ({"op": "add", "path": 'members[type eq "User"]', "value": None}, "invalidValue"),
        ({"op": "remove", "path": 'members[kind eq "User"]'}, "invalidPath"),
        ({"op": "add", "path": "members", "value": [{"$ref": "x"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [7]}, "invalidValue"),
    ],
)
def test_member_operations_that_are_refused(step: dict[str, Any], scim_type: str) -> None:
    with pytest.raises(Refused) as caught:
        _delta(step)
    assert caught.value.scim_type == scim_type


def test_an_id_is_compared_with_a_text() -> None:
    with pytest.raises(InvalidFilter, match="write text in quotes"):
        _delta({"op": "remove", "path": "members[value eq 1]"})


def test_a_members_type_cannot_be_changed() -> None:
    with pytest.raises(Refused) as caught:
        _delta({"op": "replace", "path": 'members[value eq "a"].type', "value": "Group"})
    assert caught.value.scim_type == "mutability"


def test_null_members_are_none() -> None:
    assert member_ids(None) == ()
    assert member_ids("") == ()


def test_other_steps_are_left_for_the_document() -> None:
    steps = operations({"Operations": [{"op": "replace", "value": {"displayName": "x"}}, {"op": "remove"}]})
    assert split(steps) == (steps, [])


def test_a_filter_sees_what_the_steps_before_it_left() -> None:
    chosen = {"op": "remove", "path": 'members[type eq "User"]'}
    rest, changes = split(operations({"Operations": [ADD_A, chosen, {"op": "add", "path": "members", "value": B}]}))
    assert rest == []
    assert changes[::2] == [MemberDelta(add=("a",)), MemberDelta(add=("b",))]
    assert isinstance(changes[1], Chosen)


ADA: dict[str, Any] = {
    "schemas": [USER, E],
    "id": "1",
    "userName": "ada",
    "name": {"givenName": "A", "familyName": "L"},
    "emails": [{"value": "w", "type": "work"}, {"value": "h"}],
    "meta": {"version": "1"},
    E: {"department": "R", "manager": {"value": "m"}},
}
ALWAYS = {"schemas": [USER, E], "id": "1"}


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ("USERNAME", {"userName": "ada"}),
        ("id", {}),
        (f"{USER}:userName, nonsense", {"userName": "ada"}),
        ("name.givenName,name.familyName", {"name": {"givenName": "A", "familyName": "L"}}),
        ("emails.value,emails.type", {"emails": [{"value": "w", "type": "work"}, {"value": "h"}]}),
        ("name,name.givenName", {"name": {"givenName": "A", "familyName": "L"}}),
        (E, {E: {"department": "R", "manager": {"value": "m"}}}),
        (f"{E}:department", {E: {"department": "R"}}),
        (f"{E}:manager.value", {E: {"manager": {"value": "m"}}}),
        (f"{E}:division", {}),
        ("userName.x", {}),
    ],
)
def test_attributes_choose(attributes: str, shown: dict[str, Any]) -> None:
    assert read_projection(attributes, None, USERS).apply(ADA) == ALWAYS | shown


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("emails,meta,nonsense", {"emails", "meta"}),
        ("id,schemas", set()),
        (E, {E}),
        (f"{E}:nonsense", set()),
    ],
)
def test_excluded_attributes_go(excluded: str, gone: set[str]) -> None:
    assert read_projection(None, excluded, USERS).apply(ADA).keys() == ADA.keys() - gone


def test_excluded_parts_go() -> None:
    shown = read_projection(None, f"name.familyName,emails.TYPE,userName.x,{E}:manager", USERS).apply(ADA)
    assert (shown["name"], shown["emails"], shown["userName"]) == (
        {"givenName": "A"},
        [{"value": "w"}, {"value": "h"}],
        "ada",
    )
    assert shown[E] == {"department": "R"}


def test_an_extension_that_is_not_there_is_not_missed() -> None:
    projection = read_projection(f"{E}:department,{E}", None, USERS)
    assert projection.apply({"id": "1"}) == {"id": "1"}
    assert read_projection(None, f"{E}:department", USERS).apply({"id": "1"}) == {"id": "1"}


def test_nothing_asked_shows_everything() -> None:
    projection = read_projection(None, None, USERS)
    assert projection.apply(ADA) == ADA
    assert projection.shows("groups")


def test_what_is_not_shown_need_not_be_read() -> None:
    assert not read_projection("userName", None, USERS).shows("groups")
    assert read_projection("groups.value", None, USERS).shows("groups")
    assert not read_projection(None, "members", GROUPS).shows("members")
    assert read_projection(None, "members.type", GROUPS).shows("members")
