"""A place in a stored resource, as SQL: a column, an attribute of the JSON document, one of several elements.

What a filter compares is a *key*: text (folded where case does not count), number, truth or moment, NULL where there
is nothing of that kind. NULL counts as false, so ``not`` and ``ne`` take it as such (``negated``); the other
operators let it pass, since ``and`` and ``or`` keep what is false false.

The document is text on both databases. SQLite reads it by its JSON functions, PostgreSQL as jsonb. ``scim_fold`` and
``scim_moment`` are functions of ours on both (``directory.functions``).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.compiler import compiles

from scim_bridge.filters import Trait
from scim_bridge.filters.values import NUMBERS, PART, Key

Condition = sa.ColumnElement[bool]
Expression = sa.ColumnElement[Any]
Holds = Callable[["Spot"], Condition]

_DIGEST = re.compile(r'\.[0-9a-f]{16}(?="$)')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_510_400_000_000, 253_402_128_000_000_000  # microseconds: days within our calendar
_MS = 1000  # microseconds
_HIGHEST = chr(0x10FFFF)


class Spot(ABC):
    """Where a value is: ``at`` goes on to a part, ``elements`` to each of several, ``preferred`` to one of them."""

    @abstractmethod
    def key(self, trait: Trait) -> Expression:
        """What the value compares as; NULL where there is none of the kind."""

    @abstractmethod
    def present(self) -> Condition:
        """Whether there is a value that is not empty."""

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        """``value op wanted``, where ``op`` is any but ne and pr; NULL where there is no value of the kind."""
        return compared(op, self.key(trait), wanted)

    def at(self, trait: Trait) -> Spot:
        """A part of the value."""
        raise AssertionError(f"{type(self).__name__} has no part {trait.name}")

    def elements(self, trait: Trait, holds: Holds, *, narrow: bool) -> Condition:
        """Whether one of the values holds. ``narrow``: few do, and an index may find them."""
        raise AssertionError(f"{type(self).__name__} has no elements")

    def preferred(self, trait: Trait, key: Holds) -> Expression:
        """``key`` of the primary value, else of the first (RFC 7644 section 3.4.2.3)."""
        raise AssertionError(f"{type(self).__name__} has no elements")


def negated(condition: Condition) -> Condition:
    """The opposite; what is NULL is false, and its opposite true."""
    return sa.not_(sa.func.coalesce(condition, sa.false(), type_=sa.Boolean()))


class _CodePoints(sa.sql.functions.FunctionElement[str]):
    """Text in the order of its code points, as Python has it: SQLite's own order, PostgreSQL's collation C."""

    inherit_cache = True
    type = sa.Text()


@compiles(_CodePoints)
def _collated(element: Any, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


@compiles(_CodePoints, "sqlite")
def _as_it_is(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


class _Position(sa.sql.functions.FunctionElement[int]):
    """Where the second text begins in the first, from 1; 0: nowhere."""

    inherit_cache = True
    type = sa.Integer()


@compiles(_Position)
def _strpos(element: Any, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_Position, "sqlite")
def _instr(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


class _Last(sa.sql.functions.FunctionElement[str]):
    """The last so many code points of a text."""

    inherit_cache = True
    type = sa.Text()


@compiles(_Last)
def _right(element: Any, compiler: Any, **options: Any) -> str:
    return f"right({compiler.process(element.clauses, **options)})"


@compiles(_Last, "sqlite")
def _substr(element: Any, compiler: Any, **options: Any) -> str:
    text, count = (compiler.process(clause, **options) for clause in element.clauses)
    return f"substr({text}, -{count})"


class _Number(sa.TypeDecorator[Any]):
    """A number to compare with; PostgreSQL's numeric is exact, as Python is between int and float."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return sa.types.NullType() if dialect.name == "sqlite" else sa.Numeric()

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return value if dialect.name == "sqlite" or value is None else Decimal(repr(value))


def in_order(key: Expression, trait: Trait) -> Expression:
    """``key`` as it is sorted."""
    return key if trait.kind in (*NUMBERS, "boolean", "dateTime") else _CodePoints(key)


