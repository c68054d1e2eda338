"""Tables for people, JSON for machines; both to stdout, remarks to stderr."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console

from scim_bridge.cli.tables import EMPTY, print_rows
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
    """One line a row (in a terminal that is too narrow one block), or the sentence ``empty``.

    Cells are data: no markup in them is obeyed.
    """
    print_pages(columns, [rows], empty=empty)


def print_pages(columns: Sequence[str], pages: Iterable[Iterable[Sequence[Any]]], *, empty: str) -> None:
    """The same, a page at a time as they come: memory does not grow with their number.

    Each page finds its own widths, under headers of its own.
    """
    is_empty = True
    for rows in pages:
        cells = [tuple(_cell(value) for value in row) for row in rows]
        if not cells:
            continue
        is_empty = False
        shown = console()
        print_rows(shown, columns, cells, fits=not _has_width(shown))
    if is_empty:
        click.echo(empty)


def say(text: str) -> None:
    """A sentence, wrapped between words in a terminal and on one line in a pipe."""
    shown = console()
    shown.print(text, soft_wrap=not _has_width(shown))


def console(*, stderr: bool = False) -> Console:
    """A console on the present stdout or stderr."""
    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not _has_width(found):
        found.width = _WIDTH
    return found


def _has_width(shown: Console) -> bool:
    """Whether what is printed has columns to keep to: a terminal's, or those that somebody said."""
    return shown.is_terminal or os.environ.get("COLUMNS", "").isdigit()


def _cell(value: Any) -> str:
    if value is None or value == "":
        return EMPTY
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or EMPTY
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
