"""A body as the journal keeps it: one byte that says how, then the bytes. Pure.

SCIM bodies are small and much alike, so deflate starts from a dictionary of what they have in common: a create of
400 bytes becomes about 120, in about 5 µs (a window of 4 KiB: setting up the usual 32 KiB costs 50). What
is kept must be readable for as long as it is kept: a changed dictionary gets a number of its own, beside the old one.

first byte | rest
-----------+---------------------------------------
0          | as it is: packed it would be no smaller
1          | deflate, begun with ``_DICTIONARIES[1]``
+ 128      | the body was longer; this is its beginning
"""

from __future__ import annotations

import zlib
from typing import Final

_WORTH_BYTES = 48  # below that the header and a hash chain buy nothing
_CUT = 128
_WINDOW_BITS = -12  # 4 KiB, no header
_NEWEST = 1
_DICTIONARIES: Final = {
    1: b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"there is no user'
    b'"status":"409","detail":"userName is taken","scimType":"uniqueness""status":"400","scimType":"invalidValue"'
    b'"meta":{"resourceType":"Group","created":"2026-11-","lastModified":"2026-","location":"https://'
    b'"urn:ietf:params:scim:schemas:core:2.0:Group","displayName":""roles":[{"primary":true,"type":'
    b'"WindowsAzureActiveDirectoryRole","value":""}],"phoneNumbers":[{"type":"mobile","value":"+"},"addresses":['
    b'{"type":"work","formatted":"","streetAddress":"","locality":"","region":"","postalCode":"","country":""}],'
    b'"title":"","preferredLanguage":"en-US","locale":"en-US","timezone":"Europe/","userType":"Employee",'
    b'"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"","costCenter":"",'
    b'"organization":"","division":"","department":"","manager":{"value":""}},"nickName":"","profileUrl":"https://'
    b'{"op":"Replace","path":"emails[type eq \\"work\\"].value","value":"{"op":"replace","value":{"active":false}}]}'
    b'{"op":"Replace","path":"displayName","value":"{"op":"Replace","path":"active","value":"False"}]}'
    b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"00u","userName":"","name":{'
    b'"formatted":"","givenName":"","familyName":""},"emails":[{"primary":true,"value":"@example.com","type":"work"}],'
    b'"displayName":"","active":true,"groups":[],"password":"[secret]","meta":{"resourceType":"User"}}'
    b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":'
    b'"members[value eq \\""]},{"op":"replace","path":"members","value":[]},{"op":"Add","path":"members",'
    b'"value":[{"$ref":null,"value":""},{"op":"add","path":"members","value":[{"value":"","display":"',
}


def pack(raw: bytes, *, is_cut: bool = False) -> bytes:
    """``raw`` in as few bytes as are worth the time."""
    form = 0
    if len(raw) >= _WORTH_BYTES:
        deflate = zlib.compressobj(level=1, wbits=_WINDOW_BITS, memLevel=5, zdict=_DICTIONARIES[_NEWEST])
        smaller = deflate.compress(raw) + deflate.flush()
        if len(smaller) < len(raw):
            form, raw = _NEWEST, smaller
    return bytes([form + _CUT * is_cut]) + raw


def unpack(packed: bytes) -> tuple[bytes, bool]:
    """What was packed, and whether it is only the beginning. Raises ValueError where the bytes are damaged."""
    form, rest = packed[0] % _CUT, packed[1:]
    if form == 0:
        return rest, packed[0] >= _CUT
    if form not in _DICTIONARIES:
        raise ValueError(f"packed in form {form}, which this version does not know")
    inflate = zlib.decompressobj(wbits=_WINDOW_BITS, zdict=_DICTIONARIES[form])
    try:
        return inflate.decompress(rest), packed[0] >= _CUT
    except zlib.error as error:
        raise ValueError("the packed bytes are damaged") from error
