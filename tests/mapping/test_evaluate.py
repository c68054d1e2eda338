"""MAPPING.md, "Rules of evaluation": what a person gets."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_kit import ENTRA, MAPPING, OKTA, TODAY, group, person, user

from scim_bridge.directory.snapshot import PersonFact, UserFact
from scim_bridge.mapping.compiled import HUB_ROLES
from scim_bridge.mapping.evaluate import Because, Met, evaluate
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping

Rules = Callable[..., HubMapping]

STAFF = "- {name: staff, group: Staff, role: member}\n"
BOSSES = "- {name: bosses, group: Bosses, role: owner}\n"
CORE = "- {name: core, group: Core, role: member, assets: {team/core: member}}\n"
LEADS = "- {name: leads, group: Leads, role: member, assets: {team/core: maintainer}}\n"
BOARD = "- {name: board, group: Board, role: member, assets: {board/plan: [view, comment]}}\n"
EDITORS = "- {name: editors, group: Editors, role: member, assets: {board/plan: edit}}\n"
TEAMS = '- {name: teams, group: "gh-team-{team}", role: member, assets: {"team/{team}": member}}\n'
EXTRA = "- {name: extra, group: Extra, assets: {team/extra: member}}\n"
EVERY = '- {name: every, group: Every, role: member, assets: {"team/*": member}}\n'


@pytest.mark.parametrize(
    ("grants", "who", "role", "assets"),
    [
        pytest.param(STAFF, person(user("Staff")), "member", {}, id="1-a-rule-gives-a-seat"),
        pytest.param(STAFF, person(user("Other")), None, {}, id="1-no-rule-no-seat"),
        pytest.param(STAFF + BOSSES, person(user("Staff", "Bosses")), "owner", {}, id="1-highest-role"),
        pytest.param(
            STAFF + BOSSES, person(user("Staff"), user("Bosses", source=ENTRA)), "owner", {}, id="1-union-over-users"
        ),
        pytest.param(
            CORE + LEADS,
            person(user("Core", "Leads")),
            "member",
            {"team/core": ("maintainer",)},
            id="1-exclusive-asset-roles-highest",
        ),
        pytest.param(
            BOARD + EDITORS,
            person(user("Board", "Editors")),
            "member",
            {"board/plan": ("edit", "comment", "view")},
            id="1-asset-roles-that-add-up",
        ),
        pytest.param(
            TEAMS,
            person(user("gh-team-core", "gh-team-Web")),
            "member",
            {"team/Web": ("member",), "team/core": ("member",)},
            id="2-each-group-of-a-pattern-gives-its-asset",
        ),
        pytest.param(
            CORE + TEAMS,
            person(user("Core", "gh-team-CORE")),
            "member",
            {"team/CORE": ("member",)},
            id="7-two-spellings-are-one-asset",
        ),
        pytest.param(
            TEAMS, person(user("gh-team-*", "gh-team- ")), "member", {}, id="a-group-cannot-name-itself-into-all-assets"
        ),
        pytest.param(TEAMS, person(user("gh-tea", "gh-tears-core")), None, {}, id="2-a-pattern-is-the-whole-name"),
        pytest.param(EVERY, person(user("Every")), "member", {"team/*": ("member",)}, id="7-all-assets-of-a-type"),
        pytest.param(EXTRA, person(user("Extra")), None, {}, id="3-assets-only-create-no-seat"),
        pytest.param(
            EXTRA + STAFF,
            person(user("Extra", "Staff")),
            "member",
            {"team/extra": ("member",)},
            id="3-assets-only-add-to-a-seat",
        ),
        pytest.param(
            EXTRA + STAFF,
            person(user("Extra"), user("Staff", source=ENTRA)),
            "member",
            {"team/extra": ("member",)},
            id="3-the-seat-may-come-from-another-user",
        ),
        pytest.param(
            STAFF, person(user("Staff", active=False), user(source=ENTRA)), None, {}, id="inactive-user-gives-nothing"
        ),
    ],
)
def test_what_a_person_gets(rules: Rules, grants: str, who: PersonFact, role: str | None, assets: Any) -> None:
    verdict = evaluate(rules(grants), who, {}, TODAY)
    assert (verdict.role, verdict.assets) == (role, assets)


WHERE = '- {name: de, where: \'title eq "Lead" and addresses[country eq "DE"]\', role: member}\n'
BOTH = '- {name: both, group: Staff, where: title eq "Lead", role: member}\n'
EXCEPT = '- {name: staff, group: Staff, except: title co "Intern", role: member}\n'
NOT_IN = '- {name: rest, where: not (groups.display eq "Vendors"), role: member}\n'
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DEPARTMENT = f"- {{name: dept, where: '{ENTERPRISE}:department eq \"R&D\"', role: member}}\n"
DE, FR = [{"country": "FR"}, {"country": "DE"}], [{"country": "FR"}]


@pytest.mark.parametrize(
    ("grants", "who", "gets"),
    [
        pytest.param(WHERE, person(user(title="lead", addresses=DE)), True, id="where"),
        pytest.param(WHERE, person(user(title="Lead", addresses=FR)), False, id="where-not"),
        pytest.param(
            WHERE, person(user(title="Lead"), user(source=ENTRA, addresses=DE)), False, id="one-user-at-a-time"
        ),
        pytest.param(BOTH, person(user("Staff", title="Lead")), True, id="group-and-where"),
        pytest.param(BOTH, person(user("Staff")), False, id="group-without-where"),
        pytest.param(BOTH, person(user(title="Lead")), False, id="where-without-group"),
        pytest.param(BOTH, person(user("Staff"), user(source=ENTRA, title="Lead")), False, id="both-from-one-user"),
        pytest.param(EXCEPT, person(user("Staff", title="Intern, Sales")), False, id="except"),
        pytest.param(EXCEPT, person(user("Staff")), True, id="except-of-an-absent-attribute"),
        pytest.param(
            EXCEPT, person(user("Staff", title="Intern"), user("Staff", source=ENTRA)), True, id="except-is-per-user"
        ),
        pytest.param(NOT_IN, person(user("Staff")), True, id="not-in-a-group"),
        pytest.param(NOT_IN, person(user("Staff", "vendors")), False, id="groups-are-seen-by-filters"),
        pytest.param(DEPARTMENT, person(user(**{ENTERPRISE: {"department": "r&d"}})), True, id="extension-by-urn"),
        pytest.param(DEPARTMENT, person(user(department="R&D")), False, id="extension-only-by-urn"),
    ],
)
def test_conditions(rules: Rules, grants: str, who: PersonFact, gets: bool) -> None:
    assert (evaluate(rules(grants), who, {}, TODAY).role == "member") is gets


def test_scope_is_tested_against_each_user(rules: Rules) -> None:
    hub = rules(STAFF + BOSSES, scope='not (userType eq "Vendor")')
    who = person(user("Bosses", userType="Vendor"), user("Staff", source=ENTRA))
    assert evaluate(hub, who, {}, TODAY).role == "member"


def test_scope_cannot_bring_an_inactive_user_in(rules: Rules) -> None:
    hub = rules(STAFF, scope="active eq false")
    assert evaluate(hub, person(user("Staff", active=False)), {}, TODAY).role is None


@pytest.mark.parametrize(
    ("who", "disabled"),
    [
        (person(), True),
        (person(user("Staff", active=False)), True),
        (person(user("Staff", active=False), user(source=ENTRA)), False),
    ],
)
def test_disabled_is_every_user_inactive_or_deleted(rules: Rules, who: PersonFact, disabled: bool) -> None:
    assert evaluate(rules(STAFF), who, {}, TODAY).disabled is disabled


@pytest.mark.parametrize("id_", ["g5", "entra-object-5"])
def test_a_group_is_found_by_our_id_or_the_sources(rules: Rules, id_: str) -> None:
    hub = rules(f"- {{name: staff, group: {{id: {id_}}}, role: member}}\n")
    assert evaluate(hub, person(user(group("Any", id=5, external_id="entra-object-5"))), {}, TODAY).role == "member"
    assert evaluate(hub, person(user(group(id_, id=6))), {}, TODAY).role is None


def test_any_group_of_a_list_will_do(rules: Rules) -> None:
    hub = rules('- {name: staff, group: [Staff, "x-*", {id: g9}], role: member}\n')
    for one in (group("staff"), group("x-1"), group("Nine", id=9)):
        assert evaluate(hub, person(user(one)), {}, TODAY).role == "member"


def test_because_names_the_rules_that_give_just_this(rules: Rules) -> None:
    verdict = evaluate(
        rules(STAFF + BOSSES + CORE + LEADS), person(user("Staff", "Bosses", "Core", "Leads")), {}, TODAY
    )
    assert verdict.because == {
        "seat": (Because("bosses", "mappings/acme.yaml", 8),),
        "team/core": (Because("leads", "mappings/acme.yaml", 10),),
    }


def test_because_names_every_rule_that_gives_the_same(rules: Rules) -> None:
    verdict = evaluate(rules(BOARD + EDITORS), person(user("Board", "Editors")), {}, TODAY)
    assert [why.rule for why in verdict.because["board/plan"]] == ["board", "editors"]
    assert [why.rule for why in verdict.because["seat"]] == ["board", "editors"]


OKTA_ONLY = "- {name: okta, group: Staff, source: okta, role: member}\n"
ENDS = "- {name: ends, group: Staff, role: owner, until: 2026-11-25}\n"
OVER = "- {name: over, group: Staff, role: owner, until: 2026-11-24}\n"
OWNER = "- {name: owner, group: Hub Owners, hub_role: owner}\n"
MANAGER = "- {name: manager, group: Managers, hub_role: manager, role: member}\n"


@pytest.mark.parametrize(
    ("who", "role"),
    [
        pytest.param(person(user("Staff")), "member", id="of-the-source"),
        pytest.param(person(user("Staff", source=ENTRA)), None, id="of-another-source"),
        pytest.param(person(user(), user("Staff", source=ENTRA)), None, id="the-user-must-be-of-it-not-the-person"),
        pytest.param(person(user("Staff"), user(source=ENTRA)), "member", id="another-user-does-not-matter"),
    ],
)
def test_source_limits_a_rule_to_one_sources_users(rules: Rules, who: PersonFact, role: str | None) -> None:
    assert evaluate(rules(OKTA_ONLY), who, {}, TODAY).role == role


def test_a_name_limited_to_a_source_binds_in_no_other(rules: Rules) -> None:
    assert evaluate(rules(OKTA_ONLY), person(user("Staff", source=ENTRA)), {}, TODAY).met == ()


def test_a_condition_limited_to_a_source(rules: Rules) -> None:
    hub = rules("- {name: leads, where: title eq 'Lead', source: entra, role: member}\n".replace("'", '"'))
    assert evaluate(hub, person(user(title="Lead")), {}, TODAY).role is None
    assert evaluate(hub, person(user(title="Lead", source=ENTRA)), {}, TODAY).role == "member"


@pytest.mark.parametrize(
    ("today", "role", "changes_on"),
    [
        pytest.param(date(2026, 11, 1), "owner", date(2026, 11, 26), id="before"),
        pytest.param(date(2026, 11, 25), "owner", date(2026, 11, 26), id="the-last-day-counts"),
        pytest.param(date(2026, 11, 26), "member", None, id="the-day-after"),
    ],
)
def test_until(rules: Rules, today: date, role: str, changes_on: date | None) -> None:
    verdict = evaluate(rules(STAFF + ENDS), person(user("Staff")), {}, today)
    assert (verdict.role, verdict.changes_on) == (role, changes_on)


def test_the_answer_changes_with_the_first_rule_that_ends(rules: Rules) -> None:
    later = STAFF.replace("role:", "until: 2027-01-31, role:")
    verdict = evaluate(rules(ENDS + later), person(user("Staff")), {}, TODAY)
    assert verdict.changes_on == date(2026, 11, 26)


def test_a_rule_that_does_not_hold_changes_nothing_when_it_ends(rules: Rules) -> None:
    verdict = evaluate(rules(STAFF + ENDS.replace("Staff", "Other")), person(user("Staff")), {}, TODAY)
    assert verdict.changes_on is None


def test_assets_that_wait_for_a_seat_change_nothing_when_they_end(rules: Rules) -> None:
    hub = rules("- {name: extra, group: Extra, assets: {team/x: member}, until: 2027-01-31}\n")
    assert evaluate(hub, person(user("Extra")), {}, TODAY).changes_on is None


def test_the_last_day_there_is_never_ends(rules: Rules) -> None:
    hub = rules(STAFF.replace("role:", "until: 9999-12-31, role:"))
    assert evaluate(hub, person(user("Staff")), {}, TODAY).changes_on is None


def test_a_rule_that_has_ended_binds_no_name(rules: Rules) -> None:
    verdict = evaluate(rules(OVER), person(user("Staff")), {}, TODAY)
    assert (verdict.role, verdict.met) == (None, ())


@pytest.mark.parametrize(
    ("who", "hub_role", "role"),
    [
        pytest.param(person(user("Hub Owners")), "owner", None, id="needs-no-seat"),
        pytest.param(person(user("Managers")), "manager", "member", id="beside-a-seat"),
        pytest.param(person(user("Managers", "Hub Owners")), "owner", "member", id="the-highest-wins"),
        pytest.param(person(user("Managers"), user("Hub Owners", source=ENTRA)), "owner", "member", id="over-users"),
        pytest.param(person(user("Hub Owners", active=False)), None, None, id="not-when-inactive"),
        pytest.param(person(user("Staff")), None, None, id="none"),
    ],
)
def test_hub_role(rules: Rules, who: PersonFact, hub_role: str | None, role: str | None) -> None:
    verdict = evaluate(rules(MANAGER + OWNER), who, {}, TODAY)
    assert (verdict.hub_role, verdict.role) == (hub_role, role)


def test_because_of_a_hub_role(rules: Rules) -> None:
    verdict = evaluate(rules(MANAGER + OWNER), person(user("Managers", "Hub Owners")), {}, TODAY)
    assert [why.rule for why in verdict.because["hub_role"]] == ["owner"]


def test_a_partners_rule_gives_people_nothing(load: Callable[..., MappingSet]) -> None:
    text = MAPPING.format(scope="active eq true").replace("forge", "able") + (
        '- {name: agency, partner: {id: "1", name: Bright, owner: jo@acme.example}, '
        "assets: {team/x: member}, until: 2027-01-31}\n"
    )
    verdict = evaluate(load(acme=text + STAFF).hubs["acme"], person(user("Staff")), {}, TODAY)
    assert (verdict.role, verdict.assets, verdict.changes_on) == ("member", {}, None)


class TestBinding:
    """Rule 2: a plain name holds on to the group that it first met."""

    def test_the_first_meeting_is_reported(self, rules: Rules) -> None:
        verdict = evaluate(rules(STAFF), person(user(group("STAFF", id=4))), {}, TODAY)
        assert verdict.role == "member"
        assert verdict.met == (Met(OKTA, "STAFF", "staff", "g4"),)

    def test_what_is_bound_is_not_met_again(self, rules: Rules) -> None:
        verdict = evaluate(rules(STAFF), person(user(group("Staff", id=4))), {(OKTA, "staff"): "g4"}, TODAY)
        assert (verdict.role, verdict.met, verdict.refused) == ("member", (), ())

    def test_a_rename_keeps_the_access(self, rules: Rules) -> None:
        verdict = evaluate(rules(STAFF), person(user(group("All Staff", id=4))), {(OKTA, "staff"): "g4"}, TODAY)
        assert verdict.role == "member"

    def test_another_group_of_the_name_is_refused(self, rules: Rules) -> None:
        verdict = evaluate(rules(STAFF), person(user(group("Staff", id=5))), {(OKTA, "staff"): "g4"}, TODAY)
        assert verdict.role is None
        assert verdict.refused == (Met(OKTA, "Staff", "staff", "g5"),)

    def test_a_name_binds_in_each_source_apart(self, rules: Rules) -> None:
        who = person(user(group("Staff", id=5), source=ENTRA))
        verdict = evaluate(rules(STAFF), who, {(OKTA, "staff"): "g4"}, TODAY)
        assert verdict.role == "member"
        assert verdict.met == (Met(ENTRA, "Staff", "staff", "g5"),)

    def test_of_two_namesakes_the_older_is_met(self, rules: Rules) -> None:
        verdict = evaluate(rules(STAFF), person(user(group("Staff", id=8), group("staff", id=3))), {}, TODAY)
        assert verdict.met == (Met(OKTA, "staff", "staff", "g3"),)
        assert verdict.refused == (Met(OKTA, "Staff", "staff", "g8"),)

    def test_a_name_is_met_even_where_the_rule_does_not_hold(self, rules: Rules) -> None:
        verdict = evaluate(rules(EXCEPT), person(user(group("Staff", id=4), title="Intern")), {}, TODAY)
        assert verdict.role is None
        assert verdict.met == (Met(OKTA, "Staff", "staff", "g4"),)

    def test_patterns_never_bind(self, rules: Rules) -> None:
        verdict = evaluate(rules(TEAMS), person(user("gh-team-core")), {}, TODAY)
        assert verdict.met == ()

    def test_an_inactive_user_meets_nobody(self, rules: Rules) -> None:
        assert evaluate(rules(STAFF), person(user("Staff", active=False)), {}, TODAY).met == ()


ALL = [
    *(STAFF, BOSSES, CORE, LEADS, BOARD, EDITORS, TEAMS, EXTRA, EVERY, EXCEPT.replace("staff", "staff2"), NOT_IN),
    *(OKTA_ONLY, ENDS, OVER, OWNER, MANAGER),
]
NAMES = [
    "Hub Owners",
    "Managers",
    "Staff",
    "Bosses",
    "Core",
    "Leads",
    "Board",
    "Editors",
    "gh-team-core",
    "gh-team-Web",
    "Extra",
    "Every",
]
users = st.builds(
    lambda names, active, source, title: user(*names, active=active, source=source, title=title),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.booleans(),
    st.sampled_from([OKTA, ENTRA]),
    st.sampled_from(["Intern", "Lead"]),
)


def test_however_many_different_answers_a_hub_gives_each_is_the_person_s_own(rules: Rules) -> None:
    hub = rules('- {name: all, group: "gh-{team}", role: member, assets: {"team/{team}": member}}\n')
    for number in range(1_100):
        found = evaluate(hub, person(user(f"gh-{number}")), {}, TODAY)
        assert found.assets == {f"team/{number}": ("member",)}


law = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@law
@given(given_users=st.lists(users, max_size=3), seed=st.integers(0, 1000))
def test_the_order_of_rules_does_not_matter(rules: Rules, given_users: list[UserFact], seed: int) -> None:
    hub = rules("".join(ALL))
    shuffled = replace(hub, grants=tuple(random.Random(seed).sample(hub.grants, len(hub.grants))))
    one, other = (evaluate(each, person(*given_users), {}, TODAY) for each in (hub, shuffled))
    assert (one.role, one.assets, set(one.met)) == (other.role, other.assets, set(other.met))
    assert (one.hub_role, one.changes_on) == (other.hub_role, other.changes_on)
    assert {k: set(v) for k, v in one.because.items()} == {k: set(v) for k, v in other.because.items()}


@law
@given(given_users=st.lists(users, max_size=3), kept=st.integers(0, len(ALL)))
def test_grants_only_add(rules: Rules, given_users: list[UserFact], kept: int) -> None:
    hub = rules("".join(ALL))
    fewer = evaluate(replace(hub, grants=hub.grants[:kept]), person(*given_users), {}, TODAY)
    more = evaluate(hub, person(*given_users), {}, TODAY)
    if fewer.role is not None:
        assert more.role is not None
        assert hub.roles.index(more.role) <= hub.roles.index(fewer.role)
    if fewer.hub_role is not None:
        assert more.hub_role is not None
        assert HUB_ROLES.index(more.hub_role) <= HUB_ROLES.index(fewer.hub_role)
    more_by_key = {asset.casefold(): roles for asset, roles in more.assets.items()}
    for asset, roles in fewer.assets.items():
        order = hub.asset_roles[asset.partition("/")[0]]
        held = more_by_key[asset.casefold()]
        assert order.index(held[0]) <= order.index(roles[0])
        if asset.startswith("board/"):
            assert set(roles) <= set(held)


ADMINS = "- {name: admins, group: Admins, role: owner}\n"
GUESTS = "- {name: guests, group: Guests, role: guest}\n"
ALSO_STAFF = "- {name: also-staff, group: Also, role: member}\n"


@pytest.mark.parametrize(
    ("who", "lower"),
    [
        pytest.param(person(user("Admins")), {}, id="no-lower-role"),
        pytest.param(
            person(user("Admins", "Guests", "Staff", "Also")),
            {"member": ["staff", "also-staff"], "guest": ["guests"]},
            id="highest-first-with-their-rules",
        ),
        pytest.param(person(user("Admins"), user("Guests", source=ENTRA)), {"guest": ["guests"]}, id="of-every-user"),
        pytest.param(person(user("Staff", "Guests")), {}, id="only-under-a-role-that-must-be-approved"),
        pytest.param(person(), {}, id="nobody"),
    ],
)
def test_lower_roles_under_an_approved_one(rules: Rules, who: PersonFact, lower: dict[str, list[str]]) -> None:
    hub = rules(ADMINS + STAFF + GUESTS + ALSO_STAFF)
    hub = replace(hub, safety=replace(hub.safety, approve_roles=("owner",)))
    found = evaluate(hub, who, {}, TODAY).lower
    assert {role: [why.rule for why in rules] for role, rules in found.items()} == lower
    assert list(found) == list(lower)


def test_without_approve_roles_lower_roles_are_not_looked_for(rules: Rules) -> None:
    assert evaluate(rules(ADMINS + STAFF), person(user("Admins", "Staff")), {}, TODAY).lower == {}
