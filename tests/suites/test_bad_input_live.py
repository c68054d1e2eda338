"""Bad input over a real socket: an Error body with the right status, nothing written, and the bridge goes on.

What HTTP itself forbids never reaches the application: the web server's worker answers it alike, and hangs up.
"""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from suite_kit import PATCH, USER, Live
from wire import assert_error, exchange, head, post

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SECRET = "correct horse"


@pytest.fixture
def ada(live: Live) -> Any:
    """A user whose group is there, too; whatever was refused must have left both alone."""
    user = live.user(f"{uuid4().hex}@example.com", title="Analyst", password=SECRET)
    group = live.group("Bad input", user["id"])
    user = live.get(f"/Users/{user['id']}")
    totals = _totals(live)
    yield user
    try:
        assert live.get(f"/Users/{user['id']}") == user
        assert live.get(f"/Groups/{group['id']}") == group
        assert _totals(live) == totals
    finally:
        for path in (f"/Groups/{group['id']}", f"/Users/{user['id']}"):
            live.send("DELETE", path)


def _search(text: str) -> bytes:
    return json.dumps({"schemas": [SEARCH], "filter": text}).encode()


def _totals(live: Live) -> list[int]:
    return [live.get(f"/{kind}?count=0")["totalResults"] for kind in ("Users", "Groups")]


BODIES = [
    pytest.param(rb'{"userName":"a\u0000b"}', "invalidValue", id="nul"),
    pytest.param(rb'{"userName":"a\u001bb"}', "invalidValue", id="control-character"),
    pytest.param(b'{"userName":"a\x01b"}', "invalidSyntax", id="raw-control-character"),
    pytest.param(rb'{"userName":"\ud800"}', "invalidValue", id="lone-surrogate"),
    pytest.param(b'{"userName":"\xed\xa0\x80"}', "invalidSyntax", id="raw-surrogate"),
    pytest.param(rb'{"user\ud800Name":"a"}', "invalidValue", id="lone-surrogate-in-a-name"),
    pytest.param(b'{"userName":"a","userName":"b"}', "invalidSyntax", id="duplicate-name"),
    pytest.param(
        b'{"userName":"a","name":{"givenName":"b","givenName":"c"}}', "invalidSyntax", id="duplicate-name-inside"
    ),
    pytest.param(b'{"userName":"a","name":{"givenName":"b","GIVENNAME":"c"}}', "invalidSyntax", id="two-cases-inside"),
    pytest.param(b'{"userName":"a","%s:userName":"b"}' % USER.encode(), "invalidSyntax", id="with-and-without-urn"),
    pytest.param(b'{"userName":"a","USERNAME":"b"}', "invalidSyntax", id="duplicate-name-in-another-case"),
    pytest.param(b'{"userName":"a","active":' + b"9" * 30 + b"}", "invalidValue", id="number-beyond-64-bits"),
    pytest.param(b'{"userName":' + b"9" * 30 + b"}", "invalidValue", id="number-as-text"),
    pytest.param(b'{"userName":' + b"9" * 9000 + b"}", "invalidSyntax", id="number-of-9000-digits"),
    pytest.param(b'{"userName":"a","active":1e999}', "invalidValue", id="infinite-number"),
    pytest.param(b'{"userName":"a","active":NaN}', "invalidSyntax", id="not-a-number"),
    pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "invalidSyntax", id="deep"),
    pytest.param(b"[" * 500_000, "invalidSyntax", id="very-deep"),
    pytest.param(b'{"userName":"' + b"a" * 1_000_000 + b'"}', "invalidValue", id="a-million-characters"),
    pytest.param('{"userName":"a"}'.encode("utf-16"), "invalidSyntax", id="utf-16"),
    pytest.param(b'{"userName":"a"', "invalidSyntax", id="cut"),
    pytest.param(b'{"userName":"a"}{"userName":"b"}', "invalidSyntax", id="two-objects"),
    pytest.param(b"", "invalidSyntax", id="empty"),
]


