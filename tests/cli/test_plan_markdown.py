"""A plan as a comment: short first, never too long, and nothing in a name is obeyed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scim_bridge.cli.plan_markdown import LONGEST, markdown
from scim_bridge.engine.planned import HubPlan, PlannedChange, ProposedRemoval, RuleCount, add_up

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BECAUSE = ({"rule": "staff", "file": "mappings/acme.yaml", "line": 6},)


def invite(number: int, name: str = "", **more: Any) -> PlannedChange:
    name = name or f"person{number}@acme.example"
    change = PlannedChange(number, name, "invite", None, None, "member", BECAUSE, None, None)
    return PlannedChange(**{field: getattr(change, field) for field in change.__slots__} | more)


def plan(*changes: PlannedChange, hub: str = "acme", warnings: tuple[str, ...] = ()) -> HubPlan:
    rules = (RuleCount("staff", "mappings/acme.yaml", 6, len(changes)), RuleCount("none", "mappings/acme.yaml", 7, 0))
    totals = add_up(changes, ["admin", "member"])
    return HubPlan(
        hub, "github", "acme", NOON, "plan", None, 1, NOON, NOON, changes, rules, totals, pending=0, warnings=warnings
    )


def test_the_whole_of_a_small_plan() -> None:
    assert (
        markdown([plan(invite(1, held="wait; `apply` does it"))], notes=["hub beta is new"])
        == """\
## Plan of scim-bridge

| hub | people | seats | highest role | assets | adopted | held | failed |
| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |
| `acme` | 1 | +0 -0 | `admin` +0 -0 | - | 0 | 1 | 0 |

> hub beta is new

### `acme`: 1 change

Mode plan, observed 2026-11-22 12:00:00Z.
- **Rule for nobody**: `none` (`mappings/acme.yaml:7`)

<details><summary>Changes for 1 person</summary>

- `person1@acme.example` (p1)
  - `+ invite as member` because of `staff (mappings/acme.yaml:6)`
    - **held**: wait; `apply` does it

</details>

<details><summary>Rules (2)</summary>

- `staff` (`mappings/acme.yaml:6`): 1 person
- `none` (`mappings/acme.yaml:7`): 0 people
</details>
"""
    )


def test_proposed_removals_are_named_up_to_twenty() -> None:
    root = ProposedRemoval("root", "1", None, None, "remove", "admin", 12, "pending")
    bo = ProposedRemoval("b|o", "2", 3, "bo@acme.example", "remove", None, 13, "rejected")
    text = markdown([replace(plan(), proposed=(root, bo, *[root] * 20))])
    assert "- **Proposed removals**: 22 accounts not ours (`safety.unmanaged: hold`)\n" in text
    assert "  - `root`, `admin`: `scim-bridge approvals approve 12 --reason WHY`, or reject\n" in text
    assert "  - `b|o` of `bo@acme.example` (p3): rejected (approval 13): it stays\n" in text
    assert "  - and 2 more: `scim-bridge plan acme` shows all\n" in text


def test_no_hubs_are_said() -> None:
    assert markdown([]).endswith("No hubs.\n")


@pytest.mark.parametrize("people", [300, 2_000, 50_000])
def test_it_is_never_longer_than_github_takes_and_says_what_was_cut(people: int) -> None:
    text = markdown([plan(*(invite(number) for number in range(people)))])
    shown = text.count("(p")
    assert len(text) <= LONGEST
    assert (f"{people - shown} people more do not fit" in text) == (shown < people)
    assert f"| {people} | +{people} -0 |" in text
    assert (shown < people) == (people > 300)
    assert text.count("<details>") == text.count("</details>") == 2


def test_each_of_several_large_hubs_gets_its_share() -> None:
    plans = [plan(*(invite(number) for number in range(2_000)), hub=f"hub-{each}") for each in range(3)]
    text = markdown(plans)
    assert len(text) <= LONGEST
    assert text.count("<details><summary>Changes for") == 3
    assert text.count("**Cut**") == 3


def test_room_that_a_small_hub_leaves_goes_to_the_next() -> None:
    large = plan(*(invite(number) for number in range(2_000)), hub="large")
    alone = markdown([large]).count("(p")
    assert markdown([plan(invite(1)), large]).count("(p") > alone * 0.95


def test_thousands_of_hubs_are_cut_with_a_word() -> None:
    text = markdown([plan(hub=f"hub-{number}") for number in range(2_000)])
    assert len(text) <= LONGEST
    assert "**Cut here**: 2000 hubs are too many" in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("@everyone", "- `@everyone` (p1)"),
        ("a`b``c", "- ``` a`b``c ``` (p1)"),
        ("<script>\n- x", "- `<script> - x` (p1)"),
        (" ", "- ` ` (p1)"),
    ],
)
def test_names_are_data(name: str, shown: str) -> None:
    assert shown in markdown([plan(invite(1, name))]).splitlines()


@pytest.mark.parametrize(
    ("warning", "shown"),
    [
        ("the <b> of *all*", "- **Warning**: the \\<b\\> of \\*all\\*"),
        ("`plan --refresh` reads it", "- **Warning**: `plan --refresh` reads it"),
        ("one ` alone @all", "- **Warning**: `` one ` alone @all ``"),
    ],
)
def test_sentences_keep_their_code_and_nothing_else(warning: str, shown: str) -> None:
    assert shown in markdown([plan(warnings=(warning,))]).splitlines()
