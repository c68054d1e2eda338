"""A thousand seats from one PATCH, against what the app's latency and the hub's own limits allow at best.

With C calls, W at once, L seconds each, R a second and B at once after a rest, no order of calls ends before
``max(L * ceil(C / W), L + max(0, C - B) / R)``.
"""

from __future__ import annotations

from math import ceil

from bench.company import CONCURRENCY, Company
from bench.figure import Figure, at_least, at_most

_PEOPLE = 1000
_RATE = _BURST = 100
_LATENCY_S = 0.05


def measure() -> list[Figure]:
    """How near we come to the bound, and how many calls a seat takes."""
    with Company(_PEOPLE, rate=_RATE, burst=_BURST) as company:
        before = len(company.app.journal())
        company.app.slow_down(_LATENCY_S * 1000)
        answered_at = company.push(company.people)
        company.wait_for_rest()
        calls = company.app.journal()[before:]
        missing = set(company.emails) - set(company.app.invited())
    if missing:
        raise RuntimeError(f"{len(missing)} of {_PEOPLE} people were not invited")
    took_s = max(call["at"] for call in calls) + _LATENCY_S - answered_at
    bound_s = max(_LATENCY_S * ceil(_PEOPLE / CONCURRENCY), _LATENCY_S + (_PEOPLE - _BURST) / _RATE)
    note = f"{bound_s:.2f} s of {took_s:.2f} s"
    return [
        at_least("1,000 seats, bound / time", bound_s / took_s, 0.8, note=note),
        at_most("1,000 seats, calls a person", len(calls) / _PEOPLE, 1.02),
    ]
