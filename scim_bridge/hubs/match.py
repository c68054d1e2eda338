"""Whose account is it? Pure: e-mail addresses on both sides, case-folded, compared whole.

One address that points to two people points to nobody: a wrong link takes a stranger's seat away, a missing
one is shown and mended by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def match_accounts(pairs: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """Which account is whose, from all ``(account_id, person_id)`` that share an address.

    An account that meets two people is left out.
    """
    owners: dict[int, set[int]] = {}
    for account_id, person_id in pairs:
        owners.setdefault(account_id, set()).add(person_id)
    return {account_id: next(iter(people)) for account_id, people in owners.items() if len(people) == 1}
