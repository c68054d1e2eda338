"""What GET /Schemas says of each attribute is what the server does with it (RFC 7643 section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from scim_kit import ENTERPRISE, Client

from scim_bridge.db import Database
from scim_bridge.scim.attributes import read_projection
from scim_bridge.scim.definitions import GROUPS, USERS, ResourceTypes
from scim_bridge.scim.dialects import operations
from scim_bridge.scim.extensions import read_types
from scim_bridge.scim.model import Attribute, ResourceType
from scim_bridge.scim.patch import apply
from scim_bridge.scim.refusals import Refused
from scim_bridge.scim.schemas import read_document

EVERY_KIND = """
urn:example:2.0:User:
  resource: User
  attributes:
    text: {returned: request}
    truth: {type: boolean, mutability: immutable}
    whole: {type: integer, returned: always}
    number: {type: decimal, multiValued: true}
    moment: {type: dateTime, returned: never}
    page: {type: reference}
    picture: {type: binary, mutability: immutable, multiValued: true}
    parts: {type: complex, multiValued: true, subAttributes: {value: {required: true}, asked: {returned: request}}}
"""
TYPES = read_types("schemas.yaml", EVERY_KIND)
GOOD = {
    "string": ("one", "two"),
    "reference": ("https://example.com/1", "https://example.com/2"),
    "boolean": (True, False),
    "integer": (1, 2**62),
    "decimal": (1.5, 2),
    "dateTime": ("2027-03-31T09:00:00Z", "2027-03-31T09:00:00.5+02:00"),
    "binary": ("aGVsbG8=", "d29ybGQ="),
}
BAD: dict[str, tuple[Any, ...]] = {
    "string": (7, True, {"a": 1}, ["a"]),
    "reference": (7, False, {"a": 1}),
    "boolean": ("perhaps", 1, 0, {"a": 1}, [True, False]),
    "integer": (1.5, True, "one", 2**63, -(2**63) - 1, 10**30, {"a": 1}),
    "decimal": (True, "one", "1e999", 10**30, {"a": 1}),
    "dateTime": ("2027-03-31", "2027-13-31T09:00:00Z", "now", 7),
    "binary": ("a b!", "===", 7),
    "complex": (7, "text", True),
}


@dataclass(frozen=True)
class Case:
    """One attribute of one resource type."""

    kind: ResourceType
    urn: str | None
    attribute: Attribute

    @property
    def path(self) -> str:
        return f"{self.urn}:{self.attribute.name}" if self.urn else self.attribute.name

    def value(self, which: int) -> Any:
        """One of two good values, as it is stored."""
        value = _value(self.attribute, which)
        return [value] if self.attribute.multi else value

    def body(self, value: Any) -> dict[str, Any]:
        needed = {"userName": "ada"} if self.kind.name == "User" else {"displayName": "Engineering"}
        name = self.attribute.name
        return needed | ({self.urn: {name: value}} if self.urn else {name: value})

    def of(self, document: dict[str, Any]) -> Any:
        holder = document.get(self.urn, {}) if self.urn else document
        return holder.get(self.attribute.name)

    def patched(self, document: dict[str, Any], op: str, value: Any = None, path: str | None = None) -> dict[str, Any]:
        operation = {"op": op, "path": path or self.path} | ({} if op == "remove" else {"value": value})
        return apply(document, operations({"Operations": [operation]}), self.kind, own_id="me")


def _value(attribute: Attribute, which: int) -> Any:
    if not attribute.subs:
        return GOOD[attribute.kind][which]
    return {sub.name: GOOD[sub.kind][which] for sub in attribute.subs if sub.mutability != "readOnly"}


def _cases() -> list[Any]:
    found = []
    for kind in (TYPES.users, TYPES.groups):
        for schema in kind.schemas:
            urn = None if schema is kind.core else schema.urn
            for attribute in schema.attributes:
                if attribute.name != "members":  # rows of their own: test_scim_dialects, vectors
                    found.append(pytest.param(Case(kind, urn, attribute), id=f"{kind.name}-{attribute.name}"))
    return found


def _only(*mutabilities: str) -> list[Any]:
    return [case for case in _cases() if case.values[0].attribute.mutability in mutabilities]


STORED = [case for case in _only("readWrite", "immutable") if case.values[0].attribute.stored]


@pytest.mark.parametrize("case", STORED)
def test_stored_as_sent(case: Case) -> None:
    document = read_document(case.body(case.value(0)), case.kind)
    assert case.of(document) == case.value(0)
    base = read_document(case.body(None) | {"userName": "ada", "displayName": "Engineering"}, case.kind)
    if not case.attribute.required:
        for op in ("add", "replace"):
            assert case.of(case.patched(base, op, case.value(1))) == case.value(1)


@pytest.mark.parametrize("case", _only("readOnly"))
def test_read_only_is_ignored_in_bodies_and_refused_as_path(case: Case) -> None:
    document = read_document(case.body([{"value": "x"}]), case.kind)
    assert case.of(document) is None
    for path in (case.path, *(f"{case.path}.{sub.name}" for sub in case.attribute.subs)):
        for op in ("add", "replace", "remove"):
            with pytest.raises(Refused) as caught:
                case.patched(document, op, "x", path)
            assert caught.value.scim_type == "mutability"


@pytest.mark.parametrize("case", _only("immutable"))
def test_immutable_is_set_once(case: Case) -> None:
    document = read_document(case.body(None), case.kind)
    document = case.patched(document, "add", case.value(0))
    assert case.patched(document, "replace", case.value(0)) == document
    for op in ("add", "replace", "remove"):
        with pytest.raises(Refused) as caught:
            case.patched(document, op, case.value(1))
        assert caught.value.scim_type == "mutability"


@pytest.mark.parametrize("case", [case for case in STORED if case.values[0].attribute.required])
def test_required_cannot_be_missing_or_removed(case: Case) -> None:
    with pytest.raises(Refused, match="required") as caught:
        read_document({}, case.kind)
    assert caught.value.scim_type == "invalidValue"
    document = read_document(case.body(case.value(0)), case.kind)
    for op, value in (("remove", None), ("replace", None), ("replace", "")):
        with pytest.raises(Refused) as caught:
            case.patched(document, op, value)
        assert caught.value.scim_type == "mutability"


@pytest.mark.parametrize("case", [case for case in STORED if not case.values[0].attribute.required])
def test_others_can_be_removed(case: Case) -> None:
    document = read_document(case.body(case.value(0)), case.kind)
    if case.attribute.mutability == "immutable":
        return
    assert case.of(case.patched(document, "remove")) is None


@pytest.mark.parametrize("case", _only("readWrite", "immutable", "writeOnly"))
def test_the_type_is_enforced(case: Case) -> None:
    base = read_document({"userName": "ada", "displayName": "Engineering"}, case.kind)
    for bad in BAD[case.attribute.kind]:
        if (case.attribute.takes_text and bad == "text") or (case.attribute.multi and isinstance(bad, list)):
            continue
        with pytest.raises(Refused) as posted:
            read_document(case.body(bad), case.kind)
        with pytest.raises(Refused) as patched:
            case.patched(base, "add", bad)
        assert posted.value.scim_type == patched.value.scim_type == "invalidValue"


@pytest.mark.parametrize("case", STORED)
def test_parts_are_typed_too(case: Case) -> None:
    for sub in case.attribute.subs:
        if sub.mutability != "readOnly":
            for bad in BAD[sub.kind]:
                value = {**_value(case.attribute, 0), sub.name: bad}
                with pytest.raises(Refused) as caught:
                    read_document(case.body([value] if case.attribute.multi else value), case.kind)
                assert caught.value.scim_type == "invalidValue"


@pytest.mark.parametrize("case", STORED)
def test_returned_as_said(case: Case) -> None:
    document = read_document(case.body(case.value(0)), case.kind)
    shown = {
        "nothing": case.of(read_projection(None, None, case.kind).apply(document)) is not None,
        "asked": case.of(read_projection(case.path, None, case.kind).apply(document)) is not None,
        "other": case.of(read_projection("nonsense", None, case.kind).apply(document)) is not None,
        "excluded": case.of(read_projection(None, case.path, case.kind).apply(document)) is not None,
    }
    always, asked = case.attribute.returned == "always", case.attribute.returned in ("always", "default", "request")
    assert shown == {
        "nothing": case.attribute.returned in ("always", "default"),
        "asked": asked,
        "other": always,
        "excluded": always,
    }


def test_a_password_is_taken_and_never_kept() -> None:
    assert "secret" not in str(read_document({"userName": "a", "password": "secret"}, USERS))


@pytest.fixture
def types() -> ResourceTypes:
    return TYPES


def test_every_stored_attribute_is_listed_without_nulls(client: Client) -> None:
    answer = client.send("GET", "/Schemas")
    assert "null" not in answer.text
    listed = {schema["id"]: schema["attributes"] for schema in answer.get_json()["Resources"]}
    for kind in (TYPES.users, TYPES.groups):
        for schema in kind.schemas:
            assert [one["name"] for one in listed[schema.urn]] == [one.name for one in schema.attributes]
            for shown, one in zip(listed[schema.urn], schema.attributes, strict=True):
                _is_told(shown, one)


def _is_told(shown: dict[str, Any], one: Attribute) -> None:
    assert (shown["type"], shown["multiValued"], shown["required"]) == (one.kind, one.multi, one.required)
    assert (shown["mutability"], shown["returned"]) == (one.mutability, one.returned)
    assert shown.get("caseExact", one.case_exact) == one.case_exact
    assert shown.get("uniqueness", "none") == one.uniqueness
    assert tuple(shown.get("canonicalValues", ())) == one.canonical
    assert tuple(shown.get("referenceTypes", ())) == one.references
    for part, sub in zip(shown.get("subAttributes", ()), one.subs, strict=True):
        _is_told(part, sub)


def test_discovery_describes_itself(client: Client) -> None:
    """Each key of an answer of discovery is an attribute of its schema (RFC 7643 section 8.7.2)."""
    core = "urn:ietf:params:scim:schemas:core:2.0"
    answers = {
        f"{core}:ServiceProviderConfig": [client.get("/ServiceProviderConfig")],
        f"{core}:ResourceType": client.get("/ResourceTypes")["Resources"],
        f"{core}:Schema": client.get("/Schemas")["Resources"],
    }
    for urn, shown in answers.items():
        schema = client.get(f"/Schemas/{urn}")
        for one in shown:
            assert one["schemas"] == [urn]
            assert client.get(f"/{one['meta']['location'].partition('/scim/v2/')[2]}") == one
            body = {name: value for name, value in one.items() if name not in ("schemas", "meta")}
            _is_described(body, schema["attributes"])


def _is_described(body: dict[str, Any], attributes: list[dict[str, Any]]) -> None:
    known = {attribute["name"]: attribute for attribute in attributes}
    assert body.keys() <= known.keys()
    assert {name for name, attribute in known.items() if attribute["required"]} <= body.keys()
    for name, value in body.items():
        assert isinstance(value, list) == known[name]["multiValued"]
        if known[name]["type"] == "complex" and name != "subAttributes":
            for element in value if isinstance(value, list) else [value]:
                _is_described(element, known[name]["subAttributes"])


def test_names_are_unique_as_said(client: Client, app: Flask, db: Database) -> None:
    client.user("ada")
    answer = client.send("POST", "/Users", {"userName": "ADA"})
    assert (answer.status_code, answer.get_json()["scimType"]) == (409, "uniqueness")
    assert client.group("Engineering") != client.group("Engineering")


def test_the_standard_types_are_left_alone() -> None:
    assert len(USERS.extensions) == 1
    assert GROUPS.extensions == ()


def test_a_manager_of_read_only_parts_alone_is_none() -> None:
    body = {"userName": "a", ENTERPRISE: {"manager": {"displayName": "Bob"}}}
    assert ENTERPRISE not in read_document(body, USERS)
