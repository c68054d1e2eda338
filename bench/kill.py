"""kill -9 in mid-run: the same seats in the end, and no invitation twice but where one was on its way.

A call that was under way when the bridge died may or may not have been carried out; the restarted bridge reads
the app first, so even those are normally not repeated.
"""

from __future__ import annotations

import time
from collections import Counter

from bench.company import CONCURRENCY, Company, invitations, wait_until
from bench.figure import Figure, at_most
from scim_bridge.contract.simulator import Entry

_PEOPLE = 200
_KILL_AFTER = 60
_LATENCY_S = 0.05
_ON_ITS_WAY_S = 1.0  # sent, or answered and not yet written down


def measure() -> list[Figure]:
    """People with a wrong number of invitations at the end, and invitations that were sent twice."""
    with Company(_PEOPLE, rate=100, burst=100) as company:
        company.app.slow_down(_LATENCY_S * 1000)
        company.push(company.people)
        wait_until(lambda: len(invitations(company.app.journal())) >= _KILL_AFTER, "the push is half done")
        killed_at = time.time()
        company.bridge.kill()
        company.bridge.start()
        wait_until(company.is_observed, "the hub is read")
        company.wait_for_rest()
        sent = invitations(company.app.journal())
        wrong = Counter(company.app.invited()) - Counter(company.emails)
        wrong += Counter(company.emails) - Counter(company.app.invited())
    if sum(entry["at"] < killed_at for entry in sent) >= _PEOPLE:
        raise RuntimeError("the push was over before the kill; nothing was measured")
    return [
        at_most("kill -9, wrong seats after restart", wrong.total(), 0),
        at_most("kill -9, sent twice in flight", len(_twice(sent, killed_at, was_under_way=True)), CONCURRENCY),
        at_most("kill -9, sent twice otherwise", len(_twice(sent, killed_at, was_under_way=False)), 0),
    ]


def _twice(sent: list[Entry], killed_at: float, *, was_under_way: bool) -> list[str]:
    first: dict[str, float] = {}
    count: Counter[str] = Counter()
    for entry in sorted(sent, key=lambda entry: entry["at"]):
        key = entry["key"] or ""
        first.setdefault(key, entry["at"])
        count[key] += 1
    begun = killed_at - _ON_ITS_WAY_S
    return [key for key, times in count.items() if times > 1 and (first[key] >= begun) is was_under_way]
