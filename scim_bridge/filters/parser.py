"""Text to tree, by the grammar of RFC 7644 figure 1 with its order of precedence.

scim2-filter-parser gives ``and`` and ``or`` one precedence (the leftmost wins) and folds the
sub-attribute of ``emails[...].value`` into the parent, so the grammar is declared anew in layers:
``or`` over ``and`` over one condition. One grammar reads filters and PATCH paths: the first token,
put in front by the caller, says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sly import Parser

from scim_bridge.filters.equalities import read_equalities
from scim_bridge.filters.lexer import FilterLexer, tokenize
from scim_bridge.filters.tree import (
    And,
    AttributePath,
    Compare,
    Filter,
    InvalidFilter,
    Not,
    Or,
    Path,
    Present,
    ValuePath,
    attribute_paths,
)
from scim_bridge.filters.values import ORDERED, PART

if TYPE_CHECKING:
    _: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]

_EXAMPLE = 'write attribute, operator and value: title eq "x"'
_OPERATORS = "eq, ne, co, sw, ew, gt, ge, lt, le or pr"
_CACHED_LENGTH = 256


class _Parser(Parser):  # type: ignore[misc]
    """SLY reads rules from decorators and the nonterminal from the method's name."""

    tokens = FilterLexer.tokens | {"AS_FILTER", "AS_PATH"}
    start = "text"

    @_("AS_FILTER disjunction", "AS_PATH path")
    def text(self, p: Any) -> Filter | Path:
        parsed: Filter | Path = p[1]
        return parsed

    @_("conjunction", "disjunction OR conjunction")
    def disjunction(self, p: Any) -> Filter:
        return _flat(Or, p)

    @_("condition", "conjunction AND condition")
    def conjunction(self, p: Any) -> Filter:
        return _flat(And, p)

    @_("comparison", "presence", "value_path", "negation", "group")
    def condition(self, p: Any) -> Filter:
        found: Filter = p[0]
        return found

    @_("NOT LPAREN disjunction RPAREN")
    def negation(self, p: Any) -> Filter:
        return Not(p.disjunction)

    @_("LPAREN disjunction RPAREN")
    def group(self, p: Any) -> Filter:
        found: Filter = p.disjunction
        return found

    @_("attribute operator value")
    def comparison(self, p: Any) -> Compare:
        return _compare(p.attribute, p.operator, p.value)

    @_("attribute PR")
    def presence(self, p: Any) -> Present:
        return Present(p.attribute)

    @_("element", "element sub PR", "element sub operator value")
    def value_path(self, p: Any) -> ValuePath:
        path, where = p.element
        if len(p) == 1:
            return ValuePath(path, where)
        sub = AttributePath(None, p.sub)
        return ValuePath(path, where, Present(sub) if len(p) == 3 else _compare(sub, p.operator, p.value))

    @_("attribute LBRACKET disjunction RBRACKET")
    def element(self, p: Any) -> tuple[AttributePath, Filter]:
        _check_inside(p.attribute, p.disjunction)
        return p.attribute, p.disjunction

    @_("attribute", "element", "element sub")
    def path(self, p: Any) -> Path:
        if isinstance(p[0], AttributePath):
            return Path(p[0])
        attribute, where = p.element
        return Path(attribute, where, p.sub if len(p) == 2 else None)

    @_("ATTRNAME", "ATTRNAME sub", "SCHEMA_URI ATTRNAME", "SCHEMA_URI ATTRNAME sub")
    def attribute(self, p: Any) -> AttributePath:
        symbols = dict(zip((symbol.type for symbol in p._slice if hasattr(symbol, "type")), p, strict=False))
        return AttributePath(symbols.get("SCHEMA_URI"), p.ATTRNAME, symbols.get("sub"))

    @_("SUBATTR")
    def sub(self, p: Any) -> str:
        name: str = p[0]
        return name

    @_("EQ", "NE", "CO", "SW", "EW", "GT", "GE", "LT", "LE")
    def operator(self, p: Any) -> str:
        operator: str = p[0].lower()
        return operator

    @_("TRUE", "FALSE", "NULL", "NUMBER", "COMP_VALUE")
    def value(self, p: Any) -> Any:
        return p[0]

    def error(self, token: Any) -> None:
        if token is None:
            raise InvalidFilter("the text ends too early", advice=_EXAMPLE)
        at = token.index + 1
        what = "a value" if token.type in ("COMP_VALUE", "NUMBER") else repr(token.value)
        raise InvalidFilter(
            f"{what} at character {at} is not expected there",
            advice=f"operators are {_OPERATORS}; conditions join by and, or, not (...); text needs quotes",
            position=at,
        )


def parse_filter(text: str) -> Filter:
    """Read a filter (RFC 7644 section 3.4.2.2); raises InvalidFilter, which says what is wrong and where."""
    found = read_equalities(text)
    if found is not None:
        return found
    parsed: Filter = _parse("AS_FILTER", text)
    return parsed


def parse_path(text: str) -> Path:
    """Read a PATCH path (RFC 7644 section 3.5.2); raises InvalidFilter.

    A path that is a schema's URN alone comes back with the URN's last part as attribute name.
    """
    parsed: Path = _parse("AS_PATH", text)
    return parsed


def _parse(kind: str, text: str) -> Any:
    """Paths of PATCH are few and come again and again; trees never change, so they can be shared."""
    return _parse_again(kind, text) if len(text) <= _CACHED_LENGTH else _parse_anew(kind, text)


def _parse_anew(kind: str, text: str) -> Any:
    def tokens() -> Iterator[Any]:
        yield SimpleNamespace(type=kind, value=kind, lineno=1, index=0, end=0)
        yield from tokenize(text)

    if not text.strip():
        raise InvalidFilter("the text is empty", advice=_EXAMPLE)
    return _Parser().parse(tokens())


_parse_again = lru_cache(maxsize=1024)(_parse_anew)


def _flat(kind: type[And] | type[Or], p: Any) -> Filter:
    if len(p) == 1:
        only: Filter = p[0]
        return only
    terms: list[Filter] = []
    for side in (p[0], p[2]):
        terms.extend(side.terms if isinstance(side, kind) else (side,))
    return kind(tuple(terms))


def _compare(path: AttributePath, operator: str, value: Any) -> Compare:
    """Refuse comparisons that no value can meet (RFC 7644 table 3), instead of finding nothing for ever."""
    name = path.sub or path.name
    if operator in ORDERED and (isinstance(value, bool) or value is None):
        raise InvalidFilter(f"{name} cannot be ordered by {operator}", advice="use eq or ne with true, false, null")
    if operator in PART and not isinstance(value, str):
        raise InvalidFilter(f"{operator} compares text, and the value for {name} is none", advice="put it in quotes")
    return Compare(path, operator, value)


def _check_inside(path: AttributePath, where: Filter) -> None:
    if path.sub:
        raise InvalidFilter(f"{path}[...] asks for elements of a sub-attribute", advice=f"write {path.name}[...]")
    if _has_value_path(where):
        raise InvalidFilter(f"a bracket inside {path}[...]", advice="join the conditions by and")
    for inner in attribute_paths(where):
        if inner.urn or inner.sub:
            raise InvalidFilter(
                f"{inner} inside {path}[...]", advice='name sub-attributes alone, emails[type eq "work"]'
            )


def _has_value_path(where: Filter) -> bool:
    match where:
        case Not(filter=inner):
            return _has_value_path(inner)
        case And(terms=terms) | Or(terms=terms):
            return any(_has_value_path(term) for term in terms)
        case _:
            return isinstance(where, ValuePath)
