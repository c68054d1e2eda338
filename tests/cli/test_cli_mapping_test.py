"""``mapping test``: what fails, with its place, and what no test holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MAPPING = """\
app: github
connect: {org: acme, token: "env:GITHUB_TOKEN"}
roles: [admin, member]
asset_roles: {team: [maintainer, member]}
grants:
  - {name: engineers, group: Engineering, except: title co "Intern", role: member}
  - {name: owners, group: Owners, role: admin}
  - {name: core, group: Core, assets: {team/core: member}}
tests:
"""
ANA = "  - {person: {userName: ana, groups: [Engineering]}, expect: {role: member, because: engineers}}\n"
KIM = "  - {person: {userName: kim, title: Intern, groups: [Engineering]}, expect: nothing}\n"
LEA = "  - {person: {userName: lea, groups: [Engineering, Owners, Core]}, expect: {role: admin, assets: {}}}\n"
MAX = "  - {person: {userName: max, groups: [Owners]}, expect: {role: admin}}\n"
ZOE = "  - {person: {userName: zoe, groups: [Engineering, Core]}, expect: {assets: {team/core: member}}}\n"


@pytest.fixture
def file(folder: Path) -> Path:
    """The one mapping file, without tests yet."""
    return folder / "mappings" / "acme.yaml"


def test_tests_that_pass(run, file: Path):
    file.write_text(MAPPING + ANA + KIM)
    result = run("mapping", "test")
    assert (result.exit_code, result.stdout) == (0, "1 hub, 2 tests: all pass\n")


def test_a_failure_says_where_who_and_what_came_out_by_which_rule(run, file: Path):
    file.write_text(MAPPING + ANA.replace("[Engineering]", "[Sales]") + LEA)
    result = run("mapping", "test")
    assert (result.exit_code, result.stdout) == (
        1,
        "mappings/acme.yaml:10: ana\n"
        "  expected role member by engineers\n"
        '  came out nothing; engineers: not in group "Engineering"\n'
        "\n"
        "mappings/acme.yaml:11: lea\n"
        "  expected no team/core\n"
        "  came out team/core member, by core\n"
        "\n"
        "1 hub, 2 tests: 2 failed\n",
    )


def test_hubs_by_name(run, file: Path):
    file.write_text(MAPPING + ANA)
    file.with_name("beta.yaml").write_text(
        MAPPING.replace("org: acme", "org: beta") + KIM.replace("nothing", "{role: member}")
    )
    assert run("mapping", "test").exit_code == 1
    assert run("mapping", "test", "acme").stdout == "1 hub, 1 test: all pass\n"
    wrong = run("mapping", "test", "acm")
    assert (wrong.exit_code, wrong.stderr) == (2, 'scim-bridge: there is no hub "acm"; did you mean "acme"?\n')


def test_another_folder(run, folder: Path, file: Path):
    (folder / "rules").mkdir()
    (folder / "rules" / "acme.yaml").write_text(MAPPING + ANA)
    assert run("mapping", "test", "--folder", "rules").stdout == "1 hub, 1 test: all pass\n"


def test_a_hub_without_tests_is_named(run, file: Path):
    file.write_text(MAPPING.removesuffix("tests:\n"))
    result = run("mapping", "test")
    assert (result.exit_code, result.stdout) == (0, "1 hub, 0 tests\nwithout tests: acme\n")
    assert run("mapping", "test", "--coverage", "--strict").exit_code == 1


def test_coverage_names_the_rules_that_no_test_touches(run, file: Path):
    file.write_text(MAPPING + ANA)
    result = run("mapping", "test", "--coverage")
    assert (result.exit_code, result.stdout) == (
        0,
        "1 hub, 1 test: all pass\n"
        "\n"
        "no test touches:\n"
        "  mappings/acme.yaml:7: rule owners\n"
        "  mappings/acme.yaml:8: rule core\n",
    )
    assert run("mapping", "test", "--coverage", "--strict").exit_code == 1


def test_mutate_names_what_no_test_would_miss(run, file: Path):
    file.write_text(MAPPING + ANA + MAX + ZOE.replace("{assets: {team/core: member}}", "{role: member}"))
    result = run("mapping", "test", "--coverage", "--mutate")
    assert (result.exit_code, result.stdout) == (
        0,
        "1 hub, 3 tests: all pass\n"
        "\n"
        "every rule holds for somebody in a test\n"
        "\n"
        "no test would miss:\n"
        "  mappings/acme.yaml:6: except of rule engineers\n"
        "  mappings/acme.yaml:8: rule core\n",
    )
    assert run("mapping", "test", "--mutate", "--strict").exit_code == 1
    file.write_text(MAPPING + ANA + KIM + MAX + ZOE)
    assert run("mapping", "test", "--coverage", "--mutate", "--strict").exit_code == 0


def test_for_machines(run, file: Path):
    file.write_text(MAPPING + KIM.replace("nothing", "{role: member}"))
    result = run("mapping", "test", "--coverage", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False,
        "hubs": [
            {
                "hub": "acme",
                "tests": 1,
                "failures": [
                    {
                        "file": "mappings/acme.yaml",
                        "line": 10,
                        "person": "kim",
                        "expected": "role member",
                        "came_out": 'nothing; engineers: `except` title co "Intern" holds',
                        "rules": [],
                    }
                ],
            }
        ],
        "uncovered": [
            {"file": "mappings/acme.yaml", "line": 6, "what": "rule engineers"},
            {"file": "mappings/acme.yaml", "line": 7, "what": "rule owners"},
            {"file": "mappings/acme.yaml", "line": 8, "what": "rule core"},
        ],
    }


def test_a_wrong_file_is_told_instead(run, file: Path):
    file.write_text(MAPPING + ANA.replace("engineers}", "engeneers}"))
    result = run("mapping", "test")
    assert result.exit_code == 1
    assert 'there is no rule "engeneers"; did you mean "engineers"?' in result.stdout
    assert result.stdout.endswith("mappings: 1 error, no test ran\n")
    assert json.loads(run("mapping", "test", "--json").stdout)["ok"] is False


def test_a_folder_that_is_not_there(run, folder: Path):
    result = run("mapping", "test", "--folder", "nowhere")
    assert result.exit_code == 1
    assert result.stdout.startswith("error: nowhere:1:1: the folder cannot be read: No such file or directory")


def test_the_shipped_example_holds_every_rule(run, folder: Path):
    examples = Path(__file__).parents[2] / "mappings" / "examples"
    result = run("mapping", "test", "--folder", str(examples), "--coverage", "--mutate", "--strict")
    assert result.exit_code == 0, result.stdout
