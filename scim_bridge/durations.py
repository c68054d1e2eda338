"""Lengths of time as operators write them: ``90s``, ``10m``, ``24h``, ``7d``, or ``0``. Pure.

One unit and whole numbers only: ``1h30m`` and ``1.5h`` have been read wrong by too many people.
"""

from __future__ import annotations

from typing import Final

from scim_bridge.errors import InvalidInput

_SECONDS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST_S: Final = 3_650 * 86_400


def parse_duration(text: str) -> int:
    """Seconds. Raises ``InvalidInput`` for anything but an integer with s, m, h or d, or ``0``; at most ten years."""
    if text == "0":
        return 0
    if text.isascii() and text.isdigit():
        raise InvalidInput(f'"{text}" has no unit', advice=f"write {text}s for seconds, or another unit: m, h, d")
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not (number.isascii() and number.isdigit()) or len(number) > 9:
        raise InvalidInput(f'"{text}" is no duration', advice="write an integer with s, m, h or d (90s, 7d), or 0")
    seconds = int(number) * _SECONDS[unit]
    if seconds > _LONGEST_S:
        raise InvalidInput(f'"{text}" is longer than ten years', advice="write a shorter duration")
    return seconds


def format_duration(seconds: float) -> str:
    """The two largest units of ``seconds``, for people: ``2d 3h``, ``4m 10s``, ``0s``."""
    left, parts = max(int(seconds), 0), []
    for unit, length_s in _SECONDS.items():
        count, left = divmod(left, length_s)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
