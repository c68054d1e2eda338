"""The schema for editors: what the lint takes is valid, and common mistakes are underlined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from scim_bridge.cli.mapping_schema import schema_text
from scim_bridge.contract import registry as registries
from scim_bridge.contract.protocol import Abilities, AssetType, ConnectKey
from scim_bridge.contract.registry import Registry
from scim_bridge.mapping.check import check_hub
from scim_bridge.mapping.nodes import Items, Node, Scalar, Table, parse_nodes
from scim_bridge.mapping.schema import mapping_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "mappings" / "examples"
VECTORS = ROOT / "tests" / "vectors"

AD_ACCOUNT = AssetType("ad_account", ("MANAGE", "ADVERTISE", "ANALYZE", "ADMIN", "CAMPAIGN_MANAGER", "ANALYST"), False)
PAGE = AssetType("page", ("MANAGE", "CREATE_CONTENT", "MODERATE", "ADVERTISE", "ANALYZE"), exclusive=False)
APPS = {
    "github": registries.load().adapter("github").abilities,
    "meta": Abilities(
        ("ADMIN", "EMPLOYEE"),
        {"ad_account": AD_ACCOUNT, "page": PAGE},
        (ConnectKey("business", required=True), ConnectKey("token", required=True, secret=True)),
        partners=True,
    ),
    "pinterest": Abilities(
        ("BIZ_ADMIN", "EMPLOYEE"),
        {"ad_account": AD_ACCOUNT},
        (ConnectKey("business", required=True), ConnectKey("token", required=True, secret=True)),
        partners=True,
    ),
    "broken": None,
}


def plain(node: Node) -> Any:
    """What an editor's YAML reader (1.2) makes of it."""
    match node:
        case Table():
            return {key.text: plain(value) for key, value in node.entries}
        case Items():
            return [plain(item) for item in node.items]
        case Scalar(kind="number"):
            return float(node.text) if "." in node.text else int(node.text)
        case Scalar(kind="true or false"):
            return node.text.lower() == "true"
        case Scalar(kind="nothing"):
            return None
        case _:
            return node.text


def faults(text: str, schema: dict[str, Any]) -> list[str]:
    """Where it is underlined: ``grants/0/role``."""
    node = parse_nodes("acme.yaml", text)
    assert isinstance(node, Table)
    found = Draft7Validator(schema).iter_errors(plain(node))
    return sorted("/".join(map(str, error.absolute_path)) for error in found)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return mapping_schema(APPS)


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("app", ["github", "meta", "pinterest"])
def test_a_mapping_with_all_that_the_format_has(schema: dict[str, Any], app: str) -> None:
    assert faults((VECTORS / f"mapping-{app}.yaml").read_text(), schema) == []


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_shipped_example_is_valid_and_its_first_line_names_the_shipped_schema(example: Path) -> None:
    first, _, _ = example.read_text().partition("\n")
    assert first.startswith("# yaml-language-server: $schema=")
    shipped = example.parent / first.partition("$schema=")[2]
    assert faults(example.read_text(), json.loads(shipped.read_text())) == []


def test_the_shipped_schema_is_that_of_the_shipped_adapters() -> None:
    shipped = (EXAMPLES / "mapping.schema.json").read_text()
    advice = "run: scim-bridge mapping schema --out mappings/examples/mapping.schema.json"
    assert shipped == schema_text(registries.load()), advice


HEAD = """\
app: forge
connect: {org: acme, token: "env:T"}
roles: [owner, member]
asset_roles: {team: [maintainer, member], board: [edit, view]}
"""
GRANTS = "grants: [{name: staff, group: Staff, role: member}]\n"
GOOD = HEAD + GRANTS


def rule(text: str) -> str:
    return HEAD + "grants:\n  - {" + text + "}\n"


