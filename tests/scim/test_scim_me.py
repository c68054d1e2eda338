"""/Me is not served, and says so (RFC 7644 section 3.11)."""

from __future__ import annotations

import pytest
from scim_kit import Client


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_501(client: Client, method: str) -> None:
    answer = client.send(method, "/Me", None if method in ("GET", "HEAD") else {"userName": "a"})
    assert answer.status_code == 501


def test_me_says_what_to_use(client: Client) -> None:
    body = client.get("/Me")
    assert body["status"] == "501"
    assert "/Users/{id}" in body["detail"]
