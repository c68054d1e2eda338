"""Words of a filter, with typed values.

The lexer of scim2-filter-parser 0.7 drops types (``true`` and ``"true"`` come out alike), knows one
digit as a number and no escapes in strings; these rules are replaced, the rest is its own. A lexer
holds the place in its text, so each call makes one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from scim2_filter_parser.lexer import SCIMLexer

from scim_bridge.filters.tree import InvalidFilter

if TYPE_CHECKING:
    _: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]

MAX_LENGTH = 8 * 1024
MAX_DEPTH = 20  # more would not fit into the parser of SQLite (100 symbols), once it is SQL
MAX_TERMS = 250
_LARGEST = 2**63

_END = r"(?![A-Za-z0-9_$.:-])"  # a literal ends here: `nullable` is a name, not `null` and a rest


class FilterLexer(SCIMLexer):  # type: ignore[misc]
    """Tokens of RFC 7644 figure 1; values are str, int, float, bool or None."""

    tokens = frozenset(SCIMLexer.tokens)

    @_(r"true" + _END)
    def TRUE(self, t: Any) -> Any:
        t.value = True
        return t

    @_(r"false" + _END)
    def FALSE(self, t: Any) -> Any:
        t.value = False
        return t

    @_(r"null" + _END)
    def NULL(self, t: Any) -> Any:
        t.value = None
        return t

    @_(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?" + _END)
    def NUMBER(self, t: Any) -> Any:
        t.value = _number(t.value, t.index)
        return t

    @_(r'"(?:[^"\\]|\\.)*"')
    def COMP_VALUE(self, t: Any) -> Any:
        try:
            t.value = json.loads(t.value)
            t.value.encode()  # refuses lone surrogates, which no database stores
            if "\0" in t.value:
                raise ValueError
        except ValueError:
            raise InvalidFilter(
                f"the text at character {t.index + 1} is no JSON string that can be stored",
                advice='escape quotes as \\" and backslashes as \\\\',
                position=t.index + 1,
            ) from None
        return t

    @_(r"\.[a-zA-Z$][a-zA-Z0-9_$-]*")
    def SUBATTR(self, t: Any) -> Any:
        t.value = t.value[1:]
        return t

    def error(self, t: Any) -> Any:
        at = self.index + 1
        if t.value[0] == '"':
            raise InvalidFilter(f"the string that starts at character {at} has no end", position=at)
        raise InvalidFilter(f"{t.value[0]!r} at character {at} has no meaning here", position=at)


def _number(text: str, index: int) -> int | float:
    """An int where JSON text is one of 64 bits, as databases have them; what no float can hold is refused."""
    is_whole = re.fullmatch(r"-?[0-9]{1,19}", text)
    value = int(text) if is_whole and -_LARGEST <= int(text) < _LARGEST else float(text)
    if abs(value) >= 1e300:
        raise InvalidFilter(f"the number at character {index + 1} is too large", position=index + 1)
    return value


def tokenize(text: str) -> Iterator[Any]:
    """Tokens of ``text``; raises InvalidFilter beyond the limits on length, nesting and terms."""
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"the filter has more than {MAX_LENGTH} characters", advice="ask for less at once")
    depth = terms = 0
    for token in FilterLexer().tokenize(text):
        depth += {"LPAREN": 1, "LBRACKET": 1, "RPAREN": -1, "RBRACKET": -1}.get(token.type, 0)
        terms += token.type in ("AND", "OR")
        if depth > MAX_DEPTH:
            raise InvalidFilter(f"the filter nests deeper than {MAX_DEPTH} levels", position=token.index + 1)
        if terms >= MAX_TERMS:
            raise InvalidFilter(f"the filter has more than {MAX_TERMS} terms", position=token.index + 1)
        yield token
