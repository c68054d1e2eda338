"""What every rule that holds gives: what counts, and what is outranked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from mapping_kit import ENTRA, person, user

from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.mapping.contributions import contributions
from scim_bridge.mapping.evaluate import evaluate
from scim_bridge.mapping.model import HubMapping

Rules = Callable[..., HubMapping]

GRANTS = """\
- {name: staff, group: Staff, role: member}
- {name: leads, group: Leads, role: owner, assets: {team/core: maintainer}}
- {name: core, group: [Core, "x-*"], assets: {team/Core: member, board/roadmap: [view, comment]}}
- {name: editors, group: Editors, assets: {board/roadmap: edit}}
- {name: managers, group: Managers, hub_role: manager}
- {name: bosses, group: Bosses, hub_role: owner, until: 2026-12-31}
- {name: teams, group: "t-{team}", assets: {"team/{team}": member}}
"""
TODAY = date(2026, 11, 25)
Given = list[tuple[str, str, str, str | None]]


def given(hub: HubMapping, who: PersonFact) -> Given:
    """``(thing, role, rule, outranked by)``."""
    found = contributions(hub, who, {}, evaluate(hub, who, {}, TODAY), TODAY)
    return [(one.thing, one.role, one.grant.name, one.outranked_by) for one in found]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param(["Staff"], [("seat", "member", "staff", None)], id="one-rule"),
        pytest.param(
            ["Staff", "Leads"],
            [
                ("seat", "owner", "leads", None),
                ("seat", "member", "staff", "owner"),
                ("team/core", "maintainer", "leads", None),
            ],
            id="a-lower-role-is-outranked",
        ),
        pytest.param(
            ["Leads", "Core"],
            [
                ("seat", "owner", "leads", None),
                ("board/roadmap", "comment", "core", None),
                ("board/roadmap", "view", "core", None),
                ("team/core", "maintainer", "leads", None),
                ("team/Core", "member", "core", "maintainer"),
            ],
            id="an-asset-role-is-outranked-in-any-spelling",
        ),
        pytest.param(
            ["Staff", "x-1", "Editors"],
            [
                ("seat", "member", "staff", None),
                ("board/roadmap", "comment", "core", None),
                ("board/roadmap", "view", "core", None),
                ("board/roadmap", "edit", "editors", None),
                ("team/Core", "member", "core", None),
            ],
            id="roles-that-add-up-all-count",
        ),
        pytest.param(
            ["Staff", "t-web", "t-app"],
            [
                ("seat", "member", "staff", None),
                ("team/app", "member", "teams", None),
                ("team/web", "member", "teams", None),
            ],
            id="each-group-of-a-pattern",
        ),
        pytest.param(
            ["Managers", "Bosses", "Core"],
            [("hub_role", "owner", "bosses", None), ("hub_role", "manager", "managers", "owner")],
            id="a-hub-role-needs-no-seat",
        ),
        pytest.param(["Core"], [], id="assets-without-a-seat-are-nothing"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_each_rule_gives(rules: Rules, groups: list[str], expected: Given) -> None:
    assert given(rules(GRANTS), person(user(*groups))) == expected


def test_a_rule_that_holds_for_two_users_is_named_once_with_both(rules: Rules) -> None:
    who = person(user("Staff"), user("Staff", source=ENTRA))
    hub = rules(GRANTS)
    (one,) = contributions(hub, who, {}, evaluate(hub, who, {}, TODAY), TODAY)
    assert [ground.user.source for ground in one.grounds] == ["okta", "entra"]
