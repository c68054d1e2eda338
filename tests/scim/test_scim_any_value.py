"""Whatever JSON stands where a value should be: it is refused with a scimType, or what is stored is valid."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim_kit import Client
from test_scim_characteristics import TYPES

from scim_bridge.filters import InvalidFilter
from scim_bridge.scim.attributes import read_projection
from scim_bridge.scim.dialects import MAX_OPERATIONS, operations
from scim_bridge.scim.members import member_ids, split
from scim_bridge.scim.model import ResourceType
from scim_bridge.scim.patch import apply
from scim_bridge.scim.refusals import Refused
from scim_bridge.scim.schemas import read_document
from scim_bridge.scim.values import MAX_VALUES

SCIM_TYPES = {"invalidFilter", "invalidValue", "invalidPath", "invalidSyntax", "mutability", "noTarget"}
NAMES = sorted({one.name for kind in (TYPES.users, TYPES.groups) for one in kind.core.attributes})
PARTS = sorted({sub.name for one in TYPES.users.core.attributes for sub in one.subs})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["True", "False", "", " ", '{"value":"x"}', '{"value":{"value":"x"}}', "2027-03-31T09:00:00Z", "aGk="]
    ),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*PARTS, "value", "x", "VALUE"]), inner, max_size=3),
    ),
    max_leaves=8,
)
FILTERS = st.sampled_from(
    ["", '[type eq "work"]', '[primary eq "True"]', "[value pr]", '[value eq "x" and display ne "y"]', "["]
)
URNS = [schema.urn for kind in (TYPES.users, TYPES.groups) for schema in kind.schemas]
EXTENDED = [f"{schema.urn}:{one.name}" for schema in TYPES.users.extensions for one in schema.attributes]
PATHS = st.builds(
    lambda name, where, sub: f"{name}{where}{sub}",
    st.one_of(st.sampled_from([*NAMES, *URNS, *EXTENDED, "id", "meta", "schemas"]), st.text(max_size=6)),
    FILTERS,
    st.sampled_from(["", "", ".value", ".primary", ".display", ".givenName", ".x"]),
)
OPERATIONS = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["add", "replace", "Remove"]), "path": PATHS, "value": JSON}),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "Replace"]), "value": st.dictionaries(PATHS, JSON, max_size=3)}
    ),
    st.fixed_dictionaries({"op": JSON}, optional={"path": JSON, "value": JSON}),
)
ADA: dict[str, Any] = {
    "userName": "ada",
    "displayName": "Ada",
    "name": {"givenName": "Ada"},
    "emails": [{"value": "w@x.org", "type": "work", "primary": True}, {"value": "h@x.org", "type": "home"}],
    "roles": [{"value": "Admin", "primary": True}],
    "urn:example:2.0:User": {"parts": [{"value": "x"}], "number": [1.5], "text": "x"},
}


def is_fine(work: Callable[[], dict[str, Any]], kind: ResourceType) -> None:
    """Refused with a word of the RFC; or it reads back as itself, has one primary at most, and can be shown."""
    try:
        document = work()
    except Refused as error:
        document, scim_type = {}, error.scim_type
    except InvalidFilter:
        document, scim_type = {}, "invalidFilter"
    else:
        scim_type = ""
    assert scim_type in SCIM_TYPES or read_document(document, kind) == document
    for value in document.values():
        if isinstance(value, list):
            assert sum(isinstance(one, dict) and one.get("primary") is True for one in value) <= 1
    read_projection("emails.value,name", None, kind).apply(document)


@pytest.mark.parametrize("kind", [TYPES.users, TYPES.groups], ids=["User", "Group"])
@settings(max_examples=120, deadline=None)
@given(
    body=st.dictionaries(st.sampled_from([*NAMES, *URNS, *EXTENDED, "id", "meta", "schemas", "x"]), JSON, max_size=5)
)
def test_any_body(kind: ResourceType, body: dict[str, Any]) -> None:
    def read() -> dict[str, Any]:
        member_ids(body.get("members"))
        return read_document({"userName": "ada", "displayName": "Ada", **body}, kind)

    is_fine(read, kind)


@pytest.mark.parametrize("kind", [TYPES.users, TYPES.groups], ids=["User", "Group"])
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(OPERATIONS, max_size=4))
def test_any_patch(kind: ResourceType, steps: list[dict[str, Any]]) -> None:
    before = read_document(
        {name: value for name, value in ADA.items() if kind.find(name) or kind.extension(name)}, kind
    )
    copy = deepcopy(before)

    def patch() -> dict[str, Any]:
        rest, _ = split(operations({"Operations": steps}), kind)
        return apply(before, rest, kind, own_id="me")

    is_fine(patch, kind)
    assert before == copy


@pytest.mark.parametrize("path", ["emails", "roles", "urn:example:2.0:User:number"])
def test_an_attribute_has_a_thousand_values_at_most(path: str) -> None:
    document = read_document({"userName": "ada"}, TYPES.users)
    values = list(range(MAX_VALUES + 1)) if "number" in path else [{"value": str(n)} for n in range(MAX_VALUES + 1)]
    for steps in ([values], [values[:-1], values[-1:]]):
        added = [{"op": "add", "path": path, "value": value} for value in steps]
        with pytest.raises(Refused, match="1000 values of it at most"):
            apply(document, operations({"Operations": added}), TYPES.users, own_id="me")


def test_a_patch_has_a_bounded_number_of_operations() -> None:
    step = {"op": "add", "path": "title", "value": "x"}
    assert len(operations({"Operations": [step] * MAX_OPERATIONS})) == MAX_OPERATIONS
    with pytest.raises(Refused, match="5000 operations at most"):
        operations({"Operations": [step] * (MAX_OPERATIONS + 1)})


@pytest.mark.parametrize(
    "path",
    [
        "a" * 2_000,
        "a." * 2_000,
        "a[" * 2_000,
        "emails[" + "not (" * 50 + "type pr" + ")" * 50 + "]",
        "urn:" * 2_000 + "a",
    ],
)
def test_long_and_deep_paths_are_refused(path: str) -> None:
    document = read_document({"userName": "ada"}, TYPES.users)
    with pytest.raises(Refused) as caught:
        apply(
            document, operations({"Operations": [{"op": "add", "path": path, "value": "x"}]}), TYPES.users, own_id="me"
        )
    assert caught.value.scim_type == "invalidPath"


def test_long_texts_are_stored_or_refused(client: Client) -> None:
    user_id = client.user()
    long = "x" * 15_000
    assert client.patch(f"/Users/{user_id}", {"op": "add", "path": "title", "value": long}).get_json()["title"] == long
    for path in ("userName", "externalId", "displayName"):
        answer = client.patch(f"/Users/{user_id}", {"op": "add", "path": path, "value": long})
        assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidValue")
        assert long not in answer.text
