"""A body comes back as it went in, for as long as it is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_bridge.journal.pack import pack, unpack

CREATE = (
    b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"grace.hopper@navy.example",'
    b'"name":{"givenName":"Grace","familyName":"Hopper"},"emails":[{"primary":true,"value":"grace.hopper@navy.example",'
    b'"type":"work"}],"displayName":"Grace Hopper","externalId":"00ujl29u0le5T6Aj10h7","active":true}'
)


@given(st.binary(max_size=300), st.booleans())
def test_what_is_packed_comes_back(raw: bytes, is_cut: bool) -> None:
    assert unpack(pack(raw, is_cut=is_cut)) == (raw, is_cut)


def test_a_create_shrinks_to_less_than_half() -> None:
    packed = pack(CREATE)
    assert unpack(packed) == (CREATE, False)
    assert len(packed) < len(CREATE) / 2


def test_a_body_that_the_first_release_packed_can_be_read() -> None:
    assert unpack(bytes.fromhex("01231c42381315520a4a2f02fa522f23bf0018620e798965957aa91500")) == (CREATE[:90], False)


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        pytest.param(b"\x09abc", "form 9, which this version does not know", id="a-later-form"),
        pytest.param(b"\x01\xff\xff", "damaged", id="damaged"),
    ],
)
def test_what_cannot_be_unpacked_says_why(packed: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unpack(packed)


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    raw = bytes(range(256))
    assert pack(raw) == b"\0" + raw
