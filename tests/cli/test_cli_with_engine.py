"""Commands that wait for the engine: a real ``serve``, a real (simulated) app, and what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adapters.github.simulator import GithubSimulator

MAPPING = """
app: github
connect: {{org: acme, token: "env:GITHUB_TOKEN", api_url: "{url}"}}
roles: [admin, member]
asset_roles: {{team: [maintainer, member]}}
grants:
  - {{name: engineers, group: Engineering, role: member, assets: {{team/core: member}}}}
limits: {{concurrency: 4, rate: 100, burst: 100}}
safety: {{settle: 0, start: plan}}
"""


@pytest.fixture
def github() -> Iterator[GithubSimulator]:
    with GithubSimulator(token="good") as simulator:
        yield simulator


@pytest.fixture
def bridge(github: GithubSimulator, folder: Path, start, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a bridge with one hub, ``acme``, in plan mode."""
    monkeypatch.setenv("GITHUB_TOKEN", "good")
    (folder / "mappings" / "acme.yaml").write_text(MAPPING.format(url=github.url))
    process = start("serve", "--port", "0")
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("scim_bridge is listening on "), process.communicate()[1]
    return first.rpartition(" ")[2].strip()


@pytest.fixture
def ana(bridge: str, run) -> None:
    """Ana was pushed, in the group Engineering."""
    token = json.loads(run("source", "add", "okta", "--kind", "okta", "--json").stdout)["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    core = "urn:ietf:params:scim:schemas:core:2.0"
    email = "ana@acme.example"
    user = {"schemas": [f"{core}:User"], "userName": email, "emails": [{"value": email, "primary": True}]}
    made = requests.post(f"{bridge}/scim/v2/Users", json=user, headers=headers, timeout=10).json()
    group = {"schemas": [f"{core}:Group"], "displayName": "Engineering", "members": [{"value": made["id"]}]}
    assert requests.post(f"{bridge}/scim/v2/Groups", json=group, headers=headers, timeout=10).status_code == 201


def test_check_reads_the_app_now(bridge: str, github: GithubSimulator, run):
    github.change("add", login="zoe", email="zoe@acme.example")
    result = run("hub", "check", "acme")
    assert (result.exit_code, result.output) == (0, "acme: 2 accounts read\n")
    logins = {account["login"] for account in json.loads(run("account", "list", "acme", "--json").stdout)}
    assert logins == {"owner1", "zoe"}


def test_a_reading_that_shows_far_fewer_accounts_waits_for_a_word(bridge: str, github: GithubSimulator, run):
    for number in range(5):
        github.change("add", login=f"dan{number}")
    assert run("hub", "check", "acme").exit_code == 0
    for number in range(3):
        github.change("remove", login=f"dan{number}")
    doubted = run("hub", "check", "acme", "--json")
    assert doubted.exit_code == 3
    told = json.loads(doubted.stdout)
    assert (told["error"], told["accounts"]) == (None, 3)
    assert told["untrusted"].startswith("3 accounts where 6 were expected; nothing was taken away")
    assert len(json.loads(run("account", "list", "acme", "--json").stdout)) == 6
    shown = json.loads(run("hub", "show", "acme", "--json").stdout)
    assert (shown["untrusted"], shown["accounts"]) == (told["untrusted"], {"unmatched": 6})
    assert "untrusted" in run("hub", "list").stdout
    trusted = run("hub", "check", "acme", "--trust")
    assert (trusted.exit_code, trusted.output) == (0, "acme: 3 accounts read\n")
    assert len(json.loads(run("account", "list", "acme", "--json").stdout)) == 3


def test_probe_tells_a_good_credential_from_a_refused_one(bridge: str, github: GithubSimulator, run):
    assert run("hub", "probe", "acme").exit_code == 0
    github.token = "other"
    result = run("hub", "probe", "acme", "--json")
    assert (result.exit_code, json.loads(result.stdout)["ok"]) == (1, False)


def test_plan_then_apply_then_nothing_is_left(bridge: str, ana: None, github: GithubSimulator, run):
    planned = run("plan", "acme", "--refresh", "--json")
    assert (planned.exit_code, planned.stderr) == (0, "")
    (change,) = json.loads(planned.stdout)["changes"]
    assert change["person"]["user_name"] == "ana@acme.example"
    assert (change["action"], change["from"], change["to"], change["held"]) == ("invite", None, "member", None)
    assert change["because"] == [{"rule": "engineers", "file": "mappings/acme.yaml", "line": 7}]
    assert [account["key"] for account in github.state()["accounts"]] == ["owner1"]

    applied = run("apply", "acme", "--json")
    assert applied.exit_code == 0
    result = json.loads(applied.stdout)
    assert result["applied"]["made_live"] is True
    assert (result["backlog"], result["held"]) == (0, 0)
    assert [account["email"] for account in github.state()["accounts"]] == [None, "ana@acme.example"]

    again = json.loads(run("plan", "acme", "--json").stdout)
    assert (again["mode"], again["changes"]) == ("live", [])


@pytest.fixture
def slow(github: GithubSimulator) -> None:
    """The app takes its time, from the first reading on."""
    github.set_faults(latency_ms=400)


def test_apply_waits_for_the_reading_that_comes_first(slow: None, bridge: str, ana: None, run):
    result = json.loads(run("apply", "acme", "--json").stdout)
    assert (result["backlog"], result["plan"]["observed_at"]) == (0, None)


def test_apply_waits_for_no_hub_that_is_paused(bridge: str, ana: None, github: GithubSimulator, run):
    run("hub", "check", "acme")
    run("pause", "acme")
    assert run("plan", "acme", "--out", "plan.json").exit_code == 0
    paused = "`scim-bridge resume acme` goes on"
    filed = run("apply", "--from", "plan.json")
    assert (filed.exit_code, filed.stdout.partition("\n")[0].endswith(f"{paused})")) == (0, True)
    applied = run("apply", "acme")
    assert (applied.exit_code, applied.stdout.rstrip().endswith(paused)) == (0, True)
    assert "1 person to look at once the hub goes on: the hub was paused by cli:" in applied.stdout
    assert [account["key"] for account in github.state()["accounts"]] == ["owner1"]


def test_why_names_the_rule_and_what_was_given(bridge: str, ana: None, run):
    run("apply", "acme")
    (hub,) = json.loads(run("why", "ana@acme.example", "acme", "--json").stdout)["hubs"]
    assert hub["desired"] == hub["applied"] == {"seat": ["member"], "team/core": ["member"]}
    assert {grant["rule"] for grant in hub["grants"]} == {"engineers"}
    shown = run("why", "ana@acme.example").stdout
    assert shown.startswith("ana@acme.example (p1)\n  ana@acme.example in okta: active; last request: POST /Users at ")
    assert '\n  seat member: engineers (mappings/acme.yaml:7), in "Engineering"\n' in shown
    assert '\n  team/core member: engineers (mappings/acme.yaml:7), in "Engineering"\n' in shown
    assert shown.count('\n  "Engineering" in okta: POST /Groups at ') == 1
    assert re.search(r"\n  \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ invite seat \(member\): done, task 1, r\d+\n", shown)
    assert not re.search(r"False|True|None|\dT\d|\+00:00", shown)
