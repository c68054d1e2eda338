"""What every story needs: a mapping in a few words, what the app shows, and waiting for what must come about.

Nothing sleeps for a time that somebody guessed: a story names what must come true and until when.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
from click.testing import CliRunner

from adapters.github.simulator import GithubSimulator
from scim_bridge.cli.main import cli
from scim_bridge.contract.simulator import Entry
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess

T = TypeVar("T")

HUB = "github-acme"
LIVE = "{start: apply, settle: 0}"
GRANTS = """\
  - {name: engineers, group: Engineering, role: member}
  - {name: owners, group: GitHub Owners, role: admin}
  - {name: teams, group: "gh-team-{team}", assets: {"team/{team}": member}}
"""

_POLL_S = 0.05


class StoryBridge(BridgeProcess):
    """A real server; its commands run in this process (a Python each would take half of the time), or not."""

    spawns_commands = False

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        if self.spawns_commands or words[0] == "serve":
            return super().run(*words)
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(cli, words, env=self.environment)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def eventually(check: Callable[[], T], *, within_s: float = 15.0) -> T:
    """Wait until ``check`` returns something true without an ``AssertionError``; its last word is the failure's."""
    deadline_s = time.monotonic() + within_s
    while True:
        is_over = time.monotonic() >= deadline_s
        try:
            found = check()
        except AssertionError:
            if is_over:
                raise
        else:
            if found or is_over:
                assert found, f"not within {within_s} s: {found!r}"
                return found
        time.sleep(_POLL_S)


def becomes(read: Callable[[], object], expected: object, *, within_s: float = 15.0) -> None:
    """Wait until ``read`` returns ``expected``; where it does not, what it returned last is compared."""

    def check() -> bool:
        assert read() == expected
        return True

    eventually(check, within_s=within_s)


def write_mapping(
    bridge: BridgeProcess,
    app: GithubSimulator,
    *,
    hub: str = HUB,
    grants: str = GRANTS,
    safety: str = LIVE,
    token: str = "env:GITHUB_TOKEN",
    more: str = "",
) -> Path:
    """Put a mapping file for this organization into the bridge's folder."""
    file = bridge.folder / "mappings" / f"{hub}.yaml"
    text = f"""\
app: github
connect: {{org: {app.org.name}, token: "{token}", api_url: "{app.url}"}}
limits: {{concurrency: 4, rate: 1000, burst: 1000}}
roles: [admin, member]
asset_roles: {{team: [maintainer, member]}}
grants:
{grants}
safety: {safety}
{more}
"""
    draft = file.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)  # an editor's save is one step, too
    return file


def configure(bridge: BridgeProcess, **settings: str) -> None:
    """Settings of a bridge that is not started yet."""
    bridge.environment.update({f"SCIM_BRIDGE_{name}": value for name, value in settings.items()})


def connect_okta(bridge: BridgeProcess, name: str = "okta") -> OktaClient:
    """Add the source and type base URL and token into Okta."""
    base_url, token = bridge.add_source(name, "okta")
    return OktaClient(base_url, token)


def status(bridge: BridgeProcess) -> Any:
    """``GET /status``."""
    return requests.get(f"{bridge.url}/status", headers={"Accept": "application/json"}, timeout=10).json()


def hub_status(bridge: BridgeProcess, hub: str = HUB) -> Any:
    """One hub of ``GET /status``."""
    return status(bridge)["hubs"].get(hub)


def observed(bridge: BridgeProcess, hub: str = HUB) -> None:
    """Wait until the hub was read for the first time."""
    eventually(lambda: (hub_status(bridge, hub) or {}).get("last_success_at"))


def at_rest(bridge: BridgeProcess, hub: str = HUB) -> None:
    """Wait until every push has been worked out and nobody in the hub has anything left to do."""

    def check() -> bool:
        found = status(bridge)
        assert found["components"]["engine"]["changes_waiting"] == 0
        assert found["hubs"][hub]["backlog"] == 0, found["hubs"][hub]
        return True

    eventually(check)


def check_hub(bridge: BridgeProcess, hub: str = HUB) -> None:
    """Read the hub now."""
    done = bridge.run("hub", "check", hub)
    assert done.returncode == 0, done.stdout + done.stderr


def accept(app: GithubSimulator, email: str) -> str:
    """The invited person accepts; returns the login."""
    with app.lock:
        return app.accept(email)


def by_hand(app: GithubSimulator, op: str, **details: Any) -> None:
    """Somebody changes something inside the app."""
    with app.lock:
        app.change(op, **details)


def seats(app: GithubSimulator) -> dict[str, str]:
    """Who holds what in the app, by e-mail: ``{"ada@acme.example": "invited member core:member"}``; not owner1."""
    return {
        account["email"] or account["key"]: " ".join(
            (
                account["status"],
                account["role"],
                *(f"{team.removeprefix('team/')}:{role}" for team, role in sorted(account["assets"].items())),
            )
        )
        for account in app.state()["accounts"]
        if account["key"] != "owner1"
    }


def writes(app: GithubSimulator) -> list[str]:
    """Every call so far that changed the app or tried to: ``POST /orgs/acme/invitations 201``."""
    return [f"{entry['method']} {entry['path']} {entry['status']}" for entry in _writing(app)]


def invitations(app: GithubSimulator, email: str) -> list[int]:
    """The answers to every invitation that was sent for an address."""
    return [entry["status"] for entry in _writing(app) if entry["method"] == "POST" and entry["key"] == email]


def tasks(bridge: BridgeProcess, *words: str) -> list[dict[str, Any]]:
    """``scim-bridge tasks list WORDS --json``."""
    found: list[dict[str, Any]] = bridge.json("tasks", "list", *words)
    return found


def _writing(app: GithubSimulator) -> list[Entry]:
    return [entry for entry in app.journal() if entry["method"] != "GET" and entry["path"] != "/graphql"]
