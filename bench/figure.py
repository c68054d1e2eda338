"""What a benchmark hands back: a number beside its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. ``goal`` and ``measured`` are for people; ``is_met`` decides the exit code."""

    name: str
    goal: str
    measured: str
    is_met: bool


def at_most(name: str, measured: float, goal: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that is met at ``goal`` or below."""
    return Figure(name, f"<= {goal:g}{unit}", _words(measured, unit, note), measured <= goal)


def at_least(name: str, measured: float, goal: float, unit: str = "", *, note: str = "") -> Figure:
    """A figure that is met at ``goal`` or above."""
    return Figure(name, f">= {goal:g}{unit}", _words(measured, unit, note), measured >= goal)


def _words(measured: float, unit: str, note: str) -> str:
    return f"{measured:.4g}{unit}" + (f" ({note})" if note else "")
