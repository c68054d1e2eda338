"""A failure of HTTP itself, whatever the resource."""

from __future__ import annotations

from collections.abc import Mapping


class Problem(Exception):
    """A failure of HTTP itself: a status, a sentence, headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
