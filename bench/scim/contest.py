"""Two servers take turns in short rounds, and what is said of them is the ratio of neighbouring rounds.

The machine is never the same for long: other tenants, caches, clock rates. Over a second it moves both by the
same factor, so a ratio of two neighbouring rounds is nearly free of it, and the median over the rounds throws out
those in which something happened to one of them. Turns go A B, B A, A B ...: a drift favours neither. The middle
half of the ratios stands beside each figure as its noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

from bench.figure import Figure, at_least, at_most, number
from bench.scim.load import Round, Script, play
from bench.scim.servers import Server

Measure = Callable[[Round], float]


@dataclass(frozen=True, slots=True)
class Contest:
    """The rounds of two servers (or of one with two tasks), in pairs of neighbours."""

    pairs: list[tuple[Round, Round]]

    def at_least(self, name: str, of: Measure, goal: float, unit: str = "") -> Figure:
        """The first's measure through the second's should be ``goal`` or more."""
        ratio, note = self._ratio(of, unit)
        return at_least(name, ratio, goal, note=note)

    def at_most(self, name: str, of: Measure, goal: float, unit: str = "") -> Figure:
        """The first's measure through the second's should be ``goal`` or less."""
        ratio, note = self._ratio(of, unit)
        return at_most(name, ratio, goal, "x", note=note)

    def first(self, of: Measure) -> float:
        """The first's own median."""
        return median(of(first) for first, _ in self.pairs)

    def second(self, of: Measure) -> float:
        """The second's own median."""
        return median(of(second) for _, second in self.pairs)

    def _ratio(self, of: Measure, unit: str) -> tuple[float, str]:
        """The median ratio; in words: its middle half, and both medians."""
        ratios = [of(first) / of(second) for first, second in self.pairs]
        low, _, high = quantiles(ratios, n=4, method="inclusive")
        sides = f"{number(self.first(of))} and {number(self.second(of))}{unit}"
        return median(ratios), f"{low:.2f} to {high:.2f}; {sides}"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to look: rounds a server, and seconds a round."""

    rounds: int
    seconds: float


def contest(one: tuple[Server, Script], other: tuple[Server, Script], *, clients: int, pace: Pace) -> Contest:
    """Play; the first pair warms up and does not count. Raises WrongAnswer."""
    pairs: list[tuple[Round, Round]] = []
    for turn in range(pace.rounds + 1):
        order = (one, other) if turn % 2 else (other, one)
        played = [play(server, script, clients=clients, seconds=pace.seconds) for server, script in order]
        pairs.append((played[0], played[1]) if turn % 2 else (played[1], played[0]))
    return Contest(pairs[1:])
