"""``python -m bench [FIGURE ...]``: measure, print the table, exit 1 where a goal is missed."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from bench import idle, kill, lag, resend, seats
from bench.figure import Figure

_FIGURES: dict[str, Callable[[], list[Figure]]] = {
    "lag": lag.measure,
    "seats": seats.measure,
    "resend": resend.measure,
    "idle": idle.measure,
    "kill": kill.measure,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(_FIGURES)))
def main(names: tuple[str, ...]) -> None:
    """Measure the figures NAMES, by default all. A busy machine measures itself: close what else runs."""
    console = Console()
    measured: list[Figure] = []
    for name in names or _FIGURES:
        with console.status(f"measuring {name}"):
            measured += _FIGURES[name]()
    console.print(_table(measured))
    missed = [figure.name for figure in measured if not figure.is_met]
    if missed:
        console.print(f"goals missed: {'; '.join(missed)}", style="red")
        sys.exit(1)


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "goal", "measured", "met")
    for figure in figures:
        table.add_row(figure.name, figure.goal, figure.measured, "yes" if figure.is_met else "[red]no[/red]")
    return table


if __name__ == "__main__":
    main()
