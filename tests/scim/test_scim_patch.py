"""PATCH on a user, pure: RFC 7644 section 3.5.2 and the habits of Okta and Entra ID."""

from __future__ import annotations

from typing import Any

import pytest

from scim_bridge.filters import matches, parse_filter
from scim_bridge.scim.definitions import USER, USERS
from scim_bridge.scim.dialects import PATCH_OP, operations
from scim_bridge.scim.patch import apply
from scim_bridge.scim.refusals import Refused

E = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = {"value": "w@x.y", "type": "work", "primary": True}
HOME = {"value": "h@x.y", "type": "home"}


def patched(resource: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    """The resource after the steps, without what every user has."""
    named = {"userName": "ada", **resource}
    after = apply(named, operations({"operations": list(steps)}), USERS, own_id="me")
    assert after["schemas"] == [USER, *(urn for urn in (E,) if urn in after)]
    return {name: value for name, value in after.items() if name not in ("schemas", "userName")}


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        pytest.param({}, {"op": "ADD", "path": "nickName", "value": "B"}, {"nickName": "B"}, id="op-any-case"),
        pytest.param({}, {"op": "add", "path": "NICKNAME", "value": "B"}, {"nickName": "B"}, id="name-any-case"),
        pytest.param(
            {}, {"op": "replace", "path": "active", "value": "False"}, {"active": False}, id="text-as-boolean"
        ),
        pytest.param({"title": "x"}, {"op": "replace", "path": "title", "value": ""}, {}, id="empty-text-unassigns"),
        pytest.param({"title": "x"}, {"op": "add", "path": "title", "value": None}, {}, id="null-unassigns"),
        pytest.param({"title": "x"}, {"op": "remove", "path": "title"}, {}, id="remove"),
        pytest.param({}, {"op": "remove", "path": "title"}, {}, id="remove-what-is-not-there"),
        pytest.param(
            {"active": False}, {"op": "replace", "path": "active", "value": ""}, {"active": False}, id="no-leaver-back"
        ),
        pytest.param({"active": False}, {"op": "add", "path": "active", "value": None}, {"active": False}, id="stays"),
        pytest.param({"active": True}, {"op": "remove", "path": "active"}, {}, id="active-removed"),
        pytest.param(
            {"name": {"givenName": "A"}},
            {"op": "replace", "path": "name", "value": {"familyName": "L"}},
            {"name": {"givenName": "A", "familyName": "L"}},
            id="complex-merges",
        ),
        pytest.param(
            {"name": {"givenName": "A", "familyName": "L"}},
            {"op": "replace", "value": {"name": {"givenName": ""}}},
            {"name": {"familyName": "L"}},
            id="an-empty-part-goes-alone",
        ),
        pytest.param({"name": {"givenName": "A"}}, {"op": "remove", "path": "name.givenName"}, {}, id="last-part"),
        pytest.param({"name": {"givenName": "A"}}, {"op": "remove", "path": "name"}, {}, id="whole-complex"),
        pytest.param(
            {}, {"op": "add", "path": "name.givenName", "value": "A"}, {"name": {"givenName": "A"}}, id="part"
        ),
        pytest.param(
            {"emails": [WORK]}, {"op": "add", "path": "emails", "value": [HOME]}, {"emails": [WORK, HOME]}, id="append"
        ),
        pytest.param(
            {"emails": [WORK]}, {"op": "add", "path": "emails", "value": WORK}, {"emails": [WORK]}, id="again"
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "replace", "path": "emails", "value": [HOME]},
            {"emails": [HOME]},
            id="replace-all",
        ),
        pytest.param({"emails": [WORK]}, {"op": "replace", "path": "emails", "value": []}, {}, id="replace-by-none"),
        pytest.param({"emails": [WORK, HOME]}, {"op": "remove", "path": "emails"}, {}, id="remove-all"),
        pytest.param(
            {"emails": [WORK, HOME]},
            {"op": "remove", "path": "emails", "value": [{"value": "w@x.y"}]},
            {"emails": [HOME]},
            id="remove-listed-values",
        ),
        pytest.param(
            {"emails": [WORK, {"type": "other"}]},
            {"op": "remove", "path": "emails", "value": [{"type": "other"}]},
            {"emails": [WORK]},
            id="remove-a-listed-element",
        ),
        pytest.param(
            {"emails": [WORK, HOME]},
            {"op": "remove", "path": 'emails[type eq "home"]'},
            {"emails": [WORK]},
            id="filter",
        ),
        pytest.param(
            {"emails": [WORK]}, {"op": "remove", "path": 'emails[type eq "fax"]'}, {"emails": [WORK]}, id="no-match"
        ),
        pytest.param(
            {"emails": [{**HOME, "display": "H"}]},
            {"op": "remove", "path": 'emails[type eq "home"].value', "value": "h@x.y"},
            {"emails": [{"type": "home", "display": "H"}]},
            id="remove-a-part-whatever-the-value",
        ),
        pytest.param(
            {"emails": [WORK, HOME]},
            {"op": "replace", "path": "emails.display", "value": "D"},
            {"emails": [{**WORK, "display": "D"}, {**HOME, "display": "D"}]},
            id="a-part-of-all",
        ),
        pytest.param(
            {}, {"op": "add", "path": "emails.value", "value": "a@b"}, {"emails": [{"value": "a@b"}]}, id="part-of-none"
        ),
        pytest.param(
            {},
            {"op": "add", "path": 'addresses[type eq "work" and primary eq "TRUE"].country', "value": "DE"},
            {"addresses": [{"type": "work", "primary": True, "country": "DE"}]},
            id="element-made-from-filter",
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "n@x.y", "primary": False}},
            {"emails": [{"value": "n@x.y", "type": "work", "primary": False}]},
            id="element-merged",
        ),
        pytest.param(
            {"emails": [WORK, HOME]},
            {"op": "add", "path": 'emails[type eq "home"].primary', "value": "true"},
            {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]},
            id="one-primary-by-path",
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "add", "path": "emails", "value": [{**HOME, "primary": True}]},
            {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]},
            id="one-primary-by-value",
        ),
        pytest.param(
            {}, {"op": "replace", "value": {"password": "x", "meta": {}, "groups": [], "id": "me"}}, {}, id="not-ours"
        ),
        pytest.param({}, {"op": "replace", "path": "password", "value": "x"}, {}, id="password-is-never-kept"),
        pytest.param({}, {"op": "add", "path": "schemas", "value": [E]}, {}, id="schemas-follow-the-content"),
        pytest.param(
            {}, {"op": "add", "path": f"{E}:department", "value": "R"}, {E: {"department": "R"}}, id="extension"
        ),
        pytest.param({E: {"department": "R"}}, {"op": "remove", "path": f"{E}:department"}, {}, id="extension-emptied"),
        pytest.param(
            {}, {"op": "add", "value": {E: {"department": "R"}}}, {E: {"department": "R"}}, id="extension-as-object"
        ),
        pytest.param({E: {"department": "R"}}, {"op": "remove", "path": E}, {}, id="whole-extension-removed"),
        pytest.param(
            {},
            {"op": "add", "path": E, "value": {"schemas": [E], "department": "R"}},
            {E: {"department": "R"}},
            id="schemas-inside-an-extension",
        ),
        pytest.param({E: {"department": "R"}}, {"op": "replace", "path": E, "value": None}, {}, id="extension-null"),
        pytest.param(
            {},
            {"op": "replace", "value": {"name.givenName": "y", f"{E}:manager": "m"}},
            {"name": {"givenName": "y"}, E: {"manager": {"value": "m"}}},
            id="flat-keys",
        ),
        pytest.param(
            {E: {"manager": {"value": "m"}}},
            {"op": "replace", "path": f"{E}:manager", "value": ""},
            {},
            id="no-manager",
        ),
        pytest.param(
            {},
            {"op": "add", "path": f"{E}:manager", "value": {"value": "m", "displayName": "Boss"}},
            {E: {"manager": {"value": "m"}}},
            id="read-only-part-left-out",
        ),
        pytest.param({}, {"op": "add", "path": "externalId", "value": "e"}, {"externalId": "e"}, id="externalId"),
        pytest.param(
            {},
            {"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "T"},
            {"title": "T"},
            id="core-urn",
        ),
        pytest.param({}, {"op": "add", "path": "roles", "value": "Admin"}, {"roles": [{"value": "Admin"}]}, id="bare"),
        pytest.param(
            {"name": {"givenName": "A"}},
            {"op": "replace", "path": "name", "value": {}},
            {"name": {"givenName": "A"}},
            id="an-empty-object-sets-nothing",
        ),
        pytest.param(
            {"emails": [WORK]}, {"op": "replace", "path": "emails", "value": {}}, {"emails": [WORK]}, id="nor-in-a-list"
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "replace", "path": 'emails[type eq "work"]', "value": [{}]},
            {"emails": [WORK]},
            id="nor-through-a-filter",
        ),
        pytest.param(
            {"emails": [{**WORK, "display": "W"}, HOME]},
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": "n@x.y", "display": ""}},
            {"emails": [{**WORK, "value": "n@x.y"}, HOME]},
            id="an-empty-part-goes-through-a-filter",
        ),
        pytest.param(
            {"emails": [WORK, HOME]},
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"value": None}},
            {"emails": [HOME]},
            id="an-element-that-says-nothing-goes",
        ),
        pytest.param(
            {},
            {"op": "add", "path": 'roles[primary eq "True"]', "value": "Admin"},
            {"roles": [{"primary": True, "value": "Admin"}]},
            id="bare-through-a-filter",
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "add", "path": "emails", "value": [{"value": ""}]},
            {"emails": [WORK]},
            id="an-element-of-nothing-is-not-added",
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "add", "path": "emails", "value": [{"value": "w@x.y"}]},
            {"emails": [WORK]},
            id="what-says-no-more-is-there",
        ),
        pytest.param(
            {"emails": [WORK]},
            {"op": "add", "path": "emails", "value": [{"value": "w@x.y", "type": "work", "display": "W"}]},
            {"emails": [{**WORK, "display": "W"}]},
            id="what-is-there-is-completed",
        ),
        pytest.param(
            {"emails": [HOME, {"value": "h@x.y", "type": "other"}]},
            {"op": "remove", "path": "emails", "value": [{"value": "h@x.y", "type": "other"}]},
            {"emails": [HOME]},
            id="remove-by-value-and-type",
        ),
    ],
)
def test_result(before: dict[str, Any], step: dict[str, Any], after: dict[str, Any]) -> None:
    assert patched(before, step) == after


