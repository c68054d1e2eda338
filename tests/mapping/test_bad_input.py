"""Whatever a mapping file holds: an answer with a place, soon, and the set in force stays in force."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from time import perf_counter, process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_kit import TODAY, person, user
from test_findings import GOOD, GRANTS, HEAD, rule, told

from scim_bridge.contract.registry import Registry
from scim_bridge.mapping.check import check_hub
from scim_bridge.mapping.evaluate import evaluate
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.load import MappingSet, load_set

Load = Callable[..., MappingSet]

MANY = HEAD + "grants:\n"
BOMB = 'a: &a ["x","x"]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n'


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param(BOMB, "1:4: an anchor (&a) is not allowed here", id="bomb-of-aliases"),
        pytest.param("a: [*x, *x]\n", "1:5: an alias (*x) is not allowed here", id="alias-of-nothing"),
        pytest.param("{" * 5000, "1:13: more than 12 levels", id="bomb-of-braces"),
        pytest.param("- " * 5000, "1:25: more than 12 levels", id="bomb-of-lists"),
        pytest.param("? " * 5000, "1:25: more than 12 levels", id="bomb-of-keys"),
        pytest.param("a: |\n" + " x\n" * 400_000, "1:1: the file is larger than 1024 KiB", id="too-large"),
        pytest.param(GOOD + "\tcheck: 1h\n", "6:1: a tab indents this line; indent with spaces", id="tab"),
        pytest.param(GOOD + "check: 1h\ncheck: 2h\n", "7:1: `check` is given twice, first in line 6", id="twice"),
        pytest.param(GOOD + "on: yes\n", "6:1: `mapping` has no key `on`", id="a-key-that-yaml-1.1-reads-as-true"),
        pytest.param(GOOD.replace("roles: [owner, member]", "roles: 7"), "3:8: the app has no role", id="number"),
        pytest.param(HEAD + "grants: 7\n", "5:9: `grants` must be a mapping (`key: value`), not", id="grants-number"),
        pytest.param(HEAD + "grants: ~\n", "5:9: `grants` must be a mapping (`key: value`), not", id="grants-nothing"),
        pytest.param(rule("{name: a, group: A, role: owner, assets: {team/x: boss}}"), "6:55: the role", id="role"),
        pytest.param(rule("{name: a, group: A, assets: {repo/x: read}}"), "6:34: there are no assets of", id="asset"),
        pytest.param(rule("{name: a, where: title eq, role: member}"), "6:22: `where`: ", id="filter"),
        pytest.param(rule("{name: a, where: '" + "(" * 60 + "', role: member}"), "6:22: `where`: ", id="filter-deep"),
        pytest.param(rule("{name: a, group: A, role: member, until: yesterday}"), "6:46: `until`: ", id="date"),
        pytest.param(GOOD.replace("env:T", "ghp_abc"), "2:29: `connect.token` is a secret and must not", id="secret"),
    ],
)
def test_a_fault_is_told_with_its_place(load: Load, text: str, finding: str) -> None:
    assert any(line.startswith(finding) for line in told(load, acme=text))


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (rule("{name: a, group: '*', role: member}"), '6:22: `group`: "*" is every group of every source'),
        (rule("{name: a, group: '{x}', role: member}"), '6:22: `group`: "{x}" is every group of every source'),
        (rule("{name: a, group: '**', role: member}"), '6:22: `group`: "**" is every group of every source'),
        (rule("{name: a, group: A, role: member, until: 2020-01-01}"), "6:46: `until`: 2020-01-01 is over"),
        (
            rule("{name: a, group: 'x{t}', assets: {'team/{t|domain}': member}}"),
            '6:39: "team/{t|domain}" may come out without a name',
        ),
    ],
)
def test_a_doubt_is_told_and_the_set_is_taken(load: Load, text: str, warning: str) -> None:
    [found] = load(acme=text).warnings
    assert str(found).removeprefix("mappings/acme.yaml:").startswith(warning)


def test_two_files_for_one_hub(registry: Registry) -> None:
    files = {"mappings/acme.yaml": GOOD, "mappings/acme.yml": GOOD}
    with pytest.raises(MappingError) as caught:
        load_set(files, registry=registry, environment="production")
    assert [str(finding) for finding in caught.value.findings] == [
        'mappings/acme.yml:1:1: mappings/acme.yaml is the hub "acme" too; keep one of the two files'
    ]


def test_a_capture_that_makes_an_empty_name_gives_no_asset(load: Load) -> None:
    text = rule("{name: a, group: 'x{t}', role: member, assets: {'team/{t|domain}': member}}")
    verdict = evaluate(load(acme=text).hubs["acme"], person(user("xcore")), {}, TODAY)
    assert (verdict.role, verdict.assets) == ("member", {})


def test_ten_thousand_rules_are_read_in_seconds(load: Load) -> None:
    text = MANY + "".join(f"  - {{name: rule {n}, group: Team {n}, role: member}}\n" for n in range(10_000))
    began_s = perf_counter()
    hub = load(acme=text).hubs["acme"]
    assert perf_counter() - began_s < 20  # half a second; a wide margin for a busy machine
    assert len(hub.grants) == 10_000
    assert evaluate(hub, person(user("Team 9999")), {}, TODAY).role == "member"


def test_ten_thousand_faults_are_all_told(load: Load) -> None:
    found = told(load, acme=MANY + "".join(f"  - {{name: rule {n}, group: A, role: x}}\n" for n in range(2_000)))
    assert len(found) == 2_000


MANY_RULES = MANY + "".join(f"  - {{name: rule {n}, group: A, role: member}}\n" for n in range(3_000))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(
            MANY_RULES + "tests:\n" + "  - {person: {userName: a}, expect: {because: rool}}\n" * 3_000,
            3_000,
            id="a-name-that-is-none-of-many",
        ),
        pytest.param(
            GOOD + "environments:\n" + "".join(f"  e{n}: {{safety: {{settle: x}}}}\n" for n in range(5_000)),
            5_000,
            id="environments",
        ),
    ],
)
def test_many_faults_take_no_more_time_than_they_are(load: Load, text: str, count: int) -> None:
    """Each held against each would be minutes."""
    began_s = process_time()
    assert len(told(load, acme=text)) == count
    assert process_time() - began_s < 20  # some 2 s


def test_the_nearest_of_many_names_is_found(load: Load) -> None:
    [found] = told(load, acme=MANY_RULES + "tests: [{person: {userName: a}, expect: {because: ruel 2999}}]\n")
    assert found.endswith('there is no rule "ruel 2999"; did you mean "rule 2999"?')


def test_rules_of_one_name_are_found_among_many(load: Load) -> None:
    rules = "".join(f"  - {{name: rule {n % 1000}, group: A, role: member}}\n" for n in range(2_000))
    assert len(told(load, acme=MANY + rules)) == 1_000


shapes = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.text("ab:{}*[]&,'\" #-\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc/{}*", max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    *("connect", "limits", "scope", "roles", "asset_roles", "grants", "profile", "match"),
    *("leave", "safety", "login", "check", "environments", "tests"),
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), value=shapes)
def test_any_value_of_any_key_is_a_finding_or_a_mapping(registry: Registry, key: str, value: object) -> None:
    lines = [line for line in (GOOD + "scope: userName pr\n").splitlines() if not line.startswith(f"{key}:")]
    text = "\n".join([*lines, f"{key}: {json.dumps(value)}", ""])
    hub, findings = check_hub("mappings/acme.yaml", text, registry, environment="a", today=date(2026, 11, 25))
    assert (hub is None) == any(finding.level == "error" for finding in findings)
    assert all(1 <= finding.place.line <= len(lines) + 1 for finding in findings)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_is_a_finding_or_a_mapping(registry: Registry, text: str) -> None:
    hub, findings = check_hub("mappings/acme.yaml", text, registry)
    assert hub is None
    assert findings


def test_what_is_said_of_the_good_file_is_nothing(load: Load) -> None:
    assert told(load, acme=HEAD + GRANTS) == []
