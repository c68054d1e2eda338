"""scim2-tester (PyPI) against a running bridge: it reads /Schemas and tries out every attribute that it finds there.

It stops early where a discovery answer puts it off, and then nothing has failed; so what it did is looked at, too.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server, get_all_available_tags
from suite_kit import Live

FAILED = {Status.ERROR, Status.CRITICAL, Status.DEVIATION}


@pytest.fixture(scope="session")
def results(live: Live) -> list[CheckResult]:
    """Everything that scim2-tester has to say of the bridge."""
    live = live.apart("scim2-tester")
    headers = {"Authorization": f"Bearer {live.token}"}
    with httpx2.Client(base_url=live.base_url, headers=headers, timeout=60) as http:
        return check_server(SyncSCIMClient(http))


def test_no_check_of_scim2_tester_fails(results: list[CheckResult]) -> None:
    assert [_line(result) for result in results if result.status in FAILED] == []


def test_scim2_tester_skips_nothing(results: list[CheckResult]) -> None:
    assert [_line(result) for result in results if result.status is Status.SKIPPED] == []


def test_scim2_tester_ran_every_kind_of_check(results: list[CheckResult]) -> None:
    assert {tag for result in results for tag in result.tags} >= set(get_all_available_tags())


@pytest.mark.parametrize(
    ("resource_type", "title", "at_least"),
    [
        ("User", "check_add_attribute", 27),
        ("User", "check_replace_attribute", 28),
        ("User", "check_remove_attribute", 26),
        ("Group", "check_add_attribute", 2),
        ("Group", "check_replace_attribute", 3),
        ("Group", "check_remove_attribute", 2),
    ],
)
def test_scim2_tester_patched_every_attribute(
    results: list[CheckResult], resource_type: str, title: str, at_least: int
) -> None:
    counted = Counter((result.resource_type, result.title) for result in results)
    assert counted[resource_type, title] >= at_least


def _line(result: CheckResult) -> str:
    data: Any = result.data
    return f"{result.status.name} {result.resource_type or ''} {result.title}: {result.reason} {data!r}"[:600]
