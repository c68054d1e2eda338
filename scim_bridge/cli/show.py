"""Tables for people, JSON for machines; both to stdout, remarks to stderr."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from scim_bridge.clock import format_time
from scim_bridge.durations import format_duration

F = TypeVar("F", bound=Callable[..., Any])

_WIDTH = 200  # columns where there is no terminal: nothing is cut in a pipe


def json_option(command: F) -> F:
    """``--json``, as the argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="For machines.")(command)


def print_json(value: Any, *, compact: bool = False) -> None:
    """``value`` with dataclasses and times inside; ``compact`` on one line."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=None if compact else 2))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Iterable):
        return list(value)
    return str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """One line a row, or the sentence ``empty``. Cells are data: no markup in them is obeyed."""
    print_pages(columns, [rows], empty=empty)


def print_pages(columns: Sequence[str], pages: Iterable[Iterable[Sequence[Any]]], *, empty: str) -> None:
    """The same, a page at a time as they come: memory does not grow with their number.

    Each page finds its own widths, under headers of its own.
    """
    is_empty = True
    for rows in pages:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        if table.row_count:
            is_empty = False
            console().print(table)
    if is_empty:
        click.echo(empty)


def console(*, stderr: bool = False) -> Console:
    """A console on the present stdout or stderr."""
    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = _WIDTH
    return found


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "-"
    return str(value)


def count(number: int, one: str, many: str = "") -> str:
    """``1 change``, ``2 changes``; ``many`` where an s does not do."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def when(at: datetime | None) -> str:
    """``2026-11-23 08:15:02Z``, or a dash."""
    return format_time(at) if at else "-"


def age(at: datetime | None, now: datetime) -> str:
    """``4m 10s ago``, or never."""
    return f"{format_duration((now - at).total_seconds())} ago" if at else "never"
