"""From the answer of a push to the call at the app: 200 single pushes, each sent when the last was answered.

The pushes do not wait for the app, so each is carried out while the next one is being answered: the harder
case, and the one of a real full cycle.
"""

from __future__ import annotations

from statistics import median, quantiles

from bench.company import Company, invitations
from bench.figure import Figure, at_most

_PUSHES = 200


def measure() -> list[Figure]:
    """Median and 99th percentile, in milliseconds."""
    with Company(_PUSHES) as company:
        answered = {email: company.push([person]) for email, person in zip(company.emails, company.people, strict=True)}
        company.wait_for_rest()
        called = {entry["key"]: entry["at"] for entry in invitations(company.app.journal())}
    lags_ms = [(called[email] - at) * 1000 for email, at in answered.items()]
    return [
        at_most("lag, median", median(lags_ms), 50, " ms"),
        at_most("lag, 99th percentile", quantiles(lags_ms, n=100)[98], 250, " ms", note=f"max {max(lags_ms):.0f} ms"),
    ]
