"""Run ``scim-bridge`` in a folder of its own: commands, and a server that can be stopped, killed and restarted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

_READY_WITHIN_S = 30.0


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BridgeProcess:
    """A bridge in ``folder`` (its database and ``mappings/`` are there). ``settings``: names without prefix.

    Use as a context manager: it is ready when the block begins and stopped when it ends.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "mappings").mkdir(parents=True, exist_ok=True)
        named = {"PORT": str(self.port), "HOST": "127.0.0.1", **(settings or {})}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SCIM_BRIDGE_")}
        self.environment = {
            **clean,
            **{f"SCIM_BRIDGE_{name}": value for name, value in named.items()},
            **(secrets or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's main process."""
        if self._process is None:
            raise RuntimeError("the bridge is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start ``serve`` and wait until it is ready. Raises ``RuntimeError`` with its words where it ends instead."""
        log = (self.folder / "bridge.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scim_bridge", "serve"],
            cwd=self.folder,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline_s:
            if self._process.poll() is not None:
                raise RuntimeError(f"the bridge ended with {self._process.returncode}: {self.log()[-2000:]}")
            try:
                if requests.get(f"{self.url}/health/ready", timeout=1).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the bridge was not ready within {_READY_WITHIN_S:.0f} s: {self.log()[-2000:]}")

    def stop(self) -> None:
        """End it as an operator would, and wait."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, nothing is tidied up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """All that the server has said."""
        return (self.folder / "bridge.log").read_text(encoding="utf-8", errors="replace")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``scim-bridge WORDS`` in the folder; the exit code is the caller's to look at."""
        return subprocess.run(  # noqa: S603
            [sys.executable, "-m", "scim_bridge", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *words: str) -> Any:
        """Run ``scim-bridge WORDS --json`` and read its answer, whatever the exit code."""
        done = self.run(*words, "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise RuntimeError(f"scim-bridge {' '.join(words)}: {done.returncode} {done.stderr.strip()}") from None

    def add_source(self, name: str, kind: str) -> tuple[str, str]:
        """A new identity source: its SCIM base URL and its token."""
        answer = self.json("source", "add", name, "--kind", kind)
        return answer["base_url"], answer["token"]