def compared(op: str, key: Expression, wanted: Key) -> Condition:
    """``key op wanted``; lengths and positions count code points on both databases."""
    if op == "eq":
        return key == _literal(wanted)
    if op in PART and not wanted:
        return key.is_not(None)
    if isinstance(wanted, str):
        part = sa.literal(wanted, sa.Text())
        if op == "co":
            return _Position(key, part) > 0
        if op == "sw":
            return sa.func.substr(key, 1, len(wanted)) == part
        if op == "ew":
            return _Last(key, sa.literal(len(wanted))) == part
        key = _CodePoints(key)
    right = _literal(wanted)
    return {"gt": key > right, "ge": key >= right, "lt": key < right, "le": key <= right}[op]


def _after(prefix: str) -> str:
    """The first text behind all that begin with ``prefix``; empty: there is none."""
    rest = prefix.rstrip(_HIGHEST)
    if not rest:
        return ""
    following = ord(rest[-1]) + 1
    return rest[:-1] + chr(0xE000 if following == 0xD800 else following)


def _literal(wanted: Key) -> Expression:
    if isinstance(wanted, bool):
        return sa.literal(wanted, sa.Boolean())
    return sa.literal(wanted, sa.Text()) if isinstance(wanted, str) else sa.literal(wanted, _Number())


@dataclass(frozen=True, slots=True)
class TextSpot(Spot):
    """A text in a column, or one put together. ``folded``: it is stored as it compares."""

    text: Expression
    folded: bool = False

    def key(self, trait: Trait) -> Expression:
        return self.text if self.folded or trait.case_exact else sa.func.scim_fold(self.text, type_=sa.Text())

    def present(self) -> Condition:
        return self.text != ""

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        key = self.key(trait)
        if op == "sw" and (end := _after(str(wanted))):  # a range, which an index in this order can find
            ordered = _CodePoints(key)
            return sa.and_(ordered >= _literal(wanted), ordered < _literal(end))
        return compared(op, key, wanted)


@dataclass(frozen=True, slots=True)
class AddressSpot(Spot):
    """The address of a resource, which ends in its id and is looked up by that."""

    root: str
    id: Expression

    def key(self, trait: Trait) -> Expression:
        return sa.literal(self.root, sa.Text()) + self.id

    def present(self) -> Condition:
        return sa.true()

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        if op == "eq":
            text = str(wanted)
            return self.id == text.removeprefix(self.root) if text.startswith(self.root) else sa.false()
        return compared(op, self.key(trait), wanted)


@dataclass(frozen=True, slots=True)
class VersionSpot(Spot):
    """``W/"7"``. A user whose groups are shown has ``W/"7.<digest of them>"``; what is stored has the 7 alone."""

    text: Expression

    def key(self, trait: Trait) -> Expression:
        return self.text

    def present(self) -> Condition:
        return sa.true()

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        return compared(op, self.text, _DIGEST.sub("", wanted) if isinstance(wanted, str) else wanted)


@dataclass(frozen=True, slots=True)
class TruthSpot(Spot):
    """A boolean column that always has a value."""

    column: Expression

    def key(self, trait: Trait) -> Expression:
        return self.column

    def present(self) -> Condition:
        return sa.true()


@dataclass(frozen=True, slots=True)
class MomentSpot(Spot):
    """A time column, which is shown, and so compared, in whole milliseconds."""

    column: Expression

    def key(self, trait: Trait) -> Expression:
        return self.column

    def present(self) -> Condition:
        return sa.true()

    def holds(self, op: str, trait: Trait, wanted: Key) -> Condition:
        micros = int(wanted)
        begin = micros - micros % _MS
        if op == "eq":
            return sa.and_(self._from(begin), sa.not_(self._from(begin + _MS))) if begin == micros else sa.false()
        after = self._from(begin + _MS if op in ("gt", "le") or begin != micros else begin)
        return after if op in ("gt", "ge") else sa.not_(after)

    def _from(self, micros: int) -> Condition:
        """At or after a moment; those beyond our calendar are at its ends."""
        return self.column >= _EPOCH + timedelta(microseconds=max(_FIRST, min(micros, _LAST)))