@pytest.mark.parametrize(("body", "scim_type"), BODIES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_bad_body_is_400(live: Live, ada: Any, method: str, body: bytes, scim_type: str) -> None:
    path = "/Users" if method == "POST" else f"/Users/{ada['id']}"
    assert_error(post(live, path, body, method=method), 400, scim_type)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(rb'"a\u0000b"', id="nul"),
        pytest.param(rb'"\ud800"', id="lone-surrogate"),
        pytest.param(b"1e999", id="infinite-number"),
        pytest.param(b"9" * 30, id="number-beyond-64-bits"),
        pytest.param(b'{"a":1}', id="object"),
        pytest.param(b'["a","b"]', id="list"),
    ],
)
@pytest.mark.parametrize("path", ["title", "userName", f"{ENTERPRISE}:department"])
def test_a_bad_value_in_a_patch_is_400(live: Live, ada: Any, path: str, value: bytes) -> None:
    body = b'{"schemas":["%s"],"Operations":[{"op":"replace","path":"nickName","value":"first"},' % PATCH.encode()
    body += b'{"op":"replace","path":"%s","value":%s}]}' % (path.encode(), value)
    assert_error(post(live, f"/Users/{ada['id']}", body, method="PATCH"), 400, "invalidValue")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("(" * 900 + 'userName eq "a"' + ")" * 900, "invalidFilter", id="parentheses"),
        pytest.param("not (" * 300 + 'userName eq "a"' + ")" * 300, "invalidFilter", id="not"),
        pytest.param("emails[" * 500, "invalidFilter", id="brackets"),
        pytest.param(" or ".join(["id pr"] * 300), "invalidFilter", id="terms"),
        pytest.param(r'userName eq "\u0000"', "invalidFilter", id="nul"),
        pytest.param(r'userName eq "\ud800"', "invalidFilter", id="lone-surrogate"),
    ],
)
def test_a_filter_has_limits(live: Live, text: str, reason: str) -> None:
    answer = exchange(live, head(live, "GET", f"/Users?filter={quote(text)}"))[0]
    assert_error(answer, 400, reason)
    assert_error(post(live, "/Users/.search", _search(text)), 400, reason)


def test_a_search_by_post_has_the_same_limit_of_length(live: Live) -> None:
    text = 'userName eq "' + "a" * 500_000 + '"'
    assert_error(post(live, "/Users/.search", _search(text)), 400, "invalidFilter")


@pytest.mark.parametrize(
    "text",
    [
        f'password eq "{SECRET}"',
        'password sw "c"',
        "password pr",
        "not (PASSWORD pr)",
        'userName eq "x" or password co "o"',
        f'{USER}:password eq "{SECRET}"',
    ],
)
def test_a_filter_on_password_is_refused(live: Live, ada: Any, text: str) -> None:
    for answer in (
        exchange(live, head(live, "GET", f"/Users?filter={quote(text)}"))[0],
        post(live, "/Users/.search", _search(text)),
    ):
        assert answer.status == 400, answer.body
        assert answer.json()["scimType"] in ("invalidFilter", "sensitive")


