"""Tests inside mappings: what passes, what fails and by which rule, and what no test holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from scim_bridge.mapping.model import Expectation, Grant, GroupId, HubMapping, MappingTest, Partner, Place
from scim_bridge.mapping.run_tests import Failure, Gap, Outcome, run_tests, uncovered, unnoticed

Rules = Callable[..., HubMapping]

TODAY = date(2026, 3, 1)
HERE = Place("mappings/acme.yaml", 90, 5)
GRANTS = """\
  - {name: staff, group: Staff, except: title co "Intern", role: member}
  - {name: leads, group: {id: g-leads}, role: owner}
  - {name: core, group: "team-{team}", assets: {"team/{team}": member}}
  - {name: boards, group: Boards, assets: {board/Roadmap: [edit, view]}}
"""


Said = tuple[str, str, tuple[str, ...]]
"""What was expected, what came out, and the rules that gave it."""


def a_test(*groups: str | GroupId, expect: Expectation | None, source: str | None = None, **person: Any) -> MappingTest:
    return MappingTest({"userName": "ana@acme.example", **person}, groups, expect, HERE, source)


@pytest.fixture
def hub(rules: Rules) -> HubMapping:
    return rules(GRANTS)


def run(hub: HubMapping, *tests: MappingTest) -> Outcome:
    return run_tests(replace(hub, tests=tests), today=TODAY)


def roles(role: str | None = None, because: str | None = None, **assets: tuple[str, ...]) -> Expectation:
    """``core=("member",)`` is ``team/core``."""
    named = {f"team/{name}": given for name, given in assets.items()} or None
    return Expectation(role, because, named)


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(a_test("Staff", expect=roles("member")), id="role"),
        pytest.param(a_test("staff", expect=roles("member", "staff")), id="because-in-another-case-of-the-group"),
        pytest.param(a_test("Staff", GroupId("g-leads"), expect=roles("owner", "leads")), id="group-by-id"),
        pytest.param(a_test("Staff", "team-core", expect=roles(core=("member",))), id="assets"),
        pytest.param(a_test("Staff", "team-Core", expect=roles(core=("member",))), id="assets-in-any-case"),
        pytest.param(a_test("Staff", "team-core", expect=roles("member")), id="what-is-not-said-is-not-tested"),
        pytest.param(a_test("Staff", expect=Expectation(assets={})), id="no-assets"),
        pytest.param(
            a_test("Staff", "Boards", expect=Expectation(assets={"board/roadmap": ("view", "edit")})),
            id="the-order-of-roles-does-not-matter",
        ),
        pytest.param(a_test("Staff", title="Intern", expect=None), id="nothing"),
        pytest.param(a_test("Staff", active=False, expect=None), id="nothing-for-the-inactive"),
        pytest.param(a_test("team-core", expect=None), id="nothing-for-assets-alone"),
        pytest.param(a_test(expect=None), id="nobody"),
    ],
)
def test_a_test_that_passes(hub: HubMapping, test: MappingTest) -> None:
    assert run(hub, test) == Outcome("acme", 1, ())


@pytest.mark.parametrize(
    ("test", "failures"),
    [
        pytest.param(
            a_test("Staff", expect=roles("owner")),
            [("role owner", "role member", ("staff",))],
            id="another-role",
        ),
        pytest.param(
            a_test("Staff", expect=None), [("nothing", "role member", ("staff",))], id="a-seat-instead-of-nothing"
        ),
        pytest.param(
            a_test("Staff", GroupId("g-leads"), expect=roles("owner", "staff")),
            [("role owner by staff", "role owner", ("leads",))],
            id="another-rule",
        ),
        pytest.param(
            a_test("Sales", expect=roles("member", "staff")),
            [("role member by staff", 'nothing; staff: not in group "Staff"', ())],
            id="nothing-instead-of-a-seat",
        ),
        pytest.param(
            a_test(GroupId("g-leads"), expect=Expectation(because="staff")),
            [("a seat by staff", "role owner", ("leads",))],
            id="another-rule-whatever-the-role",
        ),
        pytest.param(
            a_test("Sales", expect=roles("member", core=("member",))),
            [("role member", 'nothing; staff: not in group "Staff"', ())],
            id="no-seat-is-said-once-not-for-each-asset",
        ),
        pytest.param(
            a_test("Sales", expect=roles(core=("member",))),
            [("team/core member", 'no team/core; staff: not in group "Staff"', ())],
            id="an-asset-without-a-seat",
        ),
        pytest.param(
            a_test("Staff", title="Intern", expect=roles("member")),
            [("role member", 'nothing; staff: `except` title co "Intern" holds', ())],
            id="kept-out-by-a-condition",
        ),
        pytest.param(
            a_test("Staff", active=False, expect=roles("member")),
            [("role member", "nothing; every user of this person is inactive or deleted", ())],
            id="inactive",
        ),
        pytest.param(
            a_test("Staff", expect=roles("member", core=("member",))),
            [("team/core member", "no team/core", ())],
            id="an-asset-is-missing",
        ),
        pytest.param(
            a_test("Staff", "team-core", expect=Expectation(assets={})),
            [("no team/core", "team/core member", ("core",))],
            id="an-asset-too-many",
        ),
        pytest.param(
            a_test("Staff", "team-core", expect=roles("owner", core=("maintainer",))),
            [("role owner", "role member", ("staff",)), ("team/core maintainer", "team/core member", ("core",))],
            id="two-things-of-one-test",
        ),
        pytest.param(
            a_test("Staff", expect=Expectation(assets={"team/core": ()})), [], id="an-asset-with-no-roles-is-not-held"
        ),
    ],
)
def test_a_test_that_fails(
    hub: HubMapping, test: MappingTest, failures: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert run(hub, test).failures == tuple(Failure(HERE, "ana@acme.example", *each) for each in failures)


@pytest.mark.parametrize(
    ("person", "who"),
    [({"userName": "kim"}, "kim"), ({"displayName": "Kim"}, "Kim"), ({"title": "Intern"}, "Intern"), ({}, "somebody")],
)
def test_who_failed(hub: HubMapping, person: Mapping[str, Any], who: str) -> None:
    test = MappingTest(person, (), Expectation("member"), HERE)
    assert [failure.who for failure in run(hub, test).failures] == [who]


def test_conditions_see_the_groups_of_a_test(rules: Rules) -> None:
    hub = rules('  - {name: both, where: groups.display eq "A" and groups.value eq "g-b", role: member}\n')
    assert run(hub, a_test("A", GroupId("g-b"), expect=roles("member"))).failures == ()


# Gaps


def gaps(found: list[Gap]) -> list[str]:
    return [gap.what for gap in found]


def with_tests(hub: HubMapping, *tests: MappingTest) -> HubMapping:
    return replace(hub, tests=tests)


def test_rules_that_no_test_touches(hub: HubMapping) -> None:
    tested = with_tests(hub, a_test("Staff", GroupId("g-leads"), expect=roles("owner")))
    assert uncovered(tested, today=TODAY) == [
        Gap(hub.grants[2].place, "rule core"),
        Gap(hub.grants[3].place, "rule boards"),
    ]
    assert gaps(uncovered(with_tests(hub), today=TODAY)) == ["rule staff", "rule leads", "rule core", "rule boards"]


def test_a_rule_is_touched_though_another_wins_or_no_seat_comes_of_it(hub: HubMapping) -> None:
    tested = with_tests(hub, a_test("Boards", "team-x", expect=None), a_test("Staff", GroupId("g-leads"), expect=None))
    assert uncovered(tested, today=TODAY) == []


def test_rules_that_could_go_unnoticed(hub: HubMapping) -> None:
    tested = with_tests(
        hub,
        a_test("Staff", "team-core", expect=roles("member", core=("member",))),
        a_test("Staff", GroupId("g-leads"), expect=roles("owner")),
        a_test("Staff", "Boards", expect=roles("member")),
    )
    assert gaps(unnoticed(tested, today=TODAY)) == ["scope", "except of rule staff", "rule boards"]


def test_every_rule_and_condition_is_held(hub: HubMapping) -> None:
    tested = with_tests(
        replace(hub, scope=None),
        a_test("Staff", title="Intern", expect=None),
        a_test("Staff", "team-core", "Boards", expect=roles("member")),
        a_test("Staff", "team-core", expect=roles("member", core=("member",))),
        a_test("Staff", "Boards", expect=Expectation(assets={"board/roadmap": ("edit", "view")})),
        a_test(GroupId("g-leads"), expect=roles("owner")),
    )
    assert unnoticed(tested, today=TODAY) == []


def test_a_test_that_fails_notices_nothing(hub: HubMapping) -> None:
    tested = with_tests(replace(hub, scope=None, grants=hub.grants[1:2]), a_test("Staff", expect=roles("owner")))
    assert gaps(unnoticed(tested, today=TODAY)) == ["rule leads"]


def test_either_half_of_a_rule_with_group_and_condition(rules: Rules) -> None:
    hub = replace(rules('  - {name: both, group: A, where: title eq "x", role: member}\n'), scope=None)
    only_good = with_tests(hub, a_test("A", title="x", expect=roles("member")))
    assert gaps(unnoticed(only_good, today=TODAY)) == ["group of rule both", "where of rule both"]
    held = with_tests(
        hub,
        a_test("A", title="x", expect=roles("member")),
        a_test("A", expect=None),
        a_test(title="x", expect=None),
    )
    assert unnoticed(held, today=TODAY) == []


def test_a_rule_of_one_source_needs_a_person_of_another(hub: HubMapping) -> None:
    only = replace(hub, scope=None, grants=(replace(hub.grants[1], source="okta"),))
    leads = GroupId("g-leads")
    mine, others = a_test(leads, source="okta", expect=roles("owner")), a_test(leads, expect=None)
    assert run(only, mine, others).failures == ()
    assert gaps(unnoticed(with_tests(only, mine), today=TODAY)) == ["source of rule leads"]
    assert unnoticed(with_tests(only, mine, others), today=TODAY) == []


def test_a_rule_that_has_ended(hub: HubMapping) -> None:
    ended = replace(hub, grants=(replace(hub.grants[1], until=date(2026, 2, 28)),))
    (failure,) = run(ended, a_test(GroupId("g-leads"), expect=roles("owner"))).failures
    assert failure.came_out == "nothing; leads: it ended with 2026-02-28 (`until`)"
    assert gaps(uncovered(with_tests(ended, a_test(GroupId("g-leads"), expect=None)), today=TODAY)) == ["rule leads"]


# Hub roles


HELPERS = """\
  - {name: staff, group: Staff, role: member}
  - {name: helpers, group: Helpers, hub_role: collaborator}
  - {name: leads, group: Leads, hub_role: manager}
