"""What a benchmark hands back: a number beside its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. ``goal``, ``measured`` and ``note`` are for people; ``is_met`` decides the exit code."""

    name: str
    goal: str
    measured: str
    is_met: bool
    note: str = ""


def at_most(name: str, measured: float, goal: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that is met at ``goal`` or below."""
    return Figure(name, f"<= {goal:g}{unit}", f"{number(measured)}{unit}", measured <= goal, note)


def at_least(name: str, measured: float, goal: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that is met at ``goal`` or above."""
    return Figure(name, f">= {goal:g}{unit}", f"{number(measured)}{unit}", measured >= goal, note)


def number(value: float) -> str:
    """Three figures, or all of them where there are more before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