@pytest.mark.parametrize(
    "path", ["emails[" * 300, "(" * 500, "a" * 20_000, "emails[" + "not (" * 200 + "value pr" + ")" * 200 + "]"]
)
def test_a_patch_path_has_limits(live: Live, ada: Any, path: str) -> None:
    answer = live.patch(f"/Users/{ada['id']}", {"op": "replace", "path": path, "value": "x"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["scimType"] in ("invalidPath", "invalidFilter")


@pytest.mark.parametrize(
    "query", ["startIndex=" + "9" * 40, "count=" + "9" * 40, "startIndex=-" + "9" * 40, "count=1e3", "count=%D9%A1"]
)
def test_a_number_beyond_64_bits_in_a_query_is_no_500(live: Live, query: str) -> None:
    answer = exchange(live, head(live, "GET", f"/Users?{query}"))[0]
    assert answer.status == 200 or answer.json()["scimType"] in ("invalidValue", "invalidCount")


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Content-Type: text/plain",
            "Content-Type: application/x-www-form-urlencoded",
            "Content-Type: multipart/form-data",
        ),
        *("Content-Type: application/xml", "Content-Type: ", "Content-Type: application/scim+json; charset=utf-16"),
        *("Content-Type: application/json; charset=iso-8859-1", "Content-Encoding: gzip"),
    ],
)
def test_a_body_that_cannot_be_json_in_utf_8_is_415(live: Live, ada: Any, line: str) -> None:
    body = b'{"userName":"a"}'
    assert_error(post(live, "/Users", body, line), 415)
    assert_error(post(live, f"/Users/{ada['id']}", body, line, method="PUT"), 415)
    assert_error(post(live, f"/Users/{ada['id']}", body, line, method="PATCH"), 415)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Users", {"GET", "POST"}),
        ("PATCH", "/Groups", {"GET", "POST"}),
        ("POST", "/Users/x", {"GET", "PUT", "PATCH", "DELETE"}),
        ("TRACE", "/Users", {"GET", "POST"}),
        ("BREW", "/Groups", {"GET", "POST"}),
        ("DELETE", "/ServiceProviderConfig", {"GET"}),
        ("POST", "/Schemas", {"GET"}),
        ("PUT", "/ResourceTypes", {"GET"}),
        ("GET", "/Bulk", {"POST"}),
        ("DELETE", "/.search", {"POST"}),
    ],
)
def test_another_verb_is_405_and_allow_names_those_that_are_possible(
    live: Live, ada: Any, method: str, path: str, allowed: set[str]
) -> None:
    answer = exchange(live, head(live, method, path))[0]
    assert_error(answer, 405)
    assert set(answer.headers["allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Bulk"])
def test_a_body_above_the_limit_is_413(live: Live, ada: Any, path: str) -> None:
    limit = (1 if path == "/Users" else 16) * 1024 * 1024
    body = b'{"displayName":"' + b"a" * limit + b'"}'
    answer = live.send("POST", path, data=body)  # requests keeps reading while it sends, as a client of HTTP should
    assert (answer.status_code, answer.json()["status"]) == (413, "413")


def test_a_bulk_has_a_limit_of_operations(live: Live, ada: Any) -> None:
    limit = live.get("/ServiceProviderConfig")["bulk"]["maxOperations"]
    operation = {"method": "POST", "path": "/Users", "bulkId": "x", "data": {"userName": "bulk"}}
    answer = live.send("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation] * (limit + 1)})
    assert (answer.status_code, answer.json()["status"]) == (413, "413")


def test_a_deep_operation_in_a_bulk_is_400(live: Live, ada: Any) -> None:
    data = b'{"a":' * 200 + b"1" + b"}" * 200
    body = (
        b'{"schemas":["' + BULK.encode() + b'"],"Operations":[{"method":"POST","path":"/Users",'
        b'"bulkId":"x","data":' + data + b"}]}"
    )
    assert_error(post(live, "/Bulk", body), 400, "invalidSyntax")


def test_a_chunked_body_is_taken(live: Live) -> None:
    body = b'{"userName":"chunked@example.com"}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[at : at + 1]) for at in range(len(body))) + b"0\r\n\r\n"
    (answer,) = exchange(live, head(live, "POST", "/Users", "Transfer-Encoding: chunked") + chunks)
    assert answer.status == 201
    live.send("DELETE", f"/Users/{answer.json()['id']}")


BODY = b'{"userName":"wrong@example.com"}'


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(b"zz\r\n" + BODY + b"\r\n0\r\n\r\n", id="size-is-no-number"),
        pytest.param(b"-5\r\n" + BODY + b"\r\n0\r\n\r\n", id="size-below-zero"),
        pytest.param(b"f" * 20 + b"\r\n" + BODY + b"\r\n0\r\n\r\n", id="size-beyond-64-bits"),
        pytest.param(b"%x\r\n" % (len(BODY) + 9) + BODY, id="chunk-is-cut"),
        pytest.param(b"%x\r\n" % len(BODY) + BODY + b"\r\n", id="no-last-chunk"),
    ],
)
def test_wrong_chunks_are_400(live: Live, ada: Any, chunks: bytes) -> None:
    answers = exchange(live, head(live, "POST", "/Users", "Transfer-Encoding: chunked") + chunks)
    assert_error(answers[0], 400)


