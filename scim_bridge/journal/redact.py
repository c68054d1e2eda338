"""Take passwords and other secrets out of a request before it is kept. Pure.

Every create of Okta's carries a password, so the usual case must cost microseconds, and no case may leak:

1. No telling word anywhere: kept as it is. Most bodies end here, after a search for each word.
2. Every telling word ends the key of a text (``"password": "…"``), and the body is known to be JSON: the text is
   replaced, all else stays as it was sent.
3. Anything else (a PATCH path, an object as value, an escaped letter that may hide a word, a bearer token in some
   text): read, looked through and written anew.
4. What cannot be read and may hold a secret (no JSON, or the beginning of a larger one) is not kept at all.

The words answer "could a secret be here", not "is one here": a group called "Token admins" costs a reading and
stays as it is. What the operator's own schemas hide is replaced where it stands (``hidden``), which takes a reading
wherever its name occurs. Mail addresses are data and stay: the journal is in the database, not in a log.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from scim_bridge.journal.hidden import NOTHING_HIDDEN, Hidden
from scim_bridge.logs import without_secrets

KEPT_BYTES: Final = 64 * 1024
"""How much of a body is kept."""
SECRET: Final = "[secret]"  # noqa: S105  what stands in its place
_LEFT_OUT = "[not kept: it may hold a secret, and it is {}]"

_WORDS = ("password", "passwd", "secret", "token", "authorization")
_WORD_BYTES = tuple(word.encode() for word in _WORDS)
_LOWER = bytes(range(256)).lower()
_IN_NO_WORD = b"0123456789-"  # two thirds of an id; without them the search is over sooner
_STRANGE = ("\u017f".encode(), "\u212a".encode())  # they fold to s and k
_ESCAPED = re.compile(rb"\\u(?:00[2-7]|017[fF]|212[aA])")  # a letter that may be part of a word
_ESCAPED_LETTER = re.compile(rb"\\u(?:00[4-7]|017f|212a)")  # in lower case
_IN_URL = re.compile(rb"://[^/\s:@\"]*:[^/\s@\"]+@")
_VALUE = re.compile(rb'"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_COMPARED = re.compile(
    rf"((?:{'|'.join(_WORDS)})[^\s=]{{0,40}}?\s{{0,8}}(?:\b(?:eq|ne|co|sw|ew|gt|ge|lt|le)\b|=)\s*).*",
    re.IGNORECASE | re.DOTALL,
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONGEST_NAME = 1_000


def redact_body(raw: bytes, *, is_json: bool, hidden: Hidden = NOTHING_HIDDEN) -> bytes:
    """At most the first ``KEPT_BYTES`` of ``raw``, without secrets; JSON where the whole was JSON.

    ``is_json``: the body was read already, and is.
    """
    if len(raw) > KEPT_BYTES:
        rest = raw[KEPT_BYTES:].lower()
        if any(word in rest for word in _WORD_BYTES) or _ESCAPED_LETTER.search(rest) or _has_hidden(rest, hidden):
            # a path there may tell of a value here
            return _left_out("too large to be looked through")
        raw = raw[:KEPT_BYTES]
    low = raw.translate(_LOWER, _IN_NO_WORD)
    words = [word for word in _WORD_BYTES if word in low]
    if _has_sign(raw, low) or (hidden.words and _has_hidden(raw.lower(), hidden)):
        return _anew(raw, hidden)
    if not words:
        return raw if is_json or _is_utf8(raw) else _left_out("no text")
    if not is_json:
        return _anew(raw, hidden)
    return _without_values(raw, words) or _anew(raw, hidden)


def redact_target(target: str, hidden: Hidden = NOTHING_HIDDEN) -> str:
    """A path with its query, decoded, without secrets."""
    raw = target.encode("utf-8", "replace")
    low = raw.translate(_LOWER, _IN_NO_WORD)
    for word in _WORD_BYTES:
        if word in low:
            break
    else:
        if not _has_sign(raw, low) and not (hidden.words and _has_hidden(raw.lower(), hidden)):
            return target
    return _text(target, hidden).replace("\0", "\ufffd")  # which PostgreSQL does not take


def _has_sign(raw: bytes, low: bytes) -> bool:
    """Whether there may be a secret by its looks, or a word in disguise; one expression, for speed."""
    return (
        (b"bearer" in low or b"basic " in low or b"scb" in low or b"gh" in low or b"eyj" in low or b"begin " in low)
        or (b"\\" in raw and _ESCAPED.search(raw) is not None)
        or (b"/" in raw and _IN_URL.search(raw) is not None)
        or b"\0" in raw  # no UTF-8, or no JSON
        or (not raw.isascii() and (_STRANGE[0] in raw or _STRANGE[1] in raw))
    )


def _without_values(raw: bytes, words: list[bytes]) -> bytes | None:
    """``raw`` with the texts replaced whose keys end with ``words``; None where one of these is anything else."""
    low = raw.lower()
    values: list[tuple[int, int]] = []
    for word in words:
        at = low.find(word)
        while at >= 0:
            found = _VALUE.match(raw, at + len(word))
            if found is None:
                return None
            values.append(found.span(1))
            at = low.find(word, found.end())
    for begin, end in sorted(values, reverse=True):
        raw = b'%b"[secret]"%b' % (raw[:begin], raw[end:])
    return raw


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _left_out(why: str) -> bytes:
    return _LEFT_OUT.format(why).encode()


def _has_hidden(low: bytes, hidden: Hidden) -> bool:
    return any(word.encode() in low for word in hidden.words)


def _anew(raw: bytes, hidden: Hidden) -> bytes:
    try:
        body = _value(json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_Pairs), hidden)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    except (ValueError, RecursionError):
        return _left_out("no whole JSON")


class _Pairs(list[tuple[str, Any]]):
    """An object, each pair by itself, so that a key that comes twice hides nothing."""


def _object(pairs: _Pairs, hidden: Hidden, scope: str) -> dict[str, Any]:
    paths = [value for key, value in pairs if key.casefold() == "path" and isinstance(value, str)]
    at = [hidden.path_of(path) for path in paths]
    is_about_one = any(map(_tells, paths)) or any(map(hidden.hides, at))
    below = next((path for path in at if hidden.scope_of(path)), "")
    shown: dict[str, Any] = {}
    for key, value in pairs:
        is_value = key.casefold() == "value" and bool(paths)
        path = below if is_value else hidden.path_of(key, scope)
        is_secret = _tells(key) or (is_value and is_about_one) or hidden.hides(path)
        shown[_text(key, hidden)] = SECRET if is_secret else _value(value, hidden, hidden.scope_of(path))
    return shown


def _value(value: Any, hidden: Hidden, scope: str = "") -> Any:
    if isinstance(value, str):
        return _text(value, hidden)
    if isinstance(value, _Pairs):
        return _object(value, hidden, scope)
    return [_value(each, hidden, scope) for each in value] if isinstance(value, list) else value


def _tells(name: str) -> bool:
    """Whether a key or path names a secret; texts that a path compares with do not count. So long a one may."""
    if len(name) > _LONGEST_NAME:
        return True
    folded = _TEXT.sub("", name).casefold()
    return any(word in folded for word in _WORDS)


def _text(text: str, hidden: Hidden) -> str:
    if hidden.compared is not None:
        text = hidden.compared.sub(rf"\1{SECRET}", text)
    return without_secrets(_COMPARED.sub(rf"\1{SECRET}", text))
