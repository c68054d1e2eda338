"""HTTP as bytes: what a client library would never send, and what came back for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from suite_kit import Live

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def head(live: Live, method: str, path: str, *lines: str, length: int | None = None) -> bytes:
    """The head of a request with the source's token; ``lines`` are header lines as they are sent."""
    all_lines = [
        f"{method} /scim/v2{path} HTTP/1.1",
        "Host: bridge",
        f"Authorization: Bearer {live.token}",
        *(
            []
            if any(line.lower().startswith("content-type") for line in lines)
            else ["Content-Type: application/scim+json"]
        ),
        *([] if length is None else [f"Content-Length: {length}"]),
        *lines,
    ]
    return "\r\n".join([*all_lines, "", ""]).encode("latin-1")


def exchange(live: Live, raw: bytes, *, ends: bool = True) -> list[Answer]:
    """Send bytes on a connection of their own, and read every answer until the bridge closes it.

    ``ends``: the client says that nothing more comes, as one that gave up does.
    """
    with socket.create_connection(("127.0.0.1", live.bridge.port), timeout=20) as connection:
        connection.sendall(raw)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as reader:
            return list(_answers(reader))


def post(live: Live, path: str, body: bytes, *lines: str, method: str = "POST") -> Answer:
    """One whole request whose body is bytes."""
    raw = head(live, method, path, "Connection: close", *lines, length=len(body)) + body
    (answer,) = exchange(live, raw, ends=False)
    return answer


def assert_error(answer: Answer, status: int, scim_type: str | None = None) -> None:
    """An Error body as RFC 7644 section 3.12 wants it."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"].partition(";")[0] == "application/scim+json"
    body = answer.json()
    assert (body["schemas"], body["status"], body.get("scimType")) == ([ERROR], str(status), scim_type)
    assert body["detail"]


def _answers(reader: BufferedReader) -> Iterator[Answer]:
    try:
        while line := reader.readline():
            status = int(line.split()[1])
            headers = dict(_headers(reader))
            body = reader.read(int(headers["content-length"])) if "content-length" in headers else b""
            yield Answer(status, headers, body)
    except ConnectionResetError:
        return  # it was cut with our bytes still unread


def _headers(reader: BufferedReader) -> Iterator[tuple[str, str]]:
    while (line := reader.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()
