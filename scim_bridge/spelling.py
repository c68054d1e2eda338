"""What somebody probably meant, for messages that name a thing which is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from scim_bridge.folding import name_key

_LONGEST = 100  # difflib takes quadratic time
_BEGINNING = 3  # letters from which on the beginning of a word stands for it
_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most like, ignoring case; None where none is close."""
    by_key = {name_key(name): name for name in known}
    key = name_key(word[:_LONGEST])
    begun = [name for name in by_key if len(key) >= _BEGINNING and name.startswith(key)]
    found = difflib.get_close_matches(key, by_key, n=1, cutoff=0.6) or begun
    return by_key[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Advice: the nearest known word, else the words there are."""
    names = list(known)
    close = nearest(word, names)
    if close:
        return f'did you mean "{close}"?'
    if not names:
        return "there are none"
    return f"known are {', '.join(names[:_LISTED])}" + (", ..." if len(names) > _LISTED else "")
