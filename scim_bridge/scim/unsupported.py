"""What RFC 7644 leaves to the server and this one does not do: 501, in words (sections 3.4.3, 3.7, 3.11)."""

from __future__ import annotations

from scim_bridge.scim.answers import Answer
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.service import Call


def bulk(call: Call) -> Answer:
    """POST /Bulk: 501; 413 where the body is larger than any body may be."""
    call.body.read(call.service.max_group_body_bytes)
    raise Problem(501, "/Bulk is not supported; ServiceProviderConfig says so: send the operations one by one")


def me(call: Call) -> Answer:
    """/Me: 501: a token stands for an identity source, not for a person."""
    raise Problem(501, "/Me is not supported; a token here stands for a source, not for a user: use /Users/{id}")


def search(call: Call) -> Answer:
    """POST /.search and /{type}/.search: 501."""
    call.body.read(call.service.max_body_bytes)
    raise Problem(501, "searching by POST is not supported; use GET with ?filter= on /Users or /Groups")
