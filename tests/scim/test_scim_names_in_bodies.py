"""Attribute names ignore case (RFC 7643 section 2.1): one that stands twice in a body is an error, not a guess."""

from __future__ import annotations

from typing import Any

import pytest
from scim_kit import ENTERPRISE, USER, Client


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b'{"userName":"a","userName":"b"}', '"userName" stands twice in one object'),
        (b'{"userName":"a","USERNAME":"b"}', "userName stands twice, in different cases"),
        (b'{"userName":"a","name":{"givenName":"b","GivenName":"c"}}', "name.givenName stands twice"),
        (b'{"userName":"a","emails":[{"value":"b","VALUE":"c"}]}', "emails.0.value stands twice"),
        (
            b'{"userName":"a","%s":{"department":"b","Department":"c"}}' % ENTERPRISE.encode(),
            f"{ENTERPRISE}.department",
        ),
        (b'{"userName":"a","%s:userName":"b"}' % USER.encode(), "userName stands twice"),
    ],
)
def test_a_name_that_stands_twice_is_refused(client: Client, raw: bytes, word: str) -> None:
    answer = client.send("POST", "/Users", data=raw, content_type="application/scim+json")
    assert (answer.status_code, answer.get_json()["scimType"]) == (400, "invalidSyntax")
    assert answer.get_json()["detail"].startswith(word)


def test_a_name_that_stands_twice_and_says_nothing_once_is_fine(client: Client) -> None:
    raw = b'{"userName":"a","title":null,"TITLE":"Analyst"}'
    assert (
        client.send("POST", "/Users", data=raw, content_type="application/scim+json").get_json()["title"] == "Analyst"
    )


@pytest.mark.parametrize("op", ["add", "replace"])
def test_schemas_inside_an_extension_say_nothing_new(client: Client, op: str) -> None:
    value: Any = {"schemas": [ENTERPRISE], "department": "Engines"}
    answer = client.patch(f"/Users/{client.user()}", {"op": op, "path": ENTERPRISE, "value": value})
    assert answer.get_json()[ENTERPRISE] == {"department": "Engines"}
