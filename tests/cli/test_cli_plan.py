"""``plan``, ``plan --out`` and ``apply --from``: what is shown, what is kept, what is refused; no engine runs here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from plan_kit import RULES, company, dump, leave, push

from scim_bridge.db import Database


@pytest.fixture
def acme(db: Database, folder: Path) -> Database:
    company(db, folder)
    return db


def test_a_plan_is_grouped_by_person_with_rule_and_sum(run, acme: Database):
    result = run("plan", "acme")
    assert result.exit_code == 0
    doubt = 'warning: mappings/acme.yaml:8:5: rule "nobody": there is no group "Misspelt" (yet); known are Staff'
    head, shown = result.stdout.split("\n\n", 1)
    assert doubt in head.splitlines()
    assert shown.splitlines() == [
        "ana@acme.example (p1)",
        "  + invite as member, with team/core member  < staff (mappings/acme.yaml:6)",
        "",
        "bo@acme.example (p2)",
        "  = team/core member becomes ours  < staff (mappings/acme.yaml:6)",
        "  ~ seat admin -> member  < staff (mappings/acme.yaml:6)",
        "",
        "people whom each rule holds for:",
        "  2  staff (mappings/acme.yaml:6)",
        "  0  owners (mappings/acme.yaml:7)",
        "  0  nobody (mappings/acme.yaml:8)",
        "",
        "acme: seats +1 -0; admin +0 -1; team +1 -0; 1 adopted",
        "",
    ]


def test_json_has_the_rules_and_what_it_adds_up_to(run, acme: Database):
    plan = json.loads(run("plan", "acme", "--format", "json").stdout)
    assert plan == json.loads(run("plan", "acme", "--json").stdout) | {"made_at": plan["made_at"]}
    assert [(rule["rule"], rule["line"], rule["people"]) for rule in plan["rules"]] == [
        ("staff", 6, 2),
        ("owners", 7, 0),
        ("nobody", 8, 0),
    ]
    assert plan["totals"] == {
        "people": 2,
        "seats": {"gained": 1, "lost": 0},
        "highest_role": {"role": "admin", "gained": 0, "lost": 1},
        "assets": {"team": {"gained": 1, "lost": 0, "changed": 0}},
        "suspended": 0,
        "resumed": 0,
        "adopted": 1,
        "held": 0,
        "failed": 0,
        "proposed": 0,
    }


def test_a_plan_writes_nothing(run, acme: Database, folder: Path):
    before = dump(acme)
    for form in ("text", "json", "markdown"):
        assert run("plan", "--format", form).exit_code == 0
    assert run("plan", "--out", "plan.json").exit_code == 0
    assert run("snapshot", "--out", "s.json").exit_code == 0
    assert dump(acme) == before


def test_a_plan_that_is_applied_marks_only_its_people(run, acme: Database):
    assert "apply just this with `scim-bridge apply --from plan.json`" in run("plan", "--out", "plan.json").stdout
    push(acme, "eve", "Owners")
    result = run("apply", "--from", "plan.json")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "acme: 3 changes for 2 people to do once an engine runs (`scim-bridge serve`)",
            "  run r2: `scim-bridge tasks list --run r2` shows it, `scim-bridge undo r2` takes it back",
            "  1 change came up since, beside the plan: not done by it",
            "  acme stays in plan mode: `scim-bridge apply acme` makes it live",
        ],
    )
    with acme.read() as tx:
        allowed = tx.execute(sa.text("SELECT person_id FROM pairs WHERE allowed IS NOT NULL ORDER BY 1")).scalars()
        assert list(allowed) == [1, 2]


def test_a_plan_that_moved_is_refused_whole_and_what_moved_is_named(run, acme: Database):
    run("plan", "--out", "plan.json")
    leave(acme, "ana")
    result = run("apply", "--from", "plan.json")
    assert result.exit_code == 1
    assert result.stdout.split() == [
        "hub",
        "person",
        "what",
        "was",
        "planned",
        "is",
        "now",
        "acme",
        "ana@acme.example",
        "(p1)",
        "seat",
        "+",
        "invite",
        "as",
        "member,",
        "with",
        "team/core",
        "member",
        "nothing",
        "to",
        "do",
    ]
    assert "1 planned change moved since, so nothing was done" in result.stderr
    assert "--rest do the 2 changes that still hold" in result.stderr
    with acme.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM pairs")).scalar() == 0


def test_the_rest_of_it_can_be_applied(run, acme: Database):
    run("plan", "--out", "plan.json")
    leave(acme, "ana")
    (result,) = json.loads(run("apply", "--from", "plan.json", "--rest", "--json").stdout)
    assert (result["changes"], result["people"], len(result["moved"])) == (2, 1, 1)


def test_moved_changes_are_json_too(run, acme: Database):
    run("plan", "--out", "plan.json")
    leave(acme, "ana")
    result = run("apply", "--from", "plan.json", "--json")
    assert (result.exit_code, json.loads(result.stdout)["applied"]) == (1, False)
    (moved,) = json.loads(result.stdout)["moved"]
    assert (moved["user_name"], moved["now"]) == ("ana@acme.example", "nothing to do")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["apply"], "name a HUB, or a file with --from", id="apply-what"),
        pytest.param(["apply", "acme", "--rest"], "--rest goes with --from", id="rest-alone"),
        pytest.param(["apply", "--from", "none.json"], "none.json cannot be read", id="no-file"),
        pytest.param(["apply", "other", "--from", "plan.json"], "a plan of acme, not of other", id="other-hub"),
        pytest.param(["apply", "--from", "mappings/acme.yaml"], "acme.yaml is no plan, or it was cut off", id="yaml"),
        pytest.param(["apply", "--from", "cut.json"], "cut.json is no plan, or it was cut off", id="cut-off"),
        pytest.param(["apply", "--from", "edited.json"], "edited.json was changed after it was made", id="edited"),
        pytest.param(["plan", "--out", "none/plan.json"], "none/plan.json cannot be written", id="no-folder"),
        pytest.param(["plan", "--snapshot", "s.json", "--refresh"], "name one of the two", id="no-engine"),
        pytest.param(["plan", "nowhere"], "no hub nowhere; known hubs: acme", id="unknown-hub"),
    ],
)
def test_wrong_names_and_files_are_usage_errors(run, acme: Database, arguments: list[str], message: str):
    assert run("plan", "--out", "plan.json").exit_code == 0
    text = Path("plan.json").read_text()
    Path("cut.json").write_text(text[:300])
    Path("edited.json").write_text(text.replace('"member"', '"admin"'))
    result = run(*arguments)
    assert (result.exit_code, result.stderr.count("Traceback")) == (2, 0)
    assert message in result.stderr


def test_a_plan_from_before_the_first_hub_says_so(run, db: Database):
    assert run("plan", "--out", "plan.json").exit_code == 0
    result = run("apply", "--from", "plan.json")
    assert (result.exit_code, "plan.json is a plan of no hub: there was none yet" in result.output) == (2, True)


def test_a_plan_file_is_for_nobody_else(run, acme: Database):
    run("plan", "--out", "plan.json")
    assert Path("plan.json").stat().st_mode & 0o777 == 0o600


def test_an_older_plan_file_is_replaced_whole(run, acme: Database):
    Path("plan.json").write_text("old")
    run("plan", "--out", "plan.json")
    assert json.loads(Path("plan.json").read_text())["format"] == "scim-bridge plan"
    assert [each.name for each in Path().glob(".plan*")] == []


def test_a_hub_that_was_never_read_says_so(run, db: Database, folder: Path):
    company(db, folder, reads=False)
    assert "warning: the app was never read: everybody looks new" in run("plan").stdout


def test_a_plan_by_files_that_are_not_in_force(run, acme: Database, folder: Path):
    other = folder / "changed"
    other.mkdir()
    (other / "acme.yaml").write_text((folder / "mappings" / "acme.yaml").read_text().replace("Misspelt", "Staff"))
    (other / "beta.yaml").write_text((other / "acme.yaml").read_text().replace("org: acme", "org: beta"))
    result = run("plan", "--mappings", "changed")
    assert "+ invite as admin" in result.stdout
    assert "files that are not in force" in result.stdout
    assert "warning: hub beta is new" in result.stderr


def test_removals_that_are_proposed_are_listed_with_what_they_wait_for(run, acme: Database, folder: Path):
    hold = folder / "hold"
    hold.mkdir()
    (hold / "acme.yaml").write_text(RULES + "safety: {unmanaged: hold}\n")
    result = run("plan", "--mappings", "hold")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-10:] == [
        "1 account not ours, proposed for removal (`safety.unmanaged: hold`):",
        "  - account root admin  < asked about once the hub is live and was read again",
        "",
        "people whom each rule holds for:",
        "  2  staff (hold/acme.yaml:6)",
        "  0  owners (hold/acme.yaml:7)",
        "  0  nobody (hold/acme.yaml:8)",
        "",
        "acme: seats +1 -0; admin +0 -1; team +1 -0; 1 adopted; 1 proposed",
        "",
    ]


@pytest.mark.parametrize("columns", [80, 140])
def test_no_line_is_longer_than_the_terminal(run, acme: Database, columns: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, run("plan").stdout.splitlines())) <= columns