def test_chunks_count_towards_the_limit(live: Live, ada: Any) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    raw = head(live, "POST", "/Users", "Transfer-Encoding: chunked", "Connection: close") + chunk * 17 + b"0\r\n\r\n"
    assert_error(exchange(live, raw)[0], 413)


def test_a_body_shorter_than_its_content_length_is_400(live: Live, ada: Any) -> None:
    assert_error(exchange(live, head(live, "POST", "/Users", length=1000) + BODY)[0], 400)


def test_a_body_longer_than_its_content_length_is_400_and_the_rest_is_no_request(live: Live, ada: Any) -> None:
    answers = exchange(live, head(live, "POST", "/Users", length=10) + BODY)
    assert_error(answers[0], 400, "invalidSyntax")
    assert [answer.status for answer in answers[1:]] in ([], [400])


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Content-Length: -1"], id="length-below-zero"),
        pytest.param(["Content-Length: ten"], id="length-in-words"),
        pytest.param(["Content-Length: 32", "Content-Length: 33"], id="two-lengths"),
        pytest.param(["Content-Length: 5", "Transfer-Encoding: chunked"], id="length-and-chunks"),
        pytest.param(["Transfer-Encoding: gzip"], id="unknown-transfer-encoding"),
        pytest.param(["X-Nul: \x00"], id="nul-in-a-header"),
        pytest.param(["X-Long: " + "a" * 90_000], id="long-header"),
        pytest.param([f"X-{number}: 1" for number in range(500)], id="many-headers"),
        pytest.param([": nameless"], id="header-without-a-name"),
    ],
)
def test_a_head_that_is_no_http_is_refused_and_the_connection_closed(live: Live, ada: Any, lines: list[str]) -> None:
    (answer,) = exchange(live, head(live, "POST", "/Users", *lines) + BODY)
    assert answer.status in (400, 431)
    assert_error(answer, answer.status)


def test_an_address_that_is_too_long_is_414_and_says_what_to_do_instead(live: Live) -> None:
    (answer,) = exchange(live, head(live, "GET", f"/Users?filter={quote('userName eq ' + chr(34) + 'a' * 9_000)}"))
    assert_error(answer, 414)
    assert "POST /Users/.search" in answer.json()["detail"]


@pytest.mark.parametrize(
    "raw",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 500, b"{}"],
)
def test_what_is_no_request_at_all_is_refused(live: Live, ada: Any, raw: bytes) -> None:
    assert [answer.status // 100 for answer in exchange(live, raw)] in ([], [4])


def test_pipelined_requests_are_answered_in_order(live: Live) -> None:
    raw = head(live, "GET", "/Users?count=0") + head(live, "GET", "/Groups/nobody") + head(live, "GET", "/Schemas")
    assert [answer.status for answer in exchange(live, raw)] == [200, 404, 200]


def test_garbage_behind_a_request_leaves_its_answer_alone(live: Live, ada: Any) -> None:
    answers = exchange(live, head(live, "GET", f"/Users/{ada['id']}") + b"\x00\x01\x02 garbage\r\n\r\n" + BODY)
    assert (answers[0].status, answers[0].json()["id"]) == (200, ada["id"])
    assert [answer.status for answer in answers[1:]] in ([], [400])


def test_a_client_that_goes_away_before_its_answer_harms_nobody(live: Live) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", live.bridge.port)) as connection:
            connection.sendall(head(live, "GET", "/Users?count=1000"))
    assert live.send("GET", "/Users?count=0").status_code == 200
