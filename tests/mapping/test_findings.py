"""Every fault of a mapping file is told with its place and the way out, all at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.load import MappingSet

Load = Callable[..., MappingSet]

HEAD = """\
app: forge
connect: {org: acme, token: "env:T"}
roles: [owner, member]
asset_roles: {team: [maintainer, member], board: [edit, view]}
"""
GRANTS = "grants: [{name: staff, group: Staff, role: member}]\n"
GOOD = HEAD + GRANTS


def told(load: Load, **texts: str) -> list[str]:
    """What the load says, without ``mappings/``."""
    try:
        findings = load(**texts).warnings
    except MappingError as error:
        findings = error.findings
    return [str(finding).removeprefix("mappings/acme.yaml:") for finding in findings]


def test_a_good_file_is_told_nothing(load: Load) -> None:
    assert told(load, acme=GOOD) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param("a: [1\nb: 2\n", "2:2: this is not YAML: expected ',' or ']', but got ':'", id="broken"),
        pytest.param("app: forge\n\troles: []\n", "2:1: a tab indents this line; indent with spaces", id="tab"),
        pytest.param("app: \x07\n", "1:6: a character that YAML does not allow", id="control-character"),
        pytest.param("app: &a forge\n", "1:6: an anchor (&a) is not allowed here", id="anchor"),
        pytest.param("app: forge\nroles: *a\n", "2:8: an alias (*a) is not allowed here", id="alias"),
        pytest.param("<<: {app: forge}\n", "1:1: a merge key (<<); write the values out", id="merge-key"),
        pytest.param("app: !!str forge\n", "1:6: a tag (", id="tag"),
        pytest.param("[a]: b\n", "1:1: a key that is no text", id="key-is-a-list"),
        pytest.param("a: b\n---\nc: d\n", "2:1: a second document is not allowed here", id="two-documents"),
        pytest.param("%YAML 1.1\n---\na: NO\n", "2:1: a %YAML directive is not allowed here", id="directive"),
        pytest.param("a: " + "[" * 14 + "]" * 14 + "\n", "1:15: more than 12 levels", id="depth"),
        pytest.param("a: b\n" + "#" * 1_100_000, "1:1: the file is larger than 1024 KiB", id="size"),
        pytest.param("", "1:1: this file is no mapping; it needs app, roles, grants", id="empty"),
        pytest.param("- app\n", "1:1: this file is no mapping", id="list"),
    ],
)
def test_what_cannot_be_read(load: Load, text: str, finding: str) -> None:
    [found] = told(load, acme=text)
    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        # keys
        (GOOD + "scoop: active eq true\n", '6:1: `mapping` has no key `scoop`; did you mean "scope"?'),
        (GOOD + "check: 1h\ncheck: 2h\n", "7:1: `check` is given twice, first in line 6; remove one of them"),
        ("roles: []\ngrants: []\n", "1:1: `app` is missing; every mapping needs app, roles, grants"),
        # app and connect
        (GOOD.replace("forge", "frge"), '1:6: no adapter for the app "frge"; did you mean "forge"?'),
        (
            GOOD.replace("forge", "broken"),
            '1:6: the adapter of "broken" cannot be loaded: ImportError: No module named ',
        ),
        (GOOD.replace("forge", "true"), '1:6: `app` must be text, not "true"; put it in quotes'),
        (GOOD.replace("forge", ""), "1:1: `app` must be text, not nothing; write a text"),
        (GOOD.replace("org: acme, ", ""), "2:10: `connect` needs `org`; the organization's name"),
        (GOOD.replace(', token: "env:T"', ""), "2:10: `connect` needs exactly one of: `token`, or `app_id` and `priv"),
        (GOOD.replace("{org", '{app_id: "1", org'), "2:10: `connect` needs exactly one of"),
        (GOOD.replace("org:", "orgg:"), '2:11: `connect` has no key `orgg`; did you mean "org"?'),
        (
            GOOD.replace("env:T", "s3cret"),
            "2:29: `connect.token` is a secret and must not stand in a mapping; write env",
        ),
        (GOOD.replace("env:T", "file:pem"), "2:29: `connect.token` is a secret and must not stand in a mapping"),
        (GOOD.replace("acme", '"env:ORG"'), "2:16: `connect.org` is no secret; write the value itself"),
        (GOOD.replace("acme", "[acme]"), "2:16: `connect.org` must be text, not a list"),
        (GOOD.replace("acme", "no such"), '2:10: `connect`: "no such" is no name of an organization; write it as'),
        (GOOD.replace("acme", "crash"), "2:10: `connect`: the adapter failed: KeyError('port'); tell its author"),
        (
            GOOD.replace('{org: acme, token: "env:T"}', "acme"),
            '2:10: `connect` must be a mapping (`key: value`), not "a',
        ),
        # roles
        (
            GOOD.replace("[owner, member]\n", "[ownr, member]\n"),
            '3:9: the app has no role "ownr"; did you mean "owner"?',
        ),
        (GOOD.replace("[owner,", "[member,"), '3:17: `roles` names "member" twice; remove one of them'),
        (GOOD.replace("[owner, member]", "[]"), "3:8: `roles` is empty; list the roles in use, highest first: owner,"),
        (GOOD.replace("team:", "tem:"), '4:15: the app has no assets of type "tem"; did you mean "team"?'),
        (GOOD.replace("maintainer", "maintaner"), '4:22: "team" has no role "maintaner"; did you mean "maintainer"?'),
        (
            GOOD.replace("[edit, view]", "[]"),
            "4:50: `asset_roles.board` is an empty list; give at least one, or remove",
        ),
        # how fast, whose, how often
        (GOOD + "limits: {rate: fast}\n", '6:16: `limits.rate` must be a number from 0.001 to 10000, not "fast"'),
        (GOOD + "limits: {concurrency: 0}\n", "6:23: `limits.concurrency` must be a whole number from 1 on, not "),
        (GOOD + "check: 30s\n", "6:8: `check` is shorter than a minute; write 1m or more; the default is 24h"),
        (GOOD + "check: often\n", '6:8: `check`: "often" is no duration; write an integer with s, m, h or d'),
        (GOOD + "check: [1h]\n", "6:8: `check` must be text, not a list"),
        (
            GOOD + "match: {account: email}\n",
            "6:8: `match` needs `person`; write {account: email, person: emails.value}",
        ),
        (
            GOOD + "match: [{account: mail, person: emails}]\n",
            '6:19: `match.account` cannot be "mail"; did you mean "em',
        ),
        (GOOD + "match: {person: emails}\n", "6:8: `match` needs `account`; write {account: email, person: emails.va"),
        (GOOD + "match: email\n", '6:8: `match` must be a mapping (`key: value`), not "email"'),
        (
            GOOD + "match: {account: email, person: emails, review: maybe}\n",
            '6:49: `match.review` must be true or false, not "maybe"',
        ),
        # leave
        (GOOD + "leave: {lost: []}\n", '6:9: `leave` has no key `lost`; did you mean "lost_access"?'),
        (GOOD + "leave: {disabled: []}\n", "6:19: `leave.disabled` is an empty list"),
        (GOOD + "leave: {disabled: remove}\n", '6:19: `leave.disabled` must be a mapping (`key: value`), not "remove"'),
        (
            GOOD + "leave: {disabled: {do: remove}}\n",
            "6:19: a step of `leave.disabled` needs `after`; write {after: 7d",
        ),
        (
            GOOD + "leave: {disabled: {after: 0, do: delete}}\n",
            '6:34: `leave.disabled.do` cannot be "delete"; known are',
        ),
        (GOOD + "leave: {disabled: {after: 1d, do: suspend}}\n", "6:35: the app cannot suspend an account; use remove"),
        # safety
        (GOOD + "safety: {setle: 1m}\n", '6:10: `safety` has no key `setle`; did you mean "settle"?'),
        (GOOD + "safety: {start: live}\n", '6:17: `safety.start` cannot be "live"; known are plan, apply'),
        (GOOD + "safety: {settle: 1.5h}\n", '6:18: `safety.settle`: "1.5h" is no duration'),
        (GOOD + "safety: {settle: 9999d}\n", '6:18: `safety.settle`: "9999d" is longer than ten years'),
        (GOOD + "safety: {max_removals: 5}\n", '6:24: `safety.max_removals` must be a mapping (`key: value`), not "5"'),
        (GOOD + "safety: {max_removals: {}}\n", "6:24: `safety.max_removals` says nothing; give `count`, `percent` or"),
        (
            GOOD + 'safety: {max_removals: {percent: "10%"}}\n',
            '6:34: `safety.max_removals.percent` must be a number from 0 to 100, not "10%"; write it without the %',
        ),
        (
            GOOD + "safety: {max_removals: {percent: 101}}\n",
            "6:34: `safety.max_removals.percent` must be a number from 0",
        ),
        (
            GOOD + "safety: {keep_at_least: {admin: 2}}\n",
            '6:26: the app has no role "admin"; known are owner, member, gu',
        ),
        (GOOD + "safety: {keep_at_least: {owner: two}}\n", "6:33: `safety.keep_at_least.owner` must be a whole number"),
        (GOOD + f"safety: {{ignore: {'x' * 513}}}\n", "6:18: `safety.ignore`: a name has between 1 and 512 characters"),
        (GOOD + "safety: {protect: [true]}\n", '6:20: `safety.protect` must be text, not "true"; put it in quotes'),
        # filters: the column is inside the text where that is plain
        (GOOD + "scope: title xx 1\n", "6:14: `scope`: "),
        (GOOD + "scope: 'title xx 1'\n", "6:8: `scope`: "),
        (GOOD + "scope: {title: x}\n", "6:8: `scope` must be text, not a mapping"),
        (GOOD + "scope: [title]\n", "6:8: `scope` must be text, not a list"),
    ],
)
def test_faults_around_the_rules(load: Load, text: str, finding: str) -> None:
    [found] = [line for line in told(load, acme=text) if line.startswith(finding)]
    assert found


def rule(text: str) -> str:
    return HEAD + "grants:\n  - " + text + "\n"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (rule("staff"), '6:5: `grants` must be a mapping (`key: value`), not "staff"'),
        (rule("{group: A, role: member}"), "6:5: a rule without `name`; name it: plans and answers refer to it"),
        (rule("{name: " + "x" * 201 + ", group: A, role: member}"), "6:12: a rule's name has at most 200 characters"),
        (rule("{name: a, role: member}"), '6:5: rule "a" says nobody; give `group`, `where` or `partner`'),
        (rule("{name: a, group: A}"), '6:5: rule "a" gives nothing; give `role`, `assets` or `hub_role`'),
        (rule("{name: a, group: A, rol: member}"), '6:25: `grants` has no key `rol`; did you mean "role"?'),
        (rule("{name: a, group: A, role: membr}"), '6:31: there is no role "membr" in `roles`; did you mean "member"?'),
        (
            rule("{name: a, group: A, role: guest}"),
            '6:31: the role "guest" is not in `roles`; add it there, at its rank',
        ),
        (rule("{name: a, group: A, role: [member]}"), "6:31: `role` must be text, not a list"),
        (rule("{name: a, group: [], role: member}"), "6:22: `group` is an empty list; give at least one"),
        (
            rule("{name: a, group: {}, role: member}"),
            "6:22: `group` as a mapping needs `id`; see `scim-bridge gr",
        ),
        (rule("{name: a, group: {name: A}, role: member}"), "6:23: `group` has no key `name`; known are id"),
        (rule("{name: a, group: {id: }, role: member}"), "6:23: `group.id` must be text, not nothing"),
        (rule("{name: a, group: [[A]], role: member}"), "6:23: `group` must be text, not a list"),
        (
            rule('{name: a, group: "x{", role: member}'),
            '6:22: `group`: "x{" has a brace that is no capture; write {wor',
        ),
        (rule("{name: a, where: titel, role: member}"), "6:22: `where`: the text ends too early"),
        (
            rule("{name: a, where: active gt 1, role: member}"),
            "6:22: `where`: active cannot be ordered by gt; use eq or",
        ),
        (rule("{name: a, group: A, except: x y z, role: member}"), "6:35: `except`: "),
        (rule("{name: a, group: A, assets: {}}"), "6:33: `assets` is empty; name an asset, or remove the key"),
        (rule("{name: a, group: A, assets: {core: member}}"), '6:34: "core" is no asset; write type/name, type/id or'),
        (
            rule("{name: a, group: A, assets: {tem/core: member}}"),
            '6:34: there are no assets of type "tem"; did you me',
        ),
        (
            rule("{name: a, group: A, assets: {team/core: membr}}"),
            '6:45: the role "membr" is not in `asset_roles.team`',
        ),
        (rule("{name: a, group: A, assets: {team/c: []}}"), "6:42: `assets.team/c` is an empty list"),
        (
            rule("{name: a, group: A, assets: {team/core: [maintainer, member]}}"),
            '6:45: roles of "team" exclude each other; give the highest alone',
        ),
        (rule("{name: a, group: A, assets: {team/c*: member}}"), '6:34: "team/c*": `*` stands for every asset of the'),
        (rule('{name: a, group: A, assets: {"team/{": member}}'), '6:34: `assets`: "{" has a brace without its other'),
        (
            rule('{name: a, group: "t-{team}", assets: {"team/{taem}": member}}'),
            '6:43: no `group` captures {taem}; did you mean "team"?',
        ),
        (
            rule('{name: a, where: title pr, assets: {"team/{team}": member}}'),
            "6:41: no `group` captures {team}; capture it: group: gh-team-{team}",
        ),
        (
            rule('{name: a, group: ["t-{team}", T], assets: {"team/{team}": member}}'),
            "6:48: {team} is not captured by every entry of `group`; split the rule in two",
        ),
        (
            rule("{name: a, group: A, role: member}\n  - {name: A, group: B, role: member}"),
            '7:5: two rules are called "A", the other in line 6; name them apart',
        ),
        (
            rule("{name: a, group: A, assets: {board/x: edit}}").replace(", board: [edit, view]", ""),
            '6:34: "board" is not in `asset_roles`; list its roles there, highest first',
        ),
    ],
)
def test_faults_of_rules(load: Load, text: str, finding: str) -> None:
    [found] = told(load, acme=text)
    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            GOOD + 'scope: groups.display ne "X"\n',
            '6:8: `scope`: groups.display ne "X" holds as soon as any value differs',
        ),
        (GOOD + 'scope: not (active eq true and Emails ne "x")\n', '6:8: `scope`: Emails ne "x" holds as soon as any'),
        (GOOD + 'scope: titel eq "X"\n', '6:8: `scope`: users have no attribute titel; did you mean "title"?'),
        (
            GOOD + 'scope: department eq "X"\n',
            "6:8: `scope`: users have no attribute department; an attribute of an ext",
        ),
        (rule('{name: a, group: "*", role: member}'), '6:22: `group`: "*" is every group of every source; is that mea'),
        (GOOD + 'safety: {protect: "*"}\n', '6:19: `safety.protect`: "*" is every account; is that meant?'),
    ],
)
def test_doubts_are_warnings_and_the_set_is_taken(load: Load, text: str, warning: str) -> None:
    [found] = load(acme=text).warnings
    assert found.level == "warning"
    assert str(found).removeprefix("mappings/acme.yaml:").startswith(warning)


@pytest.mark.parametrize(
    "scope",
    [
        'emails[type ne "work"]',
        'title ne "X"',
        "groups.display ne null",
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ne "X"',
    ],
)
def test_what_looks_doubtful_and_is_not(load: Load, scope: str) -> None:
    assert told(load, acme=GOOD + f"scope: '{scope}'\n") == []


def test_all_faults_of_all_files_are_told_at_once_in_order(load: Load) -> None:
    with pytest.raises(MappingError) as caught:
        load(b=GOOD + "chek: 1h\n", a=GOOD.replace("owner", "ownr") + "scope: (\n", c=GOOD)
    assert [str(finding.place) for finding in caught.value.findings] == [
        "mappings/a.yaml:3:9",
        "mappings/a.yaml:6:8",
        "mappings/b.yaml:6:1",
    ]
    assert caught.value.message == 'mappings/a.yaml:3:9: the app has no role "ownr" (and 2 more)'


def test_a_literal_secret_is_never_repeated(load: Load) -> None:
    assert "s3cret" not in " ".join(told(load, acme=GOOD.replace("env:T", "s3cret")))


def test_an_unknown_app_does_not_hide_other_faults(load: Load) -> None:
    found = told(load, acme=GOOD.replace("forge", "frge") + "leave: {disabled: {after: x, do: suspend}}\n")
    assert [line.split(":")[0] for line in found] == ["1", "6"]


@pytest.mark.parametrize("name", ["Acme", "acme_", "-acme", "a b", "a" * 101])
def test_the_files_name_must_be_a_hubs_id(load: Load, name: str) -> None:
    [found] = told(load, **{name: GOOD})
    assert f"the file's name is the hub's id, and \"{name}\" is none; rename it" in found


def test_two_hubs_of_one_tenant_name_both_files(load: Load) -> None:
    [found] = told(load, acme=GOOD, zebra=GOOD.replace("acme", "ACME"))
    assert found == (
        'mappings/zebra.yaml:1:1: mappings/acme.yaml connects the same forge tenant "acme"; '
        "one tenant is one hub: put the rules into one file"
    )


def test_no_files_are_a_valid_empty_set_with_a_warning(load: Load) -> None:
    empty = load()
    assert empty.hubs == {}
    assert str(empty.warnings[0]).startswith(
        "mappings:1:1: there are no mapping files; every hub there was is detached"
    )
