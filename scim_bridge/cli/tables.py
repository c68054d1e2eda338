"""A table where it fits the terminal, else one block a row: a table whose every column is folded cannot be read.

One column may wrap, the widest, as long as whole words and a sentence's worth of room are left to it. In a block the
first cell is the head, the others follow with their names, as many a line as fit, and what is empty is left out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = 2  # between columns
_ROOM = 28  # characters that a column must have to be wrapped
EMPTY = "-"
_INDENT = "  "
_APART = "   "


def print_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *, fits: bool = False) -> None:
    """Print rows of cells. ``fits``: as a table whatever its width, for a pipe has none."""
    wrapped = _wrapped_column(columns, rows, console.width)
    if wrapped is None and not fits:
        _print_blocks(console, columns, rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=wrapped is not None and number != wrapped)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _wrapped_column(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> int | None:
    """The one column that wraps, if it must; None: with only one the table would not fit."""
    cells = [[header, *(row[number] for row in rows)] for number, header in enumerate(columns)]
    widths = [max(map(cell_len, each)) for each in cells]
    widest = widths.index(max(widths))
    room = width - (sum(widths) + _GAP * (len(widths) - 1) - widths[widest])
    longest_word = max((cell_len(word) for cell in cells[widest] for word in cell.split()), default=0)
    return widest if room >= min(widths[widest], max(_ROOM, longest_word)) else None


def _print_blocks(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One block a row, a blank line between two."""
    for number, row in enumerate(rows):
        filled = [(name, cell) for name, cell in zip(columns, row, strict=True) if cell != EMPTY]
        (name, head), *rest = filled or [(columns[0], EMPTY)]
        if number:
            console.print()
        console.print(Text(f"{name} {head}", style="bold"), overflow="fold")
        for line in _packed([f"{name}: {cell}" for name, cell in rest], console.width):
            console.print(Text(line), overflow="fold")


def _packed(parts: Sequence[str], width: int) -> Iterator[str]:
    """As many parts a line as fit; one that is longer than a line is wrapped by its words."""
    line = ""
    for part in parts:
        longer = f"{line}{_APART}{part}" if line else f"{_INDENT}{part}"
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *whole, line = textwrap.wrap(
            part,
            max(width, _ROOM),
            initial_indent=_INDENT,
            subsequent_indent=2 * _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from whole
    if line:
        yield line
