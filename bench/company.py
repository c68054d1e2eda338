"""A bridge with one hub, the app behind it and the identity provider before it, each a process of its own.

Apart, because threads of one Python process take turns: a simulator inside the benchmark would be measured
as if it were the bridge. The simulator's journal and our own stop-watch read the same clock, the machine's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from scim_bridge.contract.simulator import Entry
from scim_bridge.local.okta import OktaClient
from scim_bridge.local.process import BridgeProcess, free_port

HUB = "github-acme"
CONCURRENCY = 8
_PATIENCE_S = 120.0
_MAPPING = """\
app: github
connect: {{org: acme, token: "env:BENCH_TOKEN", api_url: "{api_url}"}}
limits: {{concurrency: {concurrency}, rate: {rate}, burst: {burst}}}
roles: [admin, member]
grants:
  - {{name: engineers, group: Engineering, role: member}}
safety: {{settle: {settle}, start: apply}}
"""


class AppProcess:
    """The simulated app: ``scim-bridge simulate github`` and its control side."""

    def __init__(self, *options: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scim_bridge", "simulate", "github", "--port", str(port), *options],
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        wait_until(self._is_up, "the simulator answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def journal(self) -> list[Entry]:
        """Every call so far, in the order in which they were answered."""
        entries: list[Entry] = self._get("journal")
        return entries

    def invited(self) -> list[str]:
        """The addresses with a pending invitation, each as often as it is there."""
        accounts = self._get("state")["accounts"]
        return sorted(account["email"] for account in accounts if account["status"] == "invited")

    def slow_down(self, latency_ms: float) -> None:
        """From now on each answer takes this long."""
        self._session.post(f"{self.url}/_sim/faults", json={"latency_ms": latency_ms}).raise_for_status()

    def _get(self, what: str) -> Any:
        answer = self._session.get(f"{self.url}/_sim/{what}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the simulator ended with {self._process.returncode}")
        try:
            return bool(requests.get(f"{self.url}/_sim/state", timeout=1).ok)
        except requests.ConnectionError:
            return False


class Company:
    """``people`` are pushed and in no group; the hub is live and was read; nothing is left to do.

    ``rate`` and ``burst`` are the hub's own limits, ``settle`` as a mapping says it.
    """

    def __init__(self, people: int, *, rate: int = 1000, burst: int = 1000, settle: str = "0") -> None:
        self._size = people
        self._limits = {"concurrency": CONCURRENCY, "rate": rate, "burst": burst, "settle": settle}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="scim-bridge-bench-")))
            self.app = opened.enter_context(AppProcess())
            self.bridge = BridgeProcess(folder, secrets={"BENCH_TOKEN": "bench"})
            mapping = _MAPPING.format(api_url=self.app.url, **self._limits)
            (folder / "mappings" / f"{HUB}.yaml").write_text(mapping, encoding="utf-8")
            opened.enter_context(self.bridge)
            self.okta = OktaClient(*self.bridge.add_source("okta", "okta"))
            self.emails = [f"person{number}@acme.example" for number in range(self._size)]
            self.people = [self.okta.assign(email, "Ada", "Byron") for email in self.emails]
            self.group = self.okta.push_group("Engineering")
            wait_until(self.is_observed, "the hub is read")
            self.wait_for_rest()
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def push(self, members: list[str]) -> float:
        """Add members to the group in one PATCH. Returns when its answer was complete (epoch seconds)."""
        self.okta.change_members(self.group, add=members)
        return time.time()

    def is_observed(self) -> bool:
        """Whether the hub is live and was read."""
        hub = self._status()["hubs"].get(HUB)
        return hub is not None and hub["state"] == "live" and hub["last_success_at"] is not None

    def wait_for_rest(self) -> None:
        """Wait until every push was carried out, whatever that took, and nothing is left to do."""
        wait_until(self._rests, "the bridge is at rest")

    def _rests(self) -> bool:
        status = self._status()
        return not status["components"]["engine"]["changes_waiting"] and not status["hubs"][HUB]["backlog"]

    def _status(self) -> dict[str, Any]:
        answer = requests.get(f"{self.bridge.url}/status", headers={"Accept": "application/json"}, timeout=10)
        status: dict[str, Any] = answer.json()
        return status


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Ask every 100 ms. Raises ``RuntimeError`` when it takes longer than two minutes."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"waited {_PATIENCE_S:.0f} s in vain until {what}")
        time.sleep(0.1)


def invitations(journal: list[Entry]) -> list[Entry]:
    """The calls that sent an invitation."""
    return [entry for entry in journal if entry["method"] == "POST" and entry["path"].endswith("/invitations")]
