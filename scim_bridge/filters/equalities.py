"""The filters that providers send all day, read by one regular expression instead of the grammar.

``userName eq "a@b.c"``, ``emails[type eq "work"].value eq "a@b.c"``, ``id eq "1" and manager eq "2"``: equalities of
texts without escapes. The tree is the one that the grammar makes (a test holds both together); all else, and every
error, is the grammar's.
"""

from __future__ import annotations

import re
from typing import Final

from scim_bridge.filters.tree import And, AttributePath, Compare, Filter, ValuePath

_NAME = r"(?!(?:eq|ne|co|sw|ew|pr|gt|ge|lt|le|and|or|not|true|false|null)\b(?!-))[a-z][a-z0-9_-]*"
_URN = r"[a-z]+:[a-z0-9:._-]+(?=:)"
_TEXT = r'"([^"\\\x00-\x1f\ud800-\udfff]*)"'
_EQ = r"[ \t]+eq[ \t]+"
_TERM = rf"(?:({_URN}):)?({_NAME})(?:\.({_NAME}))?{_EQ}{_TEXT}"
_ELEMENT = rf"({_NAME})\[({_NAME}){_EQ}{_TEXT}\]\.({_NAME}){_EQ}{_TEXT}"
_TERMS: Final = re.compile(rf"{_TERM}(?:[ \t]+and[ \t]+{_TERM})?", re.IGNORECASE | re.ASCII)
_IN_ELEMENT: Final = re.compile(_ELEMENT, re.IGNORECASE | re.ASCII)
_LONGEST = 2048


def read_equalities(text: str) -> Filter | None:
    """The tree of ``text`` if it is of these plain forms, else None."""
    if len(text) > _LONGEST:
        return None
    found = _TERMS.fullmatch(text)
    if found is not None:
        urn, name, sub, value, urn2, name2, sub2, value2 = found.groups()
        first = Compare(AttributePath(urn, name, sub), "eq", value)
        if name2 is None:
            return first
        return And((first, Compare(AttributePath(urn2, name2, sub2), "eq", value2)))
    found = _IN_ELEMENT.fullmatch(text)
    if found is None:
        return None
    name, inner, chosen, sub, value = found.groups()
    where = Compare(AttributePath(None, inner), "eq", chosen)
    return ValuePath(AttributePath(None, name), where, Compare(AttributePath(None, sub), "eq", value))
