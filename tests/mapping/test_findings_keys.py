"""Faults of the keys that say more than who is in which group, each with its place and the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_findings import GOOD, HEAD, rule, told

from scim_bridge.mapping.load import MappingSet

Load = Callable[..., MappingSet]

PARTNER = '{id: "66", name: Bright, owner: jo@acme.example}'
TESTED = "tests: [{person: {userName: kim}, expect: nothing}]\n"


def partner(text: str) -> str:
    return rule(f"{{name: a, partner: {PARTNER}, {text}}}").replace("forge", "able")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        # until
        (rule("{name: a, group: A, role: member, until: 31.3.2027}"), '6:46: `until`: "31.3.2027" is no date; write'),
        (rule("{name: a, group: A, role: member, until: 2027-02-30}"), '6:46: `until`: "2027-02-30" is no date; write'),
        (rule("{name: a, group: A, role: member, until: 20270331}"), '6:46: `until`: "20270331" is no date; write'),
        (rule("{name: a, group: A, role: member, until: never}"), '6:46: `until`: "never" is no date; write it as'),
        (rule("{name: a, group: A, role: member, until: [x]}"), "6:46: `until` must be text, not a list"),
        # source, hub_role
        (rule("{name: a, group: A, role: member, source: [okta]}"), "6:47: `source` must be text, not a list"),
        (rule("{name: a, group: A, hub_role: boss}"), '6:35: `hub_role` cannot be "boss"; known are owner, manager'),
        (rule("{name: a, group: A, hub_role: ower}"), '6:35: `hub_role` cannot be "ower"; did you mean "owner"?'),
        # partner
        (
            rule(f"{{name: a, partner: {PARTNER}, assets: {{team/x: member}}, until: 2027-01-31}}"),
            "6:24: the app has no partners; remove the rule, or let people do it: connect: {fallback: manual}",
        ),
        (partner("assets: {team/x: member}"), "6:5: a rule for a partner needs `until`; give the last day of its"),
        (partner("until: 2027-01-31"), '6:5: rule "a" gives nothing; give `role`, `assets` or `hub_role`'),
        (
            partner("assets: {team/x: member}, until: 2027-01-31, group: A"),
            "6:126: `group` does not go with `partner`, whose subject is another business; remove one of the two",
        ),
        (
            partner("assets: {team/x: member}, until: 2027-01-31, role: member"),
            "6:125: `role` does not go with `partner`",
        ),
        (
            partner("assets: {team/x: member}, until: 2027-01-31").replace("jo@acme.example", "Jo"),
            '6:56: `partner.owner`: "Jo" is no e-mail address; write the address of whoever answers for this partner',
        ),
        (
            partner("assets: {team/x: member}, until: 2027-01-31").replace(", owner: jo@acme.example", ""),
            "6:24: `partner` needs `owner`; write {id: ..., name: ..., owner: jo@acme.example}",
        ),
        (
            partner("assets: {team/x: member}, until: 2027-01-31").replace(PARTNER, "Bright"),
            '6:24: `partner` must be a mapping (`key: value`), not "Bright"',
        ),
        (
            partner("assets: {'team/{x}': member}, until: 2027-01-31"),
            "6:83: no `group` captures {x}; capture it: group: gh-team-{team}",
        ),
        # safety
        (
            GOOD + "safety: {approve_roles: [ownr]}\n",
            '6:26: `safety.approve_roles`: there is no role "ownr" in `roles`',
        ),
        (GOOD + "safety: {create_assets: [tem]}\n", '6:26: `safety.create_assets`: there is no "tem" in `asset_roles`'),
        (GOOD + "safety: {create_assets: [team]}\n", '6:26: the bridge cannot create a "team" in this app; remove it,'),
        (GOOD + "safety: {unmanaged: remove}\n", '6:21: `safety.unmanaged` cannot be "remove"; known are report, hold'),
        (GOOD + "safety: {drift: hold}\n", '6:17: `safety.drift` cannot be "hold"; known are report, fix'),
        # login
        (GOOD + "login: ssso\n", '6:8: `login` cannot be "ssso"; did you mean "sso"?'),
        (GOOD + "login: {mfa: totp}\n", "6:8: `login` needs `method`; write sso, or {method: vault, mfa: totp}"),
        (GOOD + "login: {method: sso, rotate: 9d}\n", "6:30: `login.rotate` means nothing with sso; remove it, or let"),
        (GOOD + "login: [sso]\n", "6:8: `login` must be text, not a list"),
        # match
        (
            GOOD + "match: {account: email, person: nickNme}\n",
            '6:33: `match.person` cannot be "nickNme"; did you mean "n',
        ),
        (
            GOOD + "match: {account: email, person: 'emails[x]'}\n",
            "6:33: `match.person`: ",
        ),
        (
            GOOD + "match: {account: email, person: 'emails[primary eq true].value'}\n",
            '6:33: `match.person` cannot be "emails[primary eq true].value"',
        ),
        (
            GOOD + "match: {account: phone, person: emails}\n",
            '6:18: `match.account` cannot be "phone"; known are email',
        ),
        # connect.fallback
        (GOOD.replace("{org", "{fallback: people, org"), '2:21: `connect.fallback` cannot be "people"; known are man'),
        # profile
        (GOOD + "profile: {n: '{userName}'}\n", "6:10: the app takes no attributes of people; remove `profile`"),
    ],
)
def test_faults(load: Load, text: str, finding: str) -> None:
    [found] = told(load, acme=text)
    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("login", "finding"),
    [
        ("mfa: sms", '6:29: `login.mfa` cannot be "sms"; known are totp'),
        ("rotate: 1h", "6:32: `login.rotate` is shorter than a day; write 1d or more"),
    ],
)
def test_faults_of_a_login_stand_beside_the_warning_that_the_vault_is_to_come(
    load: Load, login: str, finding: str
) -> None:
    found = sorted(told(load, acme=GOOD + f"login: {{method: vault, {login}}}\n"))
    assert len(found) == 2
    assert found[1].startswith(finding)


@pytest.mark.parametrize(
    ("profile", "finding"),
    [
        ("{n: '{usrName}'}", '6:14: `profile.n`: users have no attribute usrName; did you mean "userName"?'),
        ("{n: '{userName|loud}'}", '6:14: `profile.n`: {userName|loud} uses an unknown filter "loud"; known are lower'),
        ("{n: '{userName|lower:x}'}", "6:14: `profile.n`: {userName|lower:x}: only default takes an argument"),
        ("{n: '{userName'}", '6:14: `profile.n`: "{userName" has a brace without its other half'),
        ("{n: '{}'}", "6:14: `profile.n`: {} names no attribute"),
        ("{n: '{a b}'}", "6:14: `profile.n`: {a b} names no attribute"),
        ("{n: '{emails[primary eq true]}'}", "6:14: `profile.n`: {emails[primary eq true]} names no attribute"),
        ("{n: [x]}", "6:14: `profile.n` must be text, not a list"),
        ("userName", '6:10: `profile` must be a mapping (`key: value`), not "userName"'),
    ],
)
def test_faults_of_templates(load: Load, profile: str, finding: str) -> None:
    [found] = told(load, acme=GOOD.replace("forge", "able") + f"profile: {profile}\n")
    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("environments", "finding"),
    [
        ("staging", '6:15: `environments` must be a mapping (`key: value`), not "staging"'),
        ("{staging: 1}", '6:25: `environments.staging` must be a mapping (`key: value`), not "1"'),
        (
            "{staging: {grants: []}}",
            "6:26: an environment cannot change `grants`: who gets what is the same everywhere",
        ),
        ("{staging: {leave: {}}}", "6:26: an environment cannot change `leave`: who gets what is the same everywhere"),
        ("{staging: {conect: {}}}", '6:26: `environments` has no key `conect`; did you mean "connect"?'),
        # what is wrong shows although another environment is in force
        ("{staging: {check: 1s}}", "6:33: `check` is shorter than a minute"),
        ("{staging: {connect: {orgg: x}}}", '6:36: `connect` has no key `orgg`; did you mean "org"?'),
        ("{staging: {connect: {token: s3cret}}}", "6:43: `connect.token` is a secret and must not stand in a mapping"),
        ("{staging: {safety: {approve_roles: boss}}}", '6:50: `safety.approve_roles`: there is no role "boss"'),
        ("{staging: {check: 1h, check: 2h}}", "6:37: `check` is given twice, first in line 6; remove one of them"),
        ("{production: {check: 1s}}", "6:36: `check` is shorter than a minute"),
    ],
)
def test_faults_of_environments(load: Load, environments: str, finding: str) -> None:
    [found] = told(load, acme=GOOD + f"environments: {environments}\n")
    assert found.startswith(finding)


def test_a_fault_of_the_file_is_told_once_for_all_environments(load: Load) -> None:
    text = GOOD + "safety: {start: live}\nenvironments: {a: {check: 1h}, b: {limits: {rate: 1}}}\n"
    [found] = told(load, acme=text)
    assert found.startswith('6:17: `safety.start` cannot be "live"')


@pytest.mark.parametrize(
    ("test", "finding"),
    [
        ("x", '6:9: `tests` must be a mapping (`key: value`), not "x"'),
        ("{expect: nothing}", "6:9: a test needs `person`; write {userName: ana@acme.example, groups: [Engineering]}"),
        ("{person: {userName: kim}}", "6:9: a test needs `expect`; write what they get: {role: member}, or nothing"),
        ("{person: {userName: kim}, expct: nothing}", '6:35: `tests` has no key `expct`; did you mean "expect"?'),
        ("{person: kim, expect: nothing}", '6:18: `person` must be a mapping (`key: value`), not "kim"'),
        ("{person: {usrName: kim}, expect: nothing}", "6:19: `person`: users have no attribute usrName; did you mean"),
        ("{person: {groups: [[A]]}, expect: nothing}", "6:28: `person.groups` must be text, not a list"),
        ("{person: {groups: [{name: A}]}, expect: nothing}", "6:29: `person.groups` has no key `name`; known are id"),
        ("{person: {groups: [{}]}, expect: nothing}", "6:28: a group as a mapping needs `id`; write {id: ...}, or the"),
        ("{person: {userName: k}, expect: none}", '6:41: `expect` must be a mapping (`key: value`), not "none"'),
        ("{person: {userName: k}, expect: {}}", "6:41: `expect` says nothing; give role, because, assets or hub_role,"),
        ("{person: {userName: k}, expect: {rol: member}}", '6:42: `expect` has no key `rol`; did you mean "role"?'),
        ("{person: {userName: k}, expect: {role: membr}}", '6:48: `expect.role` cannot be "membr"; did you mean'),
        (
            "{person: {userName: k}, expect: {hub_role: mangr}}",
            '6:52: `expect.hub_role` cannot be "mangr"; did you mean "m',
        ),
        ("{person: {userName: k}, expect: {hub_role: [owner]}}", "6:52: `expect.hub_role` must be text, not a list"),
        ("{person: {userName: k}, expect: {because: stf}}", '6:51: there is no rule "stf"; did you mean "staff"?'),
        (
            "{person: {userName: k}, expect: {assets: {core: member}}}",
            '6:51: `expect.assets`: "core" is no asset of a type in `asset_roles`; write team/name',
        ),
        (
            "{person: {userName: k}, expect: {assets: {repo/core: member}}}",
            '6:51: `expect.assets`: "repo/core" is no asset of a type in `asset_roles`; write team/name',
        ),
        (
            "{person: {userName: k}, expect: {assets: {team/core: membr}}}",
            '6:62: "team" has no role "membr" in `asset_roles`; did you mean "member"?',
        ),
    ],
)
def test_faults_of_tests(load: Load, test: str, finding: str) -> None:
    found = told(load, acme=GOOD + f"tests: [{test}]\n")
    assert any(line.startswith(finding) for line in found)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            rule("{name: a, group: A, role: member, until: 2026-11-24}"),
            '6:46: `until`: 2026-11-24 is over, so rule "a" gives nothing any more; remove the rule, or give a later',
        ),
        (
            GOOD + "match: [{account: login, person: nickName, review: false}]\n",
            "6:52: `match`: login against nickName only proposes: an address is not compared with an address",
        ),
        (GOOD + "login: vault\n", "6:8: `login: vault` is noted only: this version has no vault; it changes nothing"),
        (GOOD.replace("{org", "{fallback: manual, org"), "2:21: `fallback: manual` is noted only: what the app cannot"),
        (
            rule('{name: a, group: "x-{t}", role: member, assets: {"team/{t|slug}": member}}'),
            '6:54: "team/{t|slug}" may come out without a name; such groups give no asset; add |default:NAME',
        ),
        (
            rule('{name: a, group: "x-{t}", role: member, assets: {"team/{t|domain|lower}": member}}'),
            '6:54: "team/{t|domain|lower}" may come out without a name',
        ),
    ],
)
def test_doubts(load: Load, text: str, warning: str) -> None:
    [found] = load(acme=text).warnings
    assert found.level == "warning"
    assert str(found).removeprefix("mappings/acme.yaml:").startswith(warning)


@pytest.mark.parametrize(
    "text",
    [
        rule("{name: a, group: A, role: member, until: 2026-11-25}"),
        rule('{name: a, group: "x-{t}", role: member, assets: {"team/{t|slug|default:none}": member}}'),
        rule('{name: a, group: "x-{t}", role: member, assets: {"team/x-{t|slug}": member}}'),
        rule('{name: a, group: "x-{t}", role: member, assets: {"team/{t|local|lower}": member}}'),
        GOOD + "match: [{account: login, person: nickName}]\n",
        GOOD + TESTED,
        HEAD + "grants: []\n",
    ],
)
def test_nothing_to_doubt(load: Load, text: str) -> None:
    assert load(acme=text).warnings == ()
