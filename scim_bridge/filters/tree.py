"""A filter as a tree of values; ``str()`` of any node is SCIM text again.

``and`` and ``or`` hold all their terms in one flat tuple: a filter of two hundred terms is two levels
deep, not two hundred, so that nothing that walks the tree can run out of stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from scim_bridge.errors import InvalidInput

Value = str | int | float | bool | None


class InvalidFilter(InvalidInput):
    """A filter or path that cannot be read. ``position`` counts characters from 1; None: all of it."""

    def __init__(self, message: str, *, advice: str = "", position: int | None = None) -> None:
        super().__init__(message, advice=advice)
        self.position = position


@dataclass(frozen=True, slots=True)
class AttributePath:
    """``[urn:]name[.sub]``, as written; names ignore case."""

    urn: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        prefix = f"{self.urn}:" if self.urn else ""
        return f"{prefix}{self.name}.{self.sub}" if self.sub else f"{prefix}{self.name}"


@dataclass(frozen=True, slots=True)
class Compare:
    """``path op value``; ``op`` is lower case: eq ne co sw ew gt ge lt le."""

    path: AttributePath
    op: str
    value: Value

    def __str__(self) -> str:
        return f"{self.path} {self.op} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``: there is a value, and it is not empty."""

    path: AttributePath

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``path[where]``: one element meets ``where`` and, if given, ``test``.

    ``test`` is what follows the bracket, ``emails[type eq "work"].value eq "x"``; its path is the
    sub-attribute alone (``value``).
    """

    path: AttributePath
    where: Filter
    test: Compare | Present | None = None

    def __str__(self) -> str:
        return f"{self.path}[{self.where}]" + (f".{self.test}" if self.test else "")


@dataclass(frozen=True, slots=True)
class Not:
    """``not (filter)``."""

    filter: Filter

    def __str__(self) -> str:
        return f"not ({self.filter})"


@dataclass(frozen=True, slots=True)
class And:
    """All ``terms`` hold; two at least."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """One of ``terms`` holds; two at least."""

    terms: tuple[Filter, ...]

    def __str__(self) -> str:
        return " or ".join(str(term) for term in self.terms)


Filter = Compare | Present | ValuePath | Not | And | Or


@dataclass(frozen=True, slots=True)
class Path:
    """What a PATCH is about (RFC 7644 section 3.5.2): ``attribute``, ``attribute[where]``, ``….sub``.

    Without ``where`` the sub-attribute stands in ``attribute.sub``; with it, in ``sub``.
    """

    attribute: AttributePath
    where: Filter | None = None
    sub: str | None = None

    def __str__(self) -> str:
        text = f"{self.attribute}[{self.where}]" if self.where else str(self.attribute)
        return f"{text}.{self.sub}" if self.sub else text


def attribute_paths(filter: Filter) -> tuple[AttributePath, ...]:
    """Every attribute that the filter reads, each once; those in brackets with their parent's name."""
    return tuple(dict.fromkeys(_paths(filter)))


def _paths(filter: Filter) -> Iterator[AttributePath]:
    match filter:
        case Compare(path=path) | Present(path=path):
            yield path
        case Not(filter=inner):
            yield from _paths(inner)
        case And(terms=terms) | Or(terms=terms):
            for term in terms:
                yield from _paths(term)
        case _:
            path = filter.path
            for inside in (filter.where, filter.test) if filter.test else (filter.where,):
                for sub in _paths(inside):
                    yield AttributePath(path.urn, path.name, sub.name)