"""


@pytest.fixture
def helped(rules: Rules) -> HubMapping:
    """``helpers`` and ``leads`` give hub roles and no seat."""
    return replace(rules(HELPERS), scope=None)


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(a_test("Leads", expect=Expectation(hub_role="manager")), id="hub-role"),
        pytest.param(a_test("Leads", "Helpers", expect=Expectation(hub_role="manager")), id="the-highest"),
        pytest.param(a_test("Leads", expect=Expectation(because="leads", hub_role="manager")), id="because"),
        pytest.param(
            a_test("Staff", "Leads", expect=Expectation("member", "staff", hub_role="manager")),
            id="because-is-about-the-seat-where-a-role-is-expected",
        ),
        pytest.param(a_test("Leads", expect=Expectation("", hub_role="manager")), id="a-hub-role-and-no-seat"),
        pytest.param(a_test("Staff", expect=Expectation("member", hub_role="")), id="a-seat-and-no-hub-role"),
        pytest.param(a_test("Staff", "Leads", expect=Expectation("member")), id="what-is-not-said-is-not-tested"),
        pytest.param(a_test("Sales", expect=Expectation("", hub_role="")), id="neither"),
    ],
)
def test_a_hub_role_comes_out(helped: HubMapping, test: MappingTest) -> None:
    assert run(helped, test).failures == ()


@pytest.mark.parametrize(
    ("test", "failures"),
    [
        pytest.param(
            a_test("Staff", "Helpers", expect=Expectation(hub_role="manager")),
            [("hub role manager", "hub role collaborator", ("helpers",))],
            id="another-hub-role",
        ),
        pytest.param(
            a_test("Staff", expect=Expectation(hub_role="manager")),
            [("hub role manager", "no hub role", ())],
            id="no-hub-role",
        ),
        pytest.param(
            a_test("Staff", "Leads", expect=Expectation(because="helpers", hub_role="manager")),
            [("hub role manager by helpers", "hub role manager", ("leads",))],
            id="by-another-rule",
        ),
        pytest.param(
            a_test("Staff", "Leads", expect=Expectation(hub_role="")),
            [("no hub role", "hub role manager", ("leads",))],
            id="one-too-many",
        ),
        pytest.param(
            a_test("Staff", "Leads", expect=None),
            [("nothing", "role member", ("staff",)), ("nothing", "hub role manager", ("leads",))],
            id="nothing-is-no-hub-role-either",
        ),
        pytest.param(
            a_test("Staff", expect=Expectation("", hub_role="")),
            [("no role", "role member", ("staff",))],
            id="a-seat-instead-of-none",
        ),
        pytest.param(
            a_test("Sales", expect=Expectation("member", hub_role="manager")),
            [
                ("role member", 'nothing; staff: not in group "Staff"', ()),
                ("hub role manager", 'no hub role; staff: not in group "Staff"', ()),
            ],
            id="neither-of-both",
        ),
    ],
)
def test_a_hub_role_that_comes_out_otherwise(helped: HubMapping, test: MappingTest, failures: list[Said]) -> None:
    assert [(each.expected, each.came_out, each.by) for each in run(helped, test).failures] == failures


def test_a_rule_that_gives_a_hub_role_alone_is_missed_by_a_test_that_expects_it(helped: HubMapping) -> None:
    staff = a_test("Staff", expect=roles("member"))
    leads = a_test("Leads", expect=Expectation(hub_role="manager"))
    helpers = a_test("Helpers", expect=Expectation(hub_role="collaborator"))
    assert gaps(unnoticed(with_tests(helped, staff, leads), today=TODAY)) == ["rule helpers"]
    assert gaps(uncovered(with_tests(helped, staff, leads), today=TODAY)) == ["rule helpers"]
    assert unnoticed(with_tests(helped, staff, leads, helpers), today=TODAY) == []


def test_a_test_that_says_nothing_of_hub_roles_does_not_miss_one(helped: HubMapping) -> None:
    both = a_test("Staff", "Leads", expect=roles("member"))
    assert gaps(unnoticed(with_tests(helped, both), today=TODAY)) == ["rule helpers", "rule leads"]


def test_rules_about_partners_are_no_matter_of_tests(hub: HubMapping) -> None:
    agency = Grant("agency", HERE, partner=Partner("1", "Bright", "jo@acme.example"))
    partners = replace(hub, scope=None, grants=(agency,), tests=(a_test(expect=None),))
    assert uncovered(partners, today=TODAY) == []
    assert unnoticed(partners, today=TODAY) == []
