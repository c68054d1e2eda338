"""The line to the instance, as a provider has it: every answer is timed, none is asked for twice, and no redirect is
followed, because a provider's client would lose the method or the token on the way.

Proxies and passwords that this machine's environment names are left out: the provider does not know them either.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests

TIMEOUT_S = 60.0
"""Okta gives up when it has had no byte for this long."""
MEDIA_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_QUOTED = 200  # characters of an answer that is not SCIM


class Unexpected(Exception):
    """What came back is not what a provider needs; the text is a clause that says what it was."""


class Wire(requests.Session):
    """A session with the SCIM base URL ``base_url``. ``sent`` requests so far, the slowest in ``slowest_ms``."""

    def __init__(self, base_url: str, token: str) -> None:
        super().__init__()
        self.base_url = base_url.rstrip("/")
        self.trust_env = False
        self.headers.update({"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE})
        self.sent = 0
        self.slowest_ms = 0.0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        began_s = time.monotonic()
        try:
            return super().send(request, **{**options, "allow_redirects": False})
        finally:
            self.sent += 1
            self.slowest_ms = max(self.slowest_ms, (time.monotonic() - began_s) * 1000)

    def ask(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str | None] | None = None
    ) -> Answer:
        """One request; ``body`` as SCIM's JSON. A header that is None is left out."""
        content = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"} if body is not None else {}
        named: dict[str, Any] = {**content, **(headers or {})}
        return Answer(self.request(method, self.base_url + path, json=body, headers=named, timeout=TIMEOUT_S))


class Answer:
    """What came back."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.status = response.status_code

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in it; raises ``Unexpected``."""
        body = json_of(self.response)
        if not isinstance(body, dict):
            raise Unexpected(f"{told(self.response)}, and no JSON object")
        return body

    def must_be(self, *statuses: int) -> dict[str, Any]:
        """Its body, ``{}`` if there is none; raises ``Unexpected`` for any other status."""
        if self.status not in statuses:
            raise Unexpected(f"{told(self.response)} instead of {' or '.join(map(str, statuses))}")
        return self.body if self.response.content else {}

    def must_be_error(self, status: int, scim_type: str | None = None) -> dict[str, Any]:
        """Its Error body (RFC 7644 section 3.12); raises ``Unexpected``."""
        body = self.must_be(status)
        need(ERROR in body.get("schemas", ()), f"{told(self.response)}, and no Error body")
        need(body.get("status") == str(status), f'the Error body\'s status is {body.get("status")!r}, not "{status}"')
        need(bool(body.get("detail")), "the Error body has no detail")
        if scim_type is not None:
            need(body.get("scimType") == scim_type, f"scimType is {body.get('scimType')!r} instead of {scim_type!r}")
        return body


def need(truth: bool, saw: str) -> None:
    """Raise ``Unexpected(saw)`` unless ``truth``."""
    if not truth:
        raise Unexpected(saw)


def need_list(body: dict[str, Any], *, total: int | None = None, start: int = 1) -> None:
    """Raise ``Unexpected`` unless ``body`` is a ListResponse: ``total`` matches, the page that begins at ``start``."""
    need(LIST in body.get("schemas", ()), "the answer is no ListResponse")
    for name in ("totalResults", "startIndex", "itemsPerPage"):
        value = body.get(name)
        need(type(value) is int, f"{name} is {value!r}, not an integer")
    need(isinstance(body.get("Resources"), list), "Resources is missing, or no list")
    need(body["startIndex"] == start, f"startIndex is {body['startIndex']}, asked was {start}")
    found = body["totalResults"]
    need(total is None or found == total, f"totalResults is {found} instead of {total}")


def json_of(response: requests.Response) -> Any:
    """The JSON in an answer; None where there is none."""
    try:
        return response.json()
    except ValueError:
        return None


def told(response: requests.Response) -> str:
    """An answer in words: ``PATCH /scim/v2/Users/7 answered 404 "there is no user 7"``."""
    request = response.request
    body = json_of(response)
    words = body.get("detail") if isinstance(body, dict) else None
    if words is None and response.status_code >= 400:
        words = " ".join(response.text[:_QUOTED].split())
    quoted = f' "{words}"' if words else ""
    return f"{request.method} {request.path_url} answered {response.status_code}{quoted}"