@pytest.mark.parametrize(
    ("step", "scim_type"),
    [
        pytest.param({"op": "remove"}, "noTarget", id="remove-without-path"),
        pytest.param({"op": "remove", "path": "userName"}, "mutability", id="required"),
        pytest.param({"op": "replace", "path": "userName", "value": ""}, "mutability", id="required-emptied"),
        pytest.param({"op": "remove", "path": "schemas"}, "mutability", id="schemas"),
        pytest.param({"op": "replace", "path": "groups", "value": []}, "mutability", id="read-only"),
        pytest.param({"op": "replace", "value": {"id": "other"}}, "mutability", id="another-id"),
        pytest.param({"op": "add", "path": "nonsense", "value": 1}, "invalidPath", id="unknown-attribute"),
        pytest.param({"op": "add", "path": "name.nonsense", "value": 1}, "invalidPath", id="unknown-part"),
        pytest.param({"op": "add", "path": "urn:x:2.0:User:a", "value": 1}, "invalidPath", id="unknown-schema"),
        pytest.param({"op": "add", "path": "a[b", "value": 1}, "invalidPath", id="unreadable"),
        pytest.param({"op": "add", "path": "name[a eq 1]", "value": 1}, "invalidPath", id="no-elements"),
        pytest.param({"op": "add", "path": 'emails[type ne "x"].value', "value": "v"}, "noTarget", id="not-makeable"),
        pytest.param({"op": "add", "path": "emails[type pr].value", "value": "v"}, "noTarget", id="present-only"),
        pytest.param({"op": "add", "path": 'emails[x eq "y"].value', "value": "v"}, "invalidPath", id="unknown-inside"),
        pytest.param({"op": "add", "path": "emails", "value": [7]}, "invalidValue", id="number-as-element"),
        pytest.param({"op": "add", "path": "emails", "value": [{"mail": "x"}]}, "invalidValue", id="unknown-element"),
        pytest.param(
            {"op": "add", "path": 'emails[type eq "w"]', "value": {"mail": "x"}}, "invalidValue", id="unknown-chosen"
        ),
        pytest.param({"op": "add", "path": "emails.value", "value": {}}, "invalidValue", id="empty-object-as-part"),
        pytest.param({"op": "add", "path": "name.givenName", "value": {}}, "invalidValue", id="empty-object-as-sub"),
        pytest.param({"op": "add", "path": "title", "value": {}}, "invalidValue", id="empty-object-as-text"),
        pytest.param({"op": "add", "path": "title"}, "invalidValue", id="add-without-value"),
        pytest.param(
            {"op": "add", "path": 'emails[type eq "w" and type eq "h"].value', "value": "v"},
            "noTarget",
            id="both-types",
        ),
        pytest.param({"op": "add", "path": "meta.version", "value": "x"}, "mutability", id="read-only-part"),
        pytest.param({"op": "add", "path": f"{E}:manager.displayName", "value": "x"}, "mutability", id="managers-name"),
        pytest.param({"op": "add", "path": "name", "value": 7}, "invalidValue", id="number-as-complex"),
        pytest.param({"op": "add", "path": "title", "value": {"a": 1}}, "invalidValue", id="object-as-text"),
        pytest.param({"op": "add", "path": E, "value": 7}, "invalidValue", id="number-as-extension"),
        pytest.param(
            {"op": "add", "path": 'emails[type eq "w"]', "value": [WORK, HOME]}, "invalidValue", id="two-as-one"
        ),
        pytest.param({"op": "add", "path": "schemas", "value": ["urn:x"]}, "invalidValue", id="unknown-urn"),
        pytest.param({"op": "add", "value": 7}, "invalidValue", id="no-path-no-object"),
        pytest.param({"op": "move", "path": "a"}, "invalidSyntax", id="unknown-op"),
        pytest.param({"path": "a"}, "invalidSyntax", id="no-op"),
        pytest.param({"op": "add", "path": 7}, "invalidSyntax", id="path-no-text"),
    ],
)
def test_refusal(step: dict[str, Any], scim_type: str) -> None:
    with pytest.raises(Refused) as caught:
        patched({"userName": "ada"}, step)
    assert caught.value.scim_type == scim_type


