"""The keys that say more than who is in which group: what each means, and its default."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import (
    Expectation,
    Grant,
    GroupId,
    HubMapping,
    Login,
    MappingTest,
    MatchRule,
    MaxRemovals,
    Partner,
    Safety,
    Step,
)

Load = Callable[..., MappingSet]

HEAD = """\
app: able
connect: {org: acme, token: "env:T"}
roles: [owner, member]
asset_roles: {team: [maintainer, member]}
"""
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GOOD = HEAD + "grants: [{name: staff, group: Staff, role: member}]\n"


@pytest.fixture
def read(load: Load) -> Callable[..., HubMapping]:
    return lambda more, **where: load(acme=GOOD + more, **where).hubs["acme"]


Read = Callable[..., HubMapping]


def test_defaults(read: Read) -> None:
    hub = read("")
    assert (hub.profile, hub.login, hub.is_manual_fallback, hub.tests) == ({}, Login("sso"), False, ())
    assert hub.safety == Safety(keep_at_least={"owner": 1})
    assert (hub.safety.unmanaged, hub.safety.drift) == ("report", "report")
    assert (hub.safety.approve_roles, hub.safety.create_assets) == ((), ())


def test_defaults_of_a_rule(read: Read) -> None:
    [grant] = read("").grants
    assert (grant.hub_role, grant.source, grant.until, grant.partner) == (None, None, None, None)


@pytest.mark.parametrize(
    ("more", "safety"),
    [
        ("approve_roles: owner", Safety(approve_roles=("owner",))),
        ("approve_roles: [owner, member]", Safety(approve_roles=("owner", "member"))),
        ("create_assets: [team]", Safety(create_assets=("team",))),
        ("unmanaged: hold", Safety(unmanaged="hold")),
        ("drift: fix", Safety(drift="fix")),
    ],
)
def test_safety(read: Read, more: str, safety: Safety) -> None:
    found = read(f"safety: {{{more}, keep_at_least: {{owner: 0}}}}\n").safety
    assert (found.approve_roles, found.create_assets) == (safety.approve_roles, safety.create_assets)
    assert (found.unmanaged, found.drift) == (safety.unmanaged, safety.drift)


@pytest.mark.parametrize(
    ("login", "means"),
    [
        ("sso", Login("sso")),
        ("{method: sso}", Login("sso")),
        ("vault", Login("vault")),
        ("{method: vault, mfa: totp, rotate: 90d}", Login("vault", "totp", 90 * 86_400)),
        ("{method: vault, rotate: 1d}", Login("vault", None, 86_400)),
    ],
)
def test_login(read: Read, login: str, means: Login) -> None:
    assert read(f"login: {login}\n").login == means


@pytest.mark.parametrize(
    ("rule", "means"),
    [
        ("{account: email, person: emails.value}", MatchRule("email", "emails.value")),
        ("{account: email, person: EMAILS.Value}", MatchRule("email", "emails.value")),
        ("{account: email, person: userName}", MatchRule("email", "userName")),
        ("{account: login, person: emails.value}", MatchRule("login", "emails.value")),
        ("{account: email, person: emails.value, review: true}", MatchRule("email", "emails.value", review=True)),
        ("{account: login, person: userName}", MatchRule("login", "userName", review=True)),
        ("{account: login, person: nickName}", MatchRule("login", "nickName", review=True)),
        ("{account: name, person: name.formatted}", MatchRule("name", "name.formatted", review=True)),
        ("{account: name, person: displayName}", MatchRule("name", "displayName", review=True)),
        ("{account: login, person: externalId}", MatchRule("login", "externalId", review=True)),
        ("{account: email, person: nickName}", MatchRule("email", "nickName", review=True)),
        (
            "{account: login, person: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber'}",
            MatchRule(
                "login", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", review=True
            ),
        ),
    ],
)
def test_match_only_proposes_what_is_no_address(read: Read, rule: str, means: MatchRule) -> None:
    assert read(f"match: [{rule}]\n").match == (means,)


def test_steps_may_suspend_where_the_app_can(read: Read) -> None:
    hub = read("leave: {disabled: [{after: 0, do: suspend}, {after: 30d, do: remove}]}\n")
    assert hub.disabled == (Step(0, "suspend"), Step(30 * 86_400, "remove"))


def test_profile_keeps_its_templates_as_written(read: Read) -> None:
    text = 'profile: {userName: "{userName|lower}", title: "{title|default:Staff}", n: "{name.givenName} x"}\n'
    assert read(text).profile == {
        "userName": "{userName|lower}",
        "title": "{title|default:Staff}",
        "n": "{name.givenName} x",
    }


def test_people_do_what_the_app_cannot(load: Load) -> None:
    text = GOOD.replace("able", "forge").replace("{org", "{fallback: manual, org")
    text += "leave: {disabled: {after: 0, do: suspend}}\nprofile: {n: '{userName}'}\nsafety: {create_assets: team}\n"
    hub = load(acme=text).hubs["acme"]
    assert hub.is_manual_fallback
    assert hub.connect == {"org": "acme", "token": "env:T"}


class TestRules:
    """Who gets it, of which source, until when."""

    def grant(self, load: Load, rule: str) -> Grant:
        return load(acme=HEAD + f"grants: [{rule}]\n").hubs["acme"].grants[0]

    def test_source(self, load: Load) -> None:
        assert self.grant(load, "{name: a, group: A, role: member, source: okta}").source == "okta"

    @pytest.mark.parametrize("until", ["2027-03-31", "'2027-03-31'"])
    def test_until(self, load: Load, until: str) -> None:
        assert self.grant(load, f"{{name: a, group: A, role: member, until: {until}}}").until == date(2027, 3, 31)

    @pytest.mark.parametrize("role", ["owner", "manager", "collaborator"])
    def test_hub_role_is_enough_to_give(self, load: Load, role: str) -> None:
        grant = self.grant(load, f"{{name: a, group: A, hub_role: {role}}}")
        assert (grant.hub_role, grant.role) == (role, None)

    def test_partner(self, load: Load) -> None:
        rule = (
            '{name: a, partner: {id: "66", name: Bright, owner: jo@acme.example}, '
            "assets: {team/x: member}, until: 2027-01-31}"
        )
        grant = self.grant(load, rule)
        assert grant.partner == Partner("66", "Bright", "jo@acme.example")
        assert (grant.groups, grant.where) == ((), None)


class TestEnvironments:
    """The setting ``environment`` picks one; its keys are merged over the file."""

    def test_without_the_environment_the_file_stands(self, read: Read) -> None:
        assert read("environments: {staging: {connect: {org: sandbox}}}\n").connect["org"] == "acme"

    def test_connect_is_merged_by_key_and_the_tenant_follows(self, read: Read) -> None:
        hub = read("environments: {staging: {connect: {org: Sandbox}}}\n", environment="staging")
        assert hub.connect == {"org": "Sandbox", "token": "env:T"}
        assert hub.tenant == "sandbox"

    def test_another_way_to_connect_replaces_the_files(self, read: Read) -> None:
        more = "environments: {staging: {connect: {app_id: '1', private_key: 'file:/k'}}}\n"
        hub = read(more, environment="staging")
        assert hub.connect == {"org": "acme", "app_id": "1", "private_key": "file:/k"}

    def test_a_key_of_safety_is_replaced_whole(self, read: Read) -> None:
        more = "safety: {settle: 5m, max_removals: {count: 5, percent: 10}}\n"
        more += "environments: {staging: {safety: {max_removals: {count: 500}}}}\n"
        safety = read(more, environment="staging").safety
        assert (safety.max_removals, safety.settle_s) == (MaxRemovals(500, None), 300)

    def test_limits_check_and_login(self, read: Read) -> None:
        more = "limits: {rate: 2, burst: 7}\nlogin: {method: vault, mfa: totp}\n"
        more += "environments: {staging: {limits: {rate: 9}, check: 1h, login: sso}}\n"
        hub = read(more, environment="staging")
        assert hub.limits is not None
        assert (hub.limits.rate, hub.limits.burst, hub.check_s, hub.login) == (9.0, 7, 3_600, Login("sso"))

    def test_what_the_file_leaves_out_an_environment_may_give(self, load: Load) -> None:
        text = GOOD.replace("org: acme, ", "") + "environments: {production: {connect: {org: acme}}}\n"
        assert load(acme=text).hubs["acme"].tenant == "acme"

    def test_people_may_stand_in_in_one_environment_only(self, read: Read, load: Load) -> None:
        text = GOOD.replace("able", "forge")
        text += "environments: {production: {connect: {fallback: manual}}}\nprofile: {n: '{userName}'}\n"
        assert load(acme=text).hubs["acme"].is_manual_fallback


class TestTests:
    """A person, and what they must come out with."""

    def test_person_groups_and_what_is_expected(self, read: Read) -> None:
        [test] = read(
            "tests:\n"
            "- person: {userName: ana@acme.example, active: true, groups: [Staff, {id: g7}], "
            "emails: [{value: a@b.example, primary: true}]}\n"
            "  expect: {role: member, because: STAFF, assets: {team/core: member}}\n"
        ).tests
        assert test.person == {
            "userName": "ana@acme.example",
            "active": True,
            "emails": [{"value": "a@b.example", "primary": True}],
        }
        assert test.groups == ("Staff", GroupId("g7"))
        assert test.expect == Expectation("member", "staff", {"team/core": ("member",)})
        assert str(test.place) == "mappings/acme.yaml:7:3"

    def test_nothing(self, read: Read) -> None:
        [test] = read("tests: [{person: {userName: kim}, expect: nothing}]\n").tests
        assert (test.expect, test.groups, test.source) == (None, (), None)

    def test_what_is_not_said_is_not_tested(self, read: Read) -> None:
        [test] = read("tests: [{person: {userName: kim}, expect: {role: member}}]\n").tests
        assert test.expect == Expectation("member", None, None)

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("hub_role: manager", Expectation(hub_role="manager")),
            ("{role: nothing, hub_role: owner}", Expectation("", hub_role="owner")),
            ("{role: member, hub_role: nothing}", Expectation("member", hub_role="")),
            ("{assets: {}}", Expectation(assets={})),
        ],
    )
    def test_hub_roles_and_what_must_not_come_out(self, read: Read, said: str, expected: Expectation) -> None:
        said = said if said.startswith("{") else f"{{{said}}}"
        [test] = read(f"tests: [{{person: {{userName: kim}}, expect: {said}}}]\n").tests
        assert test.expect == expected

    def test_a_person_of_one_source(self, read: Read) -> None:
        [test] = read("tests: [{person: {userName: kim}, source: okta, expect: nothing}]\n").tests
        assert test.source == "okta"

    def test_values_are_those_of_json(self, read: Read) -> None:
        urn = "urn:acme:2.0:User"
        [test] = read(
            f"tests: [{{person: {{'{urn}': {{level: 7, rate: 1.5, none: ~, hex: 0x1f}}}}, expect: nothing}}]\n"
        ).tests
        assert test.person == {urn: {"level": 7, "rate": 1.5, "none": None, "hex": "0x1f"}}

    def test_no_tests(self, read: Read) -> None:
        assert read("tests: []\n").tests == ()

    def test_tests_are_values(self, read: Read) -> None:
        assert isinstance(read("tests: {person: {userName: kim}, expect: nothing}\n").tests[0], MappingTest)