@pytest.fixture
def forge(registry: Registry) -> dict[str, Any]:
    """The schema of the apps that tests of the lint know."""
    schema: dict[str, Any] = json.loads(schema_text(registry))
    return schema


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace('token: "env:T"', 'app_id: 1234, private_key: "file:/run/key"'),
        GOOD.replace("[owner, member]", "member").replace("maintainer, member", "member"),
        "app: sole\nroles: []\ngrants: []\n",
        HEAD + "grants: {name: staff, group: Staff, role: member}\n",
        rule("name: staff, group: [A, {id: 5}, 'x-*'], where: active eq true, except: title pr, role: member"),
        rule("name: 2026, group: {id: 6f1c}, assets: {team/core: member, 'board/*': [edit, view]}"),
        rule("name: one, group: A, assets: {team/core: [member]}"),
        GOOD + "limits: {concurrency: 2, rate: 0.5, burst: 3}\n",
        GOOD + "match: {account: email, person: userName}\n",
        GOOD + "leave: {lost_access: [{after: 0, do: remove_assets}, {after: 14d, do: remove}]}\n",
        GOOD + "leave: {disabled: {after: 0s, do: nothing}}\n",
        GOOD + "safety: {start: apply, settle: 0, max_removals: {percent: 2.5}, keep_at_least: {guest: 0}}\n",
        GOOD + "safety: {protect: root, ignore: [], unmanaged: report, drift: report}\n",
        GOOD + "login: vault\ncheck: 90m\n",
        GOOD + "login: {method: vault, mfa: totp, rotate: 90d}\n",
        rule("name: a, group: A, source: okta, until: 2099-03-31, hub_role: manager"),
        GOOD.replace("{org", "{fallback: manual, org")
        + "leave: {disabled: {after: 0, do: suspend}}\nprofile: {title: '{title}'}\nsafety: {create_assets: team}\n",
        GOOD
        + "leave: {disabled: {after: 0, do: suspend}}\nenvironments: {production: {connect: {fallback: manual}}}\n",
        GOOD.replace("org: acme, ", "") + "environments: {production: {connect: {org: acme}}}\n",
        GOOD + "environments: {staging: {connect: {app_id: '1', private_key: 'env:K'}, check: 1h, login: sso}}\n",
        GOOD + "safety: {unmanaged: hold, drift: fix, approve_roles: [owner], create_assets: []}\n",
        GOOD + "tests: [{person: {userName: a, groups: [A, {id: 5}]}, source: okta, expect: nothing}]\n",
        GOOD + "tests: {person: {active: false, name: {givenName: A}}, expect: {role: owner, because: staff}}\n",
        GOOD + "tests: {person: {}, expect: {assets: {team/core: [member], 'board/*': view}}}\n",
        GOOD + "tests: {person: {}, expect: {role: nothing, hub_role: manager}}\n",
        GOOD + "tests: {person: {}, expect: {role: member, hub_role: nothing}}\n",
        GOOD + "login: {method: sso}\n",
    ],
)
def test_what_the_lint_takes_is_valid(registry: Registry, forge: dict[str, Any], text: str) -> None:
    _, findings = check_hub("mappings/acme.yaml", text, registry, environment="production")
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    assert faults(text, forge) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (GOOD.replace("app: forge", "app: frge"), ["app"]),
        (GOOD.replace("roles: [owner, member]\n", ""), [""]),
        (GOOD + "scoop: active eq true\n", [""]),
        (GOOD.replace("org: acme, ", ""), ["connect"]),
        (GOOD.replace("org:", "orgg:"), ["connect", "connect"]),
        (GOOD.replace(', token: "env:T"', ""), ["connect"]),
        (GOOD.replace("{org", '{app_id: "1", private_key: "env:K", org'), ["connect"]),
        (GOOD.replace("env:T", "s3cret"), ["connect/token"]),
        (GOOD.replace("org: acme", "org: env:ORG"), ["connect/org"]),
        (GOOD.replace("[owner, member]", "[owner, membr]"), ["roles"]),
        (GOOD.replace("[owner, member]", "[]"), ["roles"]),
        (GOOD.replace("team:", "teem:"), ["asset_roles"]),
        (GOOD.replace("[edit, view]", "[edit, vew]"), ["asset_roles/board"]),
        (rule("name: staff, group: Staff, role: membr"), ["grants/0/role"]),
        (rule("name: staff, group: Staff"), ["grants/0"]),
        (rule("name: staff, role: member"), ["grants/0"]),
        (rule("group: Staff, role: member"), ["grants/0"]),
        (rule("name: staff, grup: Staff, group: Staff, role: member"), ["grants/0"]),
        (rule("name: staff, group: {name: Staff}, role: member"), ["grants/0/group"]),
        (rule("name: staff, group: Staff, assets: {teem/core: member}"), ["grants/0/assets"]),
        (rule("name: staff, group: Staff, assets: {team/core: membr}"), ["grants/0/assets/team~core"]),
        (rule("name: staff, group: Staff, assets: {team/core: [member, maintainer]}"), ["grants/0/assets/team~core"]),
        (rule("name: staff, group: Staff, assets: {}"), ["grants/0/assets"]),
        (
            rule("name: b, partner: {id: 1, name: B, owner: b@c}, assets: {team/a: member}, until: 2027-01-31"),
            ["grants/0"],
        ),
        (rule("name: a, group: A, role: member, until: 31.3.2027"), ["grants/0/until"]),
        (rule("name: a, group: A, hub_role: boss"), ["grants/0/hub_role"]),
        (GOOD + "profile: {title: '{title}'}\n", [""]),
        (GOOD + "limits: {rate: 0}\n", ["limits/rate"]),
        (GOOD + "check: 5\n", ["check"]),
        (GOOD + "check: 1h30m\n", ["check"]),
        (GOOD + "leave: {disabled: [{after: 0, do: suspend}]}\n", ["leave/disabled/0/do"]),
        (GOOD + "leave: {disabled: [{do: remove}]}\n", ["leave/disabled/0"]),
        (GOOD + "safety: {settl: 5s}\n", ["safety"]),
        (GOOD + "safety: {drift: mend}\n", ["safety/drift"]),
        (GOOD + "safety: {max_removals: {}}\n", ["safety/max_removals"]),
        (GOOD + "safety: {max_removals: {percent: 120}}\n", ["safety/max_removals/percent"]),
        (GOOD + "safety: {keep_at_least: {dean: 1}}\n", ["safety/keep_at_least"]),
        (GOOD + "safety: {approve_roles: [dean]}\n", ["safety/approve_roles"]),
        (GOOD + "login: {method: magic}\n", ["login"]),
        (GOOD + "login: {method: sso, mfa: totp}\n", ["login"]),
        (GOOD + "safety: {create_assets: [team]}\n", ["safety/create_assets"]),
        (GOOD + "environments: {staging: {grants: []}}\n", ["environments/staging"]),
        (GOOD + "environments: {staging: {connect: {token: plain}}}\n", ["environments/staging/connect/token"]),
        (GOOD + "tests: [{person: {userName: a}}]\n", ["tests/0"]),
        (GOOD + "tests: [{person: {userName: a}, expect: {role: dean}}]\n", ["tests/0/expect/role"]),
        (GOOD + "tests: [{person: {userName: a}, expect: nobody}]\n", ["tests/0/expect"]),
        (GOOD + "tests: [{person: {userName: a}, expect: {hub_role: boss}}]\n", ["tests/0/expect"]),
    ],
)
def test_what_is_wrong_is_underlined(forge: dict[str, Any], text: str, where: list[str]) -> None:
    found = faults(text.replace("team~core", "team/core"), forge)
    assert found == [place.replace("~", "/") for place in where]


