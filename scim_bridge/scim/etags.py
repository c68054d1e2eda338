"""Versions as entity-tags, and the conditions that a request may set on them (RFC 7644 section 3.14). Pure.

A tag is weak and says what its answer shows: ``W/"7"`` for the seventh version stored, and for a user whose
groups are shown ``W/"7.1f0c66a2"`` with a digest of them. So a GET can never answer 304 over groups that
have changed, and a membership needs no write to the user's row. Groups are readOnly on a user: no write
to a user can overwrite them, so a write compares the part before the dot alone, and a push of members
between a client's GET and its PUT costs that client nothing.

    header        | GET                              | PUT, PATCH, DELETE
    --------------+----------------------------------+-----------------------------------
    If-Match      | 412 if no tag in it is this one  | 412 if no tag in it has this version
    If-None-Match | 304 if a tag in it is this one   | 412 if a tag in it has this version

``*`` stands for every tag. A POST makes something new: there is nothing yet that could match. A header that
cannot be read is refused (400): a guard that is silently ignored is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from scim_bridge.scim.refusals import invalid_value

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')  # RFC 9110 section 8.8.3


def tag(version: int, shown: Iterable[tuple[str, str]] = ()) -> str:
    """The tag of a resource at ``version``; ``shown`` are the parts of it (id, name) that other rows hold."""
    parts = "".join(f"{key}\0{name}\0" for key, name in shown)
    digest = f".{blake2b(parts.encode(), digest_size=8).hexdigest()}" if parts else ""
    return f'W/"{version}{digest}"'


def names(header: str, header_name: str, tag: str) -> bool:
    """Whether a list of tags, or ``*``, names this one (weak comparison). Raises Refused invalidValue."""
    return _opaque(tag) in _tags(header, header_name, tag)


def names_version(header: str, header_name: str, tag: str) -> bool:
    """Whether a list of tags, or ``*``, names the version of this one, whatever else it shows. Raises Refused."""
    return _version(_opaque(tag)) in map(_version, _tags(header, header_name, tag))


def _tags(header: str, header_name: str, tag: str) -> list[str]:
    """The opaque parts of the tags in a header; ``*`` is ``tag`` itself."""
    if header.strip() == "*":
        return [_opaque(tag)]
    found = _TAG.findall(header)
    between = {part.strip() for part in _TAG.sub("*", header).split(",")}
    if not found or not between <= {"*", ""} or "*" in _TAG.sub("", header):
        raise invalid_value(
            f"{header_name} is no list of entity-tags", advice=f'send {header_name}: W/"7", as meta.version says it'
        )
    return found


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')


def _version(opaque: str) -> str:
    return opaque.partition(".")[0]
