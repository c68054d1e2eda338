"""What fits into a column of keys, and how any number of them travels in one statement, or piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from scim_bridge.db import Json, Tx
from scim_bridge.errors import InvalidInput

T = TypeVar("T")
MAX_KEY = 512  # characters of a column that is looked up


def checked(text: str, name: str, *, limit: int = MAX_KEY) -> str:
    """``text``, if a column of keys can hold it, else InvalidInput; ``name`` is what the caller calls it."""
    if len(text) > limit:
        raise InvalidInput(f"{name} has {len(text)} characters", advice=f"at most {limit} are stored")
    return text


def slices(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``values`` in their order, ``size`` at most at a time: memory follows the piece."""
    return (values[first : first + size] for first in range(0, len(values), size))


def numbers(tx: Tx, values: Sequence[int]) -> sa.Select[tuple[int]]:
    """``SELECT`` over any number of integers in one bound parameter: no limit on variables applies."""
    found: sa.Select[tuple[int]] = _listed(tx.dialect.name, sa.Integer(), values=list(values))
    return found


def texts(tx: Tx, values: Sequence[str]) -> sa.Select[tuple[str]]:
    """The same over texts."""
    found: sa.Select[tuple[str]] = _listed(tx.dialect.name, sa.Text(), values=list(values))
    return found


def bound_numbers(dialect: str, name: str) -> sa.Select[tuple[int]]:
    """The same where the integers come, as a list under ``name``, when the statement runs."""
    found: sa.Select[tuple[int]] = _listed(dialect, sa.Integer(), name=name)
    return found


def bound_texts(dialect: str, name: str) -> sa.Select[tuple[str]]:
    """The same for texts."""
    found: sa.Select[tuple[str]] = _listed(dialect, sa.Text(), name=name)
    return found


def _listed(
    dialect: str, kind: sa.Integer | sa.Text, *, values: list[Any] | None = None, name: str | None = None
) -> Any:
    """``values`` now, or what comes under ``name`` later."""
    column = sa.column("value", kind)
    listed: Json | ARRAY[Any] = Json() if dialect == "sqlite" else ARRAY(kind)
    given: sa.BindParameter[Any] = (
        sa.bindparam(None, values, listed) if name is None else sa.bindparam(name, type_=listed)
    )
    if dialect == "sqlite":
        return sa.select(sa.func.json_each(given).table_valued(column).c.value)
    array = sa.cast(given, ARRAY(kind))
    return sa.select(sa.func.unnest(array).table_valued(column).render_derived().c.value)
