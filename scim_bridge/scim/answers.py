"""What a handler answers, as a value: HTTP sends it, /Bulk puts it into a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scim_bridge.db import JsonText, to_json

Shown = Mapping[str, Any] | JsonText
"""A body, or a resource in one; as text where it is put together out of stored text."""

MEDIA_TYPE = "application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body (None: none at all), headers."""

    body: Shown | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The body as JSON; empty where there is none."""
        if isinstance(self.body, JsonText):
            return self.body
        return "" if self.body is None else to_json(self.body)


NO_CONTENT = Answer(None, 204)


def error_answer(
    status: int, detail: str, *, scim_type: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """An Error body; ``status`` is text in it (RFC 7644 section 3.12)."""
    body = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    if scim_type:
        body["scimType"] = scim_type
    return Answer(body, status, headers or {})
