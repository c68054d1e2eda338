"""What changes nothing costs no call: the same push again, and a person who comes and goes while it settles."""

from __future__ import annotations

import time

from bench.company import Company
from bench.figure import Figure, at_most

_PEOPLE = 100
_SETTLE_S = 2


def measure() -> list[Figure]:
    """Calls after the same push, and after an addition that was taken back within the settle window."""
    return [
        at_most("same push again, calls", _again(), 0),
        at_most("add and remove within settle, calls", _undone(), 0),
    ]


def _again() -> int:
    with Company(_PEOPLE) as company:
        company.push(company.people)
        company.wait_for_rest()
        before = len(company.app.journal())
        for email in company.emails:
            company.okta.assign(email, "Ada", "Byron")
        company.okta.push_group("Engineering", company.people)
        return _calls_since(before, company)


def _undone() -> int:
    with Company(_PEOPLE, settle=f"{_SETTLE_S}s") as company:
        before = len(company.app.journal())
        company.push(company.people)
        company.okta.change_members(company.group, remove=company.people)
        return _calls_since(before, company)


def _calls_since(before: int, company: Company) -> int:
    time.sleep(_SETTLE_S + 1)  # nothing is to come, and only time can show that
    company.wait_for_rest()
    return len(company.app.journal()) - before
