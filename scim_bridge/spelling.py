"""What somebody probably meant, for messages that name a thing which is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice

from scim_bridge.folding import name_key

_LONGEST = 100  # difflib takes quadratic time
_BEGINNING = 3  # letters from which on the beginning of a word stands for it
_LISTED = 12
_COMPARED = 200  # of more words only those are held against it that begin or end alike, and no more than these
_ALIKE = 3  # letters


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most like, ignoring case; None where none is close."""
    by_key = _by_key(tuple(known))
    key = name_key(word[:_LONGEST])
    alike: Iterable[str] = by_key
    if len(by_key) > _COMPARED:
        head, tail = key[:_ALIKE], key[-_ALIKE:]
        alike = islice((name for name in by_key if name.endswith(tail) or name.startswith(head)), _COMPARED)
    found = difflib.get_close_matches(key, alike, n=1, cutoff=0.6) or [
        name for name in by_key if len(key) >= _BEGINNING and name.startswith(key)
    ]
    return by_key[found[0]] if found else None


@lru_cache(maxsize=16)
def _by_key(known: tuple[str, ...]) -> Mapping[str, str]:
    return {name_key(name): name for name in known}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Advice: the nearest known word, else the words there are."""
    names = list(known)
    close = nearest(word, names)
    if close:
        return f'did you mean "{close}"?'
    if not names:
        return "there are none"
    return f"known are {', '.join(names[:_LISTED])}" + (", ..." if len(names) > _LISTED else "")
