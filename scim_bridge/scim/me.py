"""/Me (RFC 7644 section 3.11): 501. A token here stands for an identity source, and no person is behind it."""

from __future__ import annotations

from scim_bridge.scim.answers import Answer
from scim_bridge.scim.problems import Problem
from scim_bridge.scim.service import Call


def me(call: Call) -> Answer:
    """Every verb of /Me: Problem 501."""
    raise Problem(501, "/Me is not supported; a token here stands for a source, not for a user: use /Users/{id}")
