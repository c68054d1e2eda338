"""Nothing that a client can send trips the bridge: no 5xx, no half write, and a SCIM Error for every refusal.

500 cases here, the same each time; `make fuzz` tries 10,000 and more, new ones each night. A failing case is shrunk by
Hypothesis and written to ``.hypothesis/failing-*.json``: copy it to ``found/`` with the mend.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fuzz_laws import check
from fuzz_requests import Request, cases
from fuzz_world import World
from hypothesis import HealthCheck, given, settings

FOUND = Path(__file__).parent / "found"
FAILING = Path(".hypothesis")
CASES = os.environ.get("SCIM_BRIDGE_TEST_FUZZ_CASES", "")
SHARE = {"sqlite": 0.8, "postgresql": 0.2}
"""Of the cases: most find what they find on any database."""


def test_nothing_trips_the_bridge(world: World) -> None:
    name = world.db.engine.dialect.name

    @settings(
        max_examples=round(int(CASES or 500) * SHARE[name]),
        derandomize=not CASES,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def holds(requests: list[Request]) -> None:
        try:
            check(world, requests)
        except BaseException:
            FAILING.mkdir(exist_ok=True)
            case = [request.to_json() for request in requests]
            (FAILING / f"failing-{name}.json").write_text(json.dumps(case, indent=2) + "\n")
            raise

    holds()


@pytest.mark.parametrize("file", sorted(FOUND.glob("*.json")), ids=lambda file: file.stem)
def test_what_was_found_once_stays_mended(world: World, file: Path) -> None:
    check(world, [Request(**request) for request in json.loads(file.read_text())])
