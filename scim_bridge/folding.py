"""When two texts are the same text: one notion for tables, rules and filters.

Case-folding (not lower-casing) is what SCIM's ``caseExact: false`` asks for: ``STRASSE`` is ``straße``. Names
that people type are put into NFC first, because macOS and Windows keyboards spell ``é`` differently.
"""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """``text`` as it compares where case does not count (RFC 7643 section 2.2)."""
    return text.casefold()


def name_key(text: str) -> str:
    """The key of a name that people type: NFC, then case-folded. Never shorter than the NFC form."""
    return unicodedata.normalize("NFC", text).casefold()
