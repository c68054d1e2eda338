"""A dateTime as a moment: microseconds since 1970, the same in memory and in both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

PATTERN: Final = (
    r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?"
)
"""RFC 7643 section 2.3.5, in upper case; seconds and zone (then UTC) may be left out. Any month may have 31 days."""

_FORM = re.compile(PATTERN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str) -> int | None:
    """Microseconds since 1970 (what is finer is cut off), or None where ``text`` is no dateTime."""
    upper = text.upper()
    if not _FORM.fullmatch(upper):
        return None
    try:
        found = datetime.fromisoformat(upper)
    except ValueError:  # no such day
        return None
    return ((found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
