"""No secret reaches the journal, and nothing else is taken away."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.journal.redact import KEPT_BYTES, redact_body, redact_target

MANY = ",".join(f'{{"value":"{number:036}"}}' for number in range(2_000))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"userName": "ada@example.com",  "active":true}', id="mail-addresses-and-blanks-stay"),
        pytest.param(b'{"op":"add","path":"members","value":[]}', id="a-path-to-members"),
        pytest.param('{"displayName":"Zoë Straße"}'.encode(), id="other-alphabets"),
        pytest.param(b'{"displayName":"line\\nbreak \\u00e9"}', id="harmless-escapes"),
        pytest.param(b'{"$ref":"https://bridge.example/scim/v2/Users/1","a":"b@c"}', id="an-address-of-the-web"),
    ],
)
def test_what_tells_of_no_secret_stays_as_it_was_sent(body: bytes) -> None:
    assert redact_body(body, is_json=True) == body


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(b'{"a":1, "password" : "x\\"y", "b":2}', b'{"a":1, "password" : "[secret]", "b":2}', id="a-key"),
        pytest.param(b'{"PassWord":"x","password":"y"}', b'{"PassWord":"[secret]","password":"[secret]"}', id="twice"),
        pytest.param(b'{"client_secret":"x"}', b'{"client_secret":"[secret]"}', id="the-end-of-a-key"),
        pytest.param(b'{"passwordHash":"x"}', b'{"passwordHash":"[secret]"}', id="a-part-of-a-key"),
        pytest.param(b'{"password":["x"],"a":"b"}', b'{"password":"[secret]","a":"b"}', id="a-list"),
        pytest.param(b'{"token":{"value":"x"}}', b'{"token":"[secret]"}', id="an-object"),
        pytest.param(b'{"password":12345}', b'{"password":"[secret]"}', id="a-number"),
        pytest.param(b'{"pass\\u0077ord":"x"}', b'{"password":"[secret]"}', id="an-escaped-key"),
        pytest.param('{"paſſword":"x"}'.encode(), '{"paſſword":"[secret]"}'.encode(), id="a-key-that-folds"),
        pytest.param(
            b'{"op":"replace","value":"x","path":"password"}',
            b'{"op":"replace","value":"[secret]","path":"password"}',
            id="a-path",
        ),
        pytest.param(
            b'{"Path":"urn:ietf:params:scim:schemas:core:2.0:User:password","Value":["x"]}',
            b'{"Path":"urn:ietf:params:scim:schemas:core:2.0:User:password","Value":"[secret]"}',
            id="a-path-with-its-schema",
        ),
        pytest.param(
            b'{"path":"a","path":"password","value":"x","value":"y"}',
            b'{"path":"password","value":"[secret]"}',
            id="a-path-that-comes-twice",
        ),
        pytest.param(b'{"filter":"password eq \\"x\\""}', b'{"filter":"password eq [secret]"}', id="a-filter"),
        pytest.param(b'{"title":"Bearer abcdefgh12"}', b'{"title":"[secret]"}', id="a-bearer-token"),
        pytest.param(b'{"title":"scb-0a-0b"}', b'{"title":"[secret]"}', id="a-token-of-ours"),
        pytest.param(b'{"a":"-----BEGIN RSA KEY-----x"}', b'{"a":"[secret]"}', id="a-key-file"),
        pytest.param(b'{"a":"https://u:pw@x.y/"}', b'{"a":"https://[secret]@x.y/"}', id="an-address-with-a-password"),
    ],
)
def test_a_secret_is_replaced(sent: bytes, kept: bytes) -> None:
    assert redact_body(sent, is_json=True) == kept


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"displayName":"Token admins"}', id="in-a-name"),
        pytest.param(b'{"path":"members[display eq \\"Token admins\\"]","value":1}', id="in-a-value-of-a-path"),
        pytest.param(b'{"displayName":"Hughes"}', id="a-name-that-looks-like-a-sign"),
    ],
)
def test_a_telling_word_that_is_no_secret_changes_nothing(body: bytes) -> None:
    assert redact_body(body, is_json=True) == body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"password":"x', id="json-that-breaks-off"),
        pytest.param(b"userName=ada&password=x", id="a-form"),
        pytest.param('{"password":"x"}'.encode("utf-16"), id="another-encoding"),
        pytest.param(b"\x1f\x8b\x08\x00password", id="packed"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b'{"password":' + b"[" * 100_000, id="too-deep"),
        pytest.param(b'{"token":[%b],"password":"x"}' % MANY.encode(), id="told-of-beyond-what-is-kept"),
        pytest.param(b'{"value":"x","a":[%b],"path":"p\\u0061ssword"}' % MANY.encode(), id="told-of-there-in-disguise"),
    ],
)
def test_what_cannot_be_read_and_may_hold_a_secret_is_not_kept(body: bytes) -> None:
    assert redact_body(body, is_json=False).startswith(b"[not kept: it may hold a secret, and it is ")


def test_no_json_without_a_telling_word_is_kept_for_whoever_looks_for_the_mistake() -> None:
    assert redact_body(b"{'userName': 'ada'}", is_json=False) == b"{'userName': 'ada'}"


def test_json_that_was_refused_is_looked_through_too() -> None:
    assert redact_body(b'{"password":"x"}', is_json=False) == b'{"password":"[secret]"}'


def test_of_a_large_body_the_beginning_is_kept() -> None:
    body = b'{"members":[%b]}' % MANY.encode()
    assert redact_body(body, is_json=True) == body[:KEPT_BYTES]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"title": "password" * 7_500}, id="many-words"),
        pytest.param({"path": '\\"' * 15_000, "value": "token"}, id="many-quotes"),
        pytest.param({"title": "token ://" + ":" * 60_000}, id="many-colons"),
    ],
)
def test_no_body_takes_long(body: dict[str, str]) -> None:
    began_s = process_time()
    redact_body(json.dumps(body).encode(), is_json=True)
    assert process_time() - began_s < 1


def test_so_long_a_path_may_tell_of_a_secret() -> None:
    body = {"path": "x" * 1_001, "value": "correct horse", "a": "token"}
    assert json.loads(redact_body(json.dumps(body).encode(), is_json=True))["value"] == "[secret]"


LETTERS = "".join(chr(code) for code in range(0x4E00, 0x4E80))  # no part of any body below
PASSWORDS = st.text(LETTERS + '"\\/\n\t{}[]:,', min_size=3, max_size=40).filter(
    lambda text: any(letter in LETTERS for letter in text)
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["ada", 'a"b', "\\", "password", "x: y", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcé"), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, str]:
    """JSON text with a password somewhere in it, and the password."""
    password = draw(PASSWORDS)
    key = draw(st.sampled_from(["password", "PASSWORD", "passWord", "urn:x:User:password", "clientSecret", "token"]))
    holder: Any = draw(
        st.sampled_from(
            [
                {key: password},
                {key: [password, {"a": password}]},
                {"op": "replace", "value": {key: password}},
                {"op": "Replace", "path": key, "value": password},
                {"value": {"b": password}, "op": "add", "PATH": f"x.{key}"},
            ]
        )
    )
    for _ in range(draw(st.integers(0, 3))):
        holder = draw(st.sampled_from([{"a": holder, "b": draw(PLAIN)}, [draw(PLAIN), holder]]))
    body = {"schemas": draw(PLAIN), "Operations": holder, "c": draw(PLAIN)}
    text = json.dumps(body, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    return text, password


@given(bodies(), st.booleans())
def test_no_three_characters_of_a_password_are_left_and_json_stays_json(made: tuple[str, str], is_json: bool) -> None:
    text, password = made
    kept = redact_body(text.encode(), is_json=is_json)
    json.loads(kept)
    shown = kept.decode() + json.dumps(json.loads(kept), ensure_ascii=False)
    for at in range(len(password) - 2):
        piece = password[at : at + 3]
        if any(letter in LETTERS for letter in piece):
            assert piece not in shown
            assert json.dumps(piece)[1:-1] not in shown


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ('/Users?filter=userName eq "ada@example.com"&count=1', '/Users?filter=userName eq "ada@example.com"&count=1'),
        ('/Users?filter=displayName eq "Token admins"', '/Users?filter=displayName eq "Token admins"'),
        ('/Users?filter=password eq "hunter2"', "/Users?filter=password eq [secret]"),
        ("/Users?access_token=hunter2&count=1", "/Users?access_token=[secret]"),
        ("/Users/\0", "/Users/\ufffd"),
    ],
)
def test_a_query_is_redacted_as_well(asked: str, kept: str) -> None:
    assert redact_target(asked) == kept


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | PLAIN.map(json.dumps).map(str.encode))
def test_whatever_is_sent_something_is_kept(raw: bytes) -> None:
    kept = redact_body(raw + b'"password"', is_json=False)
    assert kept.startswith(b"[not kept") or json.loads(kept) is not None


@given(st.text(max_size=100))
def test_whatever_is_asked_can_be_stored(target: str) -> None:
    assert "\0" not in redact_target(target)
