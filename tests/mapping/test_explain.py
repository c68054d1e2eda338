"""Why somebody has nothing: the nearest rules and what each was missing."""

from __future__ import annotations

from collections.abc import Callable

from mapping_kit import ENTRA, OKTA, TODAY, group, person, user

from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.mapping.evaluate import Bound
from scim_bridge.mapping.explain import nearest
from scim_bridge.mapping.model import HubMapping

Rules = Callable[..., HubMapping]

GRANTS = """\
- {name: staff, group: [Staff, "x-*", {id: g9}], role: member}
- {name: leads, group: Leads, where: title eq "Lead", except: userType eq "Vendor", role: owner}
- {name: extra, group: Extra, assets: {team/extra: member}}
- {name: gold, group: Gold, where: title eq "Gold", role: owner}
"""


def missing(hub: HubMapping, who: PersonFact, bound: Bound | None = None) -> list[tuple[str, str]]:
    return [(near.rule, near.missing) for near in nearest(hub, who, bound or {}, TODAY)]


def test_the_rules_that_lack_least_come_first(rules: Rules) -> None:
    found = nearest(rules(GRANTS), person(user("Leads")), {}, TODAY)
    assert [near.rule for near in found] == ["staff", "leads", "extra"]
    assert str(found[1].place) == "mappings/acme.yaml:8:3"


def test_a_group_that_is_missing_is_named(rules: Rules) -> None:
    assert missing(rules(GRANTS), person(user()))[0] == (
        "staff",
        'not in group "Staff" or a group like "x-*" or the group with id g9',
    )


def test_conditions_are_named(rules: Rules) -> None:
    found = dict(missing(rules(GRANTS), person(user("Leads", userType="vendor"))))
    assert found["extra"] == 'not in group "Extra"'
    found = dict(missing(rules(GRANTS[GRANTS.index("- {name: leads") :]), person(user("Leads", userType="vendor"))))
    assert found["leads"] == '`where` title eq "Lead" does not hold and `except` userType eq "Vendor" holds'


def test_out_of_scope_is_said(rules: Rules) -> None:
    hub = rules("- {name: staff, group: Staff, role: member}\n", scope='userType eq "Employee"')
    assert missing(hub, person(user("Staff"))) == [
        ("staff", 'out of scope in source okta: `scope` userType eq "Employee" does not hold')
    ]


def test_a_group_that_took_a_bound_name_is_said(rules: Rules) -> None:
    hub = rules("- {name: staff, group: [Staff, {id: g1}], role: member}\n- {name: b, group: B, role: member}\n")
    found = dict(missing(hub, person(user(group("Staff", id=5))), {(OKTA, "staff"): "g4"}))
    assert found["staff"] == (
        'the group now called "Staff" in source okta is not the one that was bound; '
        "if it is meant: `scim-bridge binding list`, then `scim-bridge binding confirm ID`"
    )
    assert found["b"] == 'not in group "B"'


def test_a_leaver_has_no_nearest_rule(rules: Rules) -> None:
    found = nearest(rules(GRANTS), person(user("Staff", active=False)), {}, TODAY)
    assert [(near.rule, near.missing) for near in found] == [("", "every user of this person is inactive or deleted")]


def test_assets_wait_for_a_seat(rules: Rules) -> None:
    assert ("extra", "it gives assets only, and no rule gives a seat") in missing(rules(GRANTS), person(user("Extra")))


def test_what_holds_is_left_out(rules: Rules) -> None:
    found = missing(rules(GRANTS), person(user("Extra", "Staff")))
    assert [rule for rule, _ in found] == ["leads", "gold"]


def test_the_nearest_user_of_a_person_counts(rules: Rules) -> None:
    who = person(user("Leads"), user(source=ENTRA, title="Gold"))
    assert dict(missing(rules(GRANTS), who)) == {
        "staff": 'not in group "Staff" or a group like "x-*" or the group with id g9',
        "leads": '`where` title eq "Lead" does not hold',
        "extra": 'not in group "Extra"',
    }


def test_as_many_as_asked_for(rules: Rules) -> None:
    assert len(nearest(rules(GRANTS), person(user()), {}, TODAY, at_most=1)) == 1


def test_a_rule_of_another_source_and_one_that_ended_say_so(rules: Rules) -> None:
    hub = rules(
        "- {name: theirs, group: Staff, source: entra, role: member}\n"
        "- {name: over, group: Staff, role: member, until: 2020-01-31}\n"
    )
    assert missing(hub, person(user("Staff"))) == [
        ("theirs", "it holds for users of source entra only, not okta"),
        ("over", "it ended with 2020-01-31 (`until`)"),
    ]
