"""The ten rules of evaluation, one section each, as far as they are about reading and evaluating.

Timers, settling and the brake are the engine's: ``tests/engine``. Traps have ``trap`` in their names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mapping_kit import ENTRA, MAPPING, OKTA, TODAY, group, person, user

from scim_bridge.directory.snapshot import PersonFact
from scim_bridge.mapping.evaluate import Verdict, evaluate
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.load import MappingSet
from scim_bridge.mapping.model import HubMapping, MaxRemovals

Load = Callable[..., MappingSet]
Rules = Callable[..., HubMapping]

STAFF = "- {name: staff, group: Staff, role: member}\n"


def gets(hub: HubMapping, who: PersonFact) -> Verdict:
    return evaluate(hub, who, {}, TODAY)


class TestRule1EveryMatchingGrant:
    """A person gets what every matching grant says; each user is tested alone."""

    GRANTS = STAFF + (
        "- {name: guests, group: Guests, role: guest}\n"
        "- {name: bosses, group: Bosses, role: owner}\n"
        "- {name: view, group: Staff, assets: {board/plan: view}}\n"
        "- {name: edit, group: Bosses, assets: {board/plan: edit}}\n"
        "- {name: core, group: Staff, assets: {team/core: member}}\n"
        "- {name: lead, group: Bosses, assets: {team/core: maintainer}}\n"
    )

    @pytest.mark.parametrize(
        ("groups", "role", "assets"),
        [
            pytest.param(["Guests"], "guest", {}, id="one"),
            pytest.param(["Guests", "Staff"], "member", {"board/plan": ("view",), "team/core": ("member",)}, id="two"),
            pytest.param(
                ["Staff", "Bosses"],
                "owner",
                {"board/plan": ("edit", "view"), "team/core": ("maintainer",)},
                id="highest-where-exclusive-union-where-they-add-up",
            ),
        ],
    )
    def test_all_count(self, rules: Rules, groups: list[str], role: str, assets: dict[str, Any]) -> None:
        verdict = gets(rules(self.GRANTS), person(user(*groups)))
        assert (verdict.role, verdict.assets) == (role, assets)

    def test_the_union_over_users(self, rules: Rules) -> None:
        verdict = gets(rules(self.GRANTS), person(user("Guests"), user("Bosses", source=ENTRA)))
        assert (verdict.role, list(verdict.assets)) == ("owner", ["board/plan", "team/core"])

    def test_conditions_are_never_met_by_two_users_together(self, rules: Rules) -> None:
        hub = rules('- {name: a, group: Staff, where: title eq "Lead", except: userType eq "V", role: member}\n')
        assert gets(hub, person(user("Staff"), user(source=ENTRA, title="Lead"))).role is None
        assert gets(hub, person(user("Staff", title="Lead"), user(source=ENTRA, userType="V"))).role == "member"


class TestRule2Subjects:
    """Names, patterns, ids, lists; filters."""

    @pytest.mark.parametrize(
        ("written", "name", "selected"),
        [
            pytest.param("Staff", "STAFF", True, id="case-does-not-count"),
            pytest.param("Caf\u00e9", "Cafe\u0301", True, id="composed-and-decomposed"),
            pytest.param("Staff", "Staff 2", False, id="the-whole-name"),
            pytest.param("'Staff*'", "Staff 2", True, id="star"),
            pytest.param("'Staff*'", "Staff", True, id="star-is-zero-or-more"),
            pytest.param("'Staff{x}'", "Staff", False, id="capture-is-one-or-more"),
            pytest.param("[St, Staff]", "Staff", True, id="any-of-a-list"),
            pytest.param("a.c", "abc", False, id="no-regular-expression"),
            pytest.param("'a?c'", "abc", False, id="no-question-mark"),
        ],
    )
    def test_names_and_patterns(self, rules: Rules, written: str, name: str, selected: bool) -> None:
        hub = rules(f"- {{name: a, group: {written}, role: member}}\n")
        assert (gets(hub, person(user(name))).role == "member") is selected

    def test_trap_two_captures_in_one_pattern_are_shortest_first(self, rules: Rules) -> None:
        hub = rules('- {name: a, group: "gh-{org}-{team}", role: member, assets: {"team/{team} of {org}": member}}\n')
        assert list(gets(hub, person(user("gh-Acme-core-web"))).assets) == ["team/core-web of Acme"]

    def test_trap_one_word_captured_twice_is_refused(self, rules: Rules) -> None:
        with pytest.raises(MappingError, match=r"captures \{a\} twice"):
            rules('- {name: a, group: "{a}-{a}", role: member}\n')

    def test_captures_keep_their_case(self, rules: Rules) -> None:
        hub = rules('- {name: a, group: "team-{t}", role: member, assets: {"team/{t}": member}}\n')
        assert list(gets(hub, person(user("TEAM-Core"))).assets) == ["team/Core"]

    def test_a_plain_name_keeps_its_group_and_a_pattern_follows_names(self, rules: Rules) -> None:
        hub = rules(STAFF + '- {name: pattern, group: "St?ff*", role: guest}\n'.replace("?", "a"))
        bound = {(OKTA, "staff"): "g1"}
        renamed, stranger = person(user(group("Crew", id=1))), person(user(group("Staff", id=2)))
        assert evaluate(hub, renamed, bound, TODAY).role == "member"
        assert evaluate(hub, stranger, bound, TODAY).role == "guest"

    def test_an_absent_attribute_is_ne_anything(self, rules: Rules) -> None:
        hub = rules("- {name: a, where: 'userType ne \"Vendor\"', role: member}\n")
        assert gets(hub, person(user())).role == "member"

    def test_trap_ne_on_a_multi_valued_attribute_holds_for_any_value_and_is_warned_of(self, load: Load) -> None:
        text = MAPPING.format(scope="active eq true")
        text += "- {name: a, where: 'groups.display ne \"Vendors\"', role: member}\n"
        loaded = load(acme=text)
        assert gets(loaded.hubs["acme"], person(user("Vendors", "Staff"))).role == "member"
        [warning] = loaded.warnings
        assert 'for "none is" write not (groups.display eq "Vendors")' in str(warning)

    def test_not_in_a_group(self, rules: Rules) -> None:
        hub = rules("- {name: a, where: 'not (groups.display eq \"Vendors\")', role: member}\n")
        assert gets(hub, person(user("Vendors", "Staff"))).role is None


class TestRule3AssetsOnly:
    """A grant with assets only never creates or removes a seat."""

    EXTRA = "- {name: extra, group: Extra, assets: {team/extra: member}}\n"

    def test_trap_an_assets_only_grant_gives_no_seat_and_wants_no_account_changed(self, rules: Rules) -> None:
        verdict = gets(rules(self.EXTRA), person(user("Extra")))
        assert (verdict.role, verdict.assets, verdict.because) == (None, {}, {})

    def test_it_adds_to_whoever_has_a_seat(self, rules: Rules) -> None:
        assert gets(rules(STAFF + self.EXTRA), person(user("Staff", "Extra"))).assets == {"team/extra": ("member",)}


class TestRule4Disabled:
    """Every user inactive or deleted; an inactive user gives nothing."""

    def test_trap_inactive_with_a_scope_that_does_not_say_so(self, rules: Rules) -> None:
        hub = rules(STAFF, scope='userType ne "Vendor"')
        verdict = gets(hub, person(user("Staff", active=False)))
        assert (verdict.role, verdict.disabled) == (None, True)

    def test_trap_an_inactive_user_gives_nothing_while_another_user_is_active(self, rules: Rules) -> None:
        hub = rules(STAFF, scope='userType ne "Vendor"')
        verdict = gets(hub, person(user("Staff", active=False), user(source=ENTRA)))
        assert (verdict.role, verdict.disabled) == (None, False)

    def test_scope_cannot_let_an_inactive_user_in(self, rules: Rules) -> None:
        hub = rules(STAFF, scope="active eq false or active eq true")
        assert gets(hub, person(user("Staff", active=False))).role is None


class TestRule6WhatTheAppCannotDo:
    """A lint error, or by hand where ``connect.fallback: manual`` says so."""

    CASES = (
        "leave: {disabled: {after: 0, do: suspend}}\n",
        "profile: {x: '{userName}'}\n",
        "safety: {create_assets: team}\n",
    )

    @pytest.mark.parametrize("more", CASES)
    def test_it_is_refused(self, load: Load, more: str) -> None:
        with pytest.raises(MappingError, match=r"the app|this app"):
            load(acme=MAPPING.format(scope="userName pr") + STAFF + more)

    @pytest.mark.parametrize("more", CASES)
    def test_people_do_it(self, load: Load, more: str) -> None:
        text = MAPPING.format(scope="userName pr").replace("{org", "{fallback: manual, org") + STAFF + more
        assert load(acme=text).hubs["acme"].is_manual_fallback


class TestRule7Assets:
    """``type/name-or-id``; only the first slash splits."""

    def test_a_name_may_have_slashes(self, rules: Rules) -> None:
        hub = rules("- {name: a, group: Staff, role: member, assets: {team/a/b: member}}\n")
        assert hub.grants[0].assets[0].name == "a/b"
        assert list(gets(hub, person(user("Staff"))).assets) == ["team/a/b"]

    def test_every_asset_of_a_type(self, rules: Rules) -> None:
        hub = rules('- {name: a, group: Staff, role: member, assets: {"team/*": member}}\n')
        assert gets(hub, person(user("Staff"))).assets == {"team/*": ("member",)}

    def test_two_spellings_are_one_asset(self, rules: Rules) -> None:
        hub = rules(
            "- {name: a, group: Staff, role: member, assets: {team/Core: member}}\n"
            "- {name: b, group: Staff, assets: {team/core: maintainer}}\n"
        )
        assert gets(hub, person(user("Staff"))).assets == {"team/Core": ("maintainer",)}


class TestRule9Reading:
    """YAML 1.2; whole replacement of defaults."""

    def read(self, load: Load, more: str) -> HubMapping:
        return load(acme=MAPPING.format(scope="userName pr") + STAFF + more).hubs["acme"]

    def test_no_stays_text(self, load: Load) -> None:
        hub = load(acme=MAPPING.format(scope="userName pr") + "- {name: NO, group: NO, role: member}\n").hubs["acme"]
        assert gets(hub, person(user("no"))).role == "member"

    def test_trap_max_removals_is_replaced_whole(self, load: Load) -> None:
        hub = self.read(load, "safety: {max_removals: {count: 500}}\n")
        assert hub.safety.max_removals == MaxRemovals(500, None)

    def test_keep_at_least_is_merged_by_role(self, load: Load) -> None:
        hub = self.read(load, "safety: {keep_at_least: {member: 3}}\n")
        assert hub.safety.keep_at_least == {"owner": 1, "member": 3}

    def test_a_scalar_is_a_list_of_one(self, load: Load) -> None:
        hub = self.read(load, "safety: {protect: root, approve_roles: owner}\n")
        assert (hub.safety.protect, hub.safety.approve_roles) == (("root",), ("owner",))


class TestRule10WholeSets:
    """A changed file takes effect only if the whole set is valid."""

    GOOD = MAPPING.format(scope="userName pr") + STAFF

    def test_one_fault_keeps_the_whole_set_out(self, load: Load) -> None:
        with pytest.raises(MappingError):
            load(acme=self.GOOD, other=self.GOOD.replace("acme", "other").replace("role: member", "role: membr"))

    def test_what_is_not_there_yet_is_no_fault(self, load: Load) -> None:
        text = self.GOOD + "- {name: b, group: No Such Group, assets: {team/none: member}, source: nowhere}\n"
        assert load(acme=text).warnings == ()

    def test_two_hubs_of_one_tenant(self, load: Load) -> None:
        with pytest.raises(MappingError, match="connects the same forge tenant"):
            load(acme=self.GOOD, other=self.GOOD)
