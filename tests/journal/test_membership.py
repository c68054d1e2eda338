"""What a request did to one member, in the shapes that Okta and Entra send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scim_bridge.journal.membership import effect

ADA, BOB = "ada-id", "bob-id"


def patch(*operations: Any) -> dict[str, Any]:
    return {"Operations": list(operations)}


def add(*ids: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        pytest.param("POST", {"displayName": "x", "members": [{"value": ADA}]}, "in", id="made-with-her"),
        pytest.param("POST", {"displayName": "x"}, "out", id="made-without-her"),
        pytest.param("PUT", {"Members": [{"Value": ADA, "display": "ada"}]}, "in", id="okta-put"),
        pytest.param("PUT", {"members": [{"value": BOB}]}, "out", id="put-without-her"),
        pytest.param("PATCH", patch(add(BOB, ADA)), "in", id="okta-add"),
        pytest.param("PATCH", patch(add(BOB)), None, id="another-is-added"),
        pytest.param(
            "PATCH",
            patch({"op": "Add", "path": "members", "value": [{"$ref": None, "value": ADA}]}),
            "in",
            id="entra-add",
        ),
        pytest.param("PATCH", patch({"op": "add", "value": {"members": [{"value": ADA}]}}), "in", id="without-path"),
        pytest.param("PATCH", patch({"op": "replace", "value": {"displayName": ADA}}), None, id="okta-rename"),
        pytest.param("PATCH", patch({"op": "replace", "path": "displayName", "value": ADA}), None, id="entra-rename"),
        pytest.param("PATCH", patch({"op": "replace", "path": "members", "value": [{"value": ADA}]}), "in", id="push"),
        pytest.param("PATCH", patch({"op": "replace", "path": "members", "value": []}), "out", id="push-of-nobody"),
        pytest.param("PATCH", patch({"op": "remove", "path": f'members[value eq "{ADA}"]'}), "out", id="okta-remove"),
        pytest.param("PATCH", patch({"op": "remove", "path": f'members[value eq "{BOB}"]'}), None, id="another-goes"),
        pytest.param(
            "PATCH",
            patch({"op": "remove", "path": f'members[value eq "{BOB}" or value eq "{ADA}"]'}),
            "out",
            id="one-of-several-goes",
        ),
        pytest.param(
            "PATCH", patch({"op": "Remove", "path": "members", "value": [{"value": ADA}]}), "out", id="entra-remove"
        ),
        pytest.param(
            "PATCH", patch({"op": "Remove", "path": "members", "value": [{"value": BOB}]}), None, id="entra-another"
        ),
        pytest.param(
            "PATCH", patch({"op": "remove", "path": 'members[type eq "User"]'}), None, id="who-met-it-is-not-told"
        ),
        pytest.param(
            "PATCH",
            patch({"op": "replace", "path": f'members[value eq "{BOB}"]', "value": {"value": ADA}}),
            "in",
            id="takes-the-place-of-another",
        ),
        pytest.param(
            "PATCH", patch({"op": "replace", "path": f'members[value eq "{ADA}"]', "value": []}), "out", id="replaced"
        ),
        pytest.param("PATCH", patch({"op": "add", "path": f'members[value eq "{ADA}"]'}), "in", id="added-by-filter"),
        pytest.param("PATCH", patch({"op": "remove", "path": "members"}), "out", id="all-go"),
        pytest.param("PATCH", patch({"op": "remove", "path": "members"}, add(ADA)), "in", id="the-last-one-counts"),
        pytest.param("PATCH", patch("no operation"), None, id="no-operation"),
        pytest.param("PATCH", {"operations": None}, None, id="no-operations"),
        pytest.param("PATCH", patch({"op": 7, "path": "members", "value": ADA}), None, id="no-verb"),
        pytest.param("PATCH", [], None, id="no-object"),
    ],
)
def test_effect(method: str, body: Any, expected: str | None) -> None:
    assert effect(method, json.dumps(body).encode(), [ADA, "her-external-id"]) == expected


def test_a_name_in_the_beginning_of_a_large_body_counts_as_put_in() -> None:
    beginning = b'{"members":[{"value":"ada-id"},{"val'
    assert effect("PUT", beginning, [ADA], is_cut=True) == "in"
    assert effect("PUT", beginning, [BOB], is_cut=True) is None


def test_what_is_no_json_did_nothing() -> None:
    assert effect("PATCH", b"[not kept]", [ADA]) is None
