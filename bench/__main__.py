"""``python -m bench [FIGURE ...]``: measure, print the table, exit 1 where a goal is missed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from bench import evaluate, fanout, idle, kill, lag, plan, reading, resend, seats
from bench.figure import Figure
from bench.scim import create, day, deactivate, find, members, memory, pages
from bench.scim.contest import Pace
from bench.scim.site import DATABASES, Site, Sizes, sites

_OF_THE_BRIDGE: dict[str, Callable[[], list[Figure]]] = {
    "lag": lag.measure,
    "seats": seats.measure,
    "resend": resend.measure,
    "idle": idle.measure,
    "kill": kill.measure,
    "reading": reading.measure,
    "evaluate": evaluate.measure,
    "fanout": fanout.measure,
    "plan": plan.measure,
}
_OF_SCIM: dict[str, Callable[[Site], list[Figure]]] = {
    "create": create.measure,
    "find": find.measure,
    "members": members.measure,
    "deactivate": deactivate.measure,
    "day": day.measure,
    "pages": pages.measure,
    "memory": memory.measure,
}
_STEADY, _QUICK = Pace(rounds=8, seconds=1.2), Pace(rounds=4, seconds=0.8)
_PEOPLE, _FEW = 100_000, 10_000
_WIDE = 160  # characters: a row of the table, unbroken


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*_OF_THE_BRIDGE, *_OF_SCIM]))
@click.option("--database", "databases", multiple=True, type=click.Choice(DATABASES), help="By default both.")
@click.option("--people", type=click.IntRange(1_000), help=f"Users in the large company; by default {_PEOPLE:,}.")
@click.option("--quick", is_flag=True, help=f"A look: short rounds, {_FEW:,} users.")
def main(names: tuple[str, ...], databases: tuple[str, ...], people: int | None, quick: bool) -> None:
    """Measure the figures NAMES, by default all. A busy machine measures itself: close what else runs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers and databases go along
    large = people or (_FEW if quick else _PEOPLE)
    sizes = Sizes(small=1_000, middle=max(1_000, large // 10), large=large)
    chosen = names or (*_OF_THE_BRIDGE, *_OF_SCIM)
    measured: list[Figure] = []
    for name in chosen:
        if name in _OF_THE_BRIDGE:
            _say(f"measuring {name}")
            measured += _OF_THE_BRIDGE[name]()
    with sites(databases or DATABASES, sizes, _QUICK if quick else _STEADY, _say) as places:
        for site in places:
            for name in chosen:
                if name in _OF_SCIM:
                    _say(f"measuring {name} on {site.store.kind}")
                    measured += _OF_SCIM[name](site)
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(_table(measured))
    missed = [figure.name for figure in measured if not figure.is_met]
    if missed:
        console.print(f"goals missed: {'; '.join(missed)}", style="red")
        sys.exit(1)


def _say(text: str) -> None:
    """A line of progress; no spinner, whose thread would be measured along."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _table(figures: list[Figure]) -> Table:
    table = Table("figure", "goal", "measured", "met", "note")
    for figure in figures:
        is_met = "yes" if figure.is_met else "[red]no[/red]"
        table.add_row(figure.name, figure.goal, figure.measured, is_met, figure.note)
    return table


if __name__ == "__main__":
    main()