@dataclass(frozen=True, slots=True)
class SqliteSpot(Spot):
    """A path in a JSON text. ``path`` is text or an expression; ``is_simple``: an element without parts."""

    document: Expression
    path: Any = "$"
    is_simple: bool = False

    def at(self, trait: Trait) -> Spot:
        return self if self.is_simple else replace(self, path=self.path + f'."{trait.name}"')

    def elements(self, trait: Trait, holds: Holds, *, narrow: bool) -> Condition:
        each = self._each()
        return sa.select(sa.literal_column("1")).select_from(each).where(holds(self._element(trait, each))).exists()

    def preferred(self, trait: Trait, key: Holds) -> Expression:
        each = self._each()
        primary = sa.func.json_type(each.c.value, '$."primary"') == "true"  # in here SQLite sees no column of the user
        is_primary = sa.func.coalesce(primary, sa.false(), type_=sa.Boolean())
        return (
            sa.select(key(self._element(trait, each)))
            .select_from(each)
            .order_by(*([is_primary.desc()] if trait.subs else []), each.c.id)
            .limit(1)
            .scalar_subquery()
        )

    def key(self, trait: Trait) -> Expression:
        kind, value = self._type(), sa.func.json_extract(self.document, self.path)
        if trait.kind == "boolean":
            return sa.case((kind == "true", sa.true()), (kind == "false", sa.false()))
        if trait.kind in NUMBERS:
            return sa.case((sa.or_(kind == "integer", kind == "real"), value))
        text = sa.case((kind == "text", value))
        if trait.kind == "dateTime":
            return sa.func.scim_moment(text, type_=sa.BigInteger())
        return text if trait.case_exact else sa.func.scim_fold(text, type_=sa.Text())

    def present(self) -> Condition:
        tree = sa.func.json_tree(self.document, self.path).table_valued("atom")
        return sa.select(sa.literal_column("1")).select_from(tree).where(tree.c.atom != "").exists()

    def _type(self) -> Expression:
        return sa.func.json_type(self.document, self.path)

    def _each(self) -> Any:
        return sa.func.json_each(self.document, self.path).table_valued("fullkey", "value", "id")

    def _element(self, trait: Trait, each: Any) -> Spot:
        return SqliteSpot(self.document, each.c.fullkey, is_simple=not trait.subs)


@dataclass(frozen=True, slots=True)
class PostgresSpot(Spot):
    """A path in a jsonb value."""

    value: Expression
    path: str = "$"
    is_simple: bool = False

    def at(self, trait: Trait) -> Spot:
        return self if self.is_simple else replace(self, path=f'{self.path}."{trait.name}"')

    def elements(self, trait: Trait, holds: Holds, *, narrow: bool) -> Condition:
        rows = sa.func.jsonb_path_query(self.value, _path(f"{self.path}[*]"), type_=JSONB).table_valued(
            sa.column("value", JSONB)
        )
        rows = rows.render_derived()
        holding = holds(PostgresSpot(rows.c.value, is_simple=not trait.subs))
        return sa.select(sa.literal_column("1")).select_from(rows).where(holding).exists()

    def preferred(self, trait: Trait, key: Holds) -> Expression:
        primary = self._first(f"{self.path}[*] ? (@.primary == true)")
        chosen = sa.func.coalesce(primary, self._first(f"{self.path}[*]"), type_=JSONB)
        return key(PostgresSpot(chosen, is_simple=not trait.subs))

    def key(self, trait: Trait) -> Expression:
        if trait.kind == "boolean":
            return sa.cast(self._text("boolean"), sa.Boolean())
        if trait.kind in NUMBERS:
            return sa.cast(self._text("number"), sa.Numeric())
        text = self._text("string")
        if trait.kind == "dateTime":
            return sa.func.scim_moment(text, type_=sa.BigInteger())
        return text if trait.case_exact else sa.func.scim_fold(text, type_=sa.Text())

    def present(self) -> Condition:
        has_value = '? (@.type() == "number" || @.type() == "boolean" || (@.type() == "string" && @ != ""))'
        return sa.func.jsonb_path_exists(self.value, _path(f"{self.path}.** {has_value}"), type_=sa.Boolean())

    def _text(self, kind: str) -> Expression:
        return self._first(f'{self.path} ? (@.type() == "{kind}")').op("#>>")(sa.text("'{}'"))

    def _first(self, path: str) -> Expression:
        return sa.func.jsonb_path_query_first(self.value, _path(path), type_=JSONB)


def _path(text: str) -> Expression:
    return sa.cast(sa.literal(text, sa.Text()), JSONPATH)


def document_spot(dialect: str, document: Expression) -> Spot:
    """The whole of a JSON document that is kept as text."""
    text = sa.type_coerce(document, sa.Text())
    return SqliteSpot(text) if dialect == "sqlite" else PostgresSpot(sa.cast(text, JSONB))