@pytest.mark.parametrize("schemas", [["urn:x"], "urn:x", [7]])
def test_a_body_that_says_it_is_no_patch_is_none(schemas: Any) -> None:
    with pytest.raises(Refused, match="says that it is no PATCH"):
        operations({"schemas": schemas, "Operations": []})
    assert operations({"Schemas": [PATCH_OP.upper()], "Operations": []}) == operations({"Operations": []}) == []


@pytest.mark.parametrize("body", [{}, {"Operations": {}}, {"Operations": [7]}])
def test_operations_must_be_a_list_of_objects(body: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="Operations"):
        operations(body)


def test_two_paths_with_one_filter_fill_one_element() -> None:
    steps = [
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
        {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Berlin"},
    ]
    assert patched({}, *steps) == {"addresses": [{"type": "work", "country": "DE", "locality": "Berlin"}]}


def test_the_resource_itself_is_left_alone() -> None:
    before = {"emails": [dict(WORK)], E: {"manager": {"value": "m"}}, "name": {"givenName": "A"}}
    patched(
        before,
        {"op": "add", "path": "emails", "value": [{**HOME, "primary": True}]},
        {"op": "replace", "path": "emails.display", "value": "D"},
        {"op": "replace", "path": f"{E}:manager.value", "value": "n"},
        {"op": "add", "path": "name.familyName", "value": "L"},
        {"op": "remove", "path": 'emails[type eq "work"]'},
    )
    assert before == {"emails": [WORK], E: {"manager": {"value": "m"}}, "name": {"givenName": "A"}}


def test_a_role_as_json_text_meets_a_condition_on_its_value() -> None:
    role = {"value": '{"id":"4711","value":"Admin","displayName":"The admins"}'}
    after = patched({}, {"op": "Add", "path": "roles", "value": [role]})
    assert matches(parse_filter('roles[value eq "Admin"]'), after)


def test_the_filters_of_one_patch_look_at_so_many_values_only() -> None:
    crowd = {"emails": [{"value": f"{number}@x.y", "type": "work"} for number in range(1_000)]}
    step = {"op": "replace", "path": 'emails[value eq "7@x.y"].display', "value": "seven"}
    assert patched(crowd, *[step] * 100)["emails"][7]["display"] == "seven"
    with pytest.raises(Refused, match="100,000 values") as refused:
        patched(crowd, *[step] * 101)
    assert refused.value.scim_type == "invalidValue"