def test_people_do_what_the_app_cannot(forge: dict[str, Any]) -> None:
    by_people = GOOD.replace("{org", "{fallback: manual, org")
    steps = "leave: {lost_access: [{after: 0, do: suspend}]}\n"
    assert faults(by_people + steps, forge) == []
    assert faults(GOOD + steps, forge) == ["leave/lost_access/0/do"]


def test_an_app_whose_roles_nobody_knows_before(schema: dict[str, Any]) -> None:
    open_roles = mapping_schema({"free": Abilities((), {"group": AssetType("group", ("member",))}, ())})
    text = (
        "app: free\nroles: [editor]\ngrants: [{name: a, group: A, role: editor}]\nsafety: {keep_at_least: {editor: 1}}"
    )
    assert faults(text, open_roles) == []


def test_types_that_an_app_may_create(schema: dict[str, Any]) -> None:
    app = Abilities(("user",), {"t.m": AssetType("t.m", ("in",))}, (), create_assets=("t.m",))
    makers = mapping_schema({"maker": app})
    text = "app: maker\nroles: []\ngrants: [{name: a, group: A, assets: {t.m/x: in}}]\nsafety: {create_assets: t.m}"
    assert faults(text, makers) == []
    assert faults(text.replace("assets: t.m}", "assets: tam}"), makers) == ["safety/create_assets"]
    assert faults(text.replace("{t.m/x", "{tam/x"), makers) == ["grants/0/assets"]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("tests", GOOD + "tests: {zzzzzz: 1}\n"),
        ("login", GOOD + "login: {zzzzzz: 1}\n"),
        ("match", GOOD + "match: {zzzzzz: 1}\n"),
        ("", GOOD + "zzzzzz: 1\n"),
        ("limits", GOOD + "limits: {zzzzzz: 1}\n"),
        ("leave", GOOD + "leave: {zzzzzz: 1}\n"),
        ("safety", GOOD + "safety: {zzzzzz: 1}\n"),
    ],
)
def test_every_key_that_the_lint_names_is_in_the_schema(
    registry: Registry, forge: dict[str, Any], level: str, text: str
) -> None:
    _, findings = check_hub("mappings/acme.yaml", text, registry)
    [advice] = [finding.advice for finding in findings if "`zzzzzz`" in finding.message]
    named = advice.removeprefix("known are ").removesuffix(", ...").split(", ")
    assert set(named) <= set(keys_at(forge, level))


def keys_at(schema: dict[str, Any], level: str) -> dict[str, Any]:
    place = schema["properties"][level] if level else schema
    for inner in (place.get("items"), *place.get("anyOf", ())):
        place = inner if inner and ("properties" in inner or "$ref" in inner) else place
    if "$ref" in place:
        place = schema["definitions"][place["$ref"].rpartition("/")[2]]
    keys: dict[str, Any] = place["properties"]
    return keys


def test_every_key_of_the_schema_is_known_to_the_lint(registry: Registry, forge: dict[str, Any]) -> None:
    def unknown(text: str) -> list[str]:
        _, findings = check_hub("mappings/acme.yaml", text, registry)
        return [finding.message for finding in findings if "has no key" in finding.message]

    def given(level: str) -> str:
        return ", ".join(f"{key}: 1" for key in keys_at(forge, level))

    assert unknown("\n".join(f"{key}: 1" for key in forge["properties"])) == []
    for level in ("limits", "leave", "safety", "login", "match", "tests"):
        assert unknown(f"{GOOD}{level}: {{{given(level)}}}\n") == []
    assert unknown(rule(given("grants"))) == []


def test_every_key_says_what_it_is(forge: dict[str, Any]) -> None:
    silent = [
        key
        for place in (forge, *forge["definitions"].values(), forge["properties"]["safety"])
        for key, value in place["properties"].items()
        if not value.get("description")
    ]
    assert silent == []
