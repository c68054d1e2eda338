"""The two that are compared, each as its operator would run it: the bridge, and the limit with the same gunicorn.

On SQLite that is `scim-bridge serve` (one process, with its engine) and a limit of one process; on PostgreSQL
`gunicorn wsgi:app` with two processes and a limit of two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from bench.limit_app import DATABASE_URL
from bench.machine import children
from bench.scim.fill import Filled
from bench.scim.shapes import Shapes
from bench.scim.stores import Store
from scim_bridge.local.process import BridgeProcess, free_port
from scim_bridge.settings import PREFIX, load_settings

_ROOT = Path(__file__).parents[2]
_THREADS = load_settings({}).threads
_UP_WITHIN_S = 30.0
_SETTINGS = {"REQUESTS_PER_SECOND": "1000000"}
"""Settings of the bridge that differ from the shipped ones: a limit that is on, and above all that we send."""


class Server:
    """One that answers: where, with which processes, and what is in its database.

    ``numbers`` are those of people who are not there yet, ``empty_groups`` groups that nobody used; each is given once.
    """

    def __init__(self, name: str, pid: int, port: int, filled: Filled, *, has_engine: bool = False) -> None:
        self.name = name
        self.pid = pid
        self.port = port
        self.filled = filled
        self.shapes = Shapes(filled.token)
        self._has_engine = has_engine
        self.numbers = count(len(filled.people))
        self.empty_groups = iter(filled.empty_groups)

    def workers(self) -> list[int]:
        """The processes that answer requests."""
        return children(self.pid)

    def has_work(self) -> bool:
        """Whether an engine has not caught up with what was pushed."""
        if not self._has_engine:
            return False
        answer = requests.get(
            f"http://127.0.0.1:{self.port}/status", headers={"Accept": "application/json"}, timeout=60
        )
        return bool(answer.json()["components"]["engine"]["changes_waiting"])


@contextmanager
def bridge(store: Store, filled: Filled) -> Iterator[Server]:
    """The bridge over a copy of ``filled``."""
    with TemporaryDirectory(prefix="scim-bridge-bench-") as folder:
        settings = {**_SETTINGS, "DATABASE_URL": store.copy(filled.url)}
        if store.kind == "SQLite":
            with BridgeProcess(Path(folder), settings=settings) as process:
                yield Server("bridge", process.pid, process.port, filled, has_engine=True)
        else:
            named = {f"{PREFIX}{name}": value for name, value in settings.items()}
            with _gunicorn("wsgi:app", named, store.processes, folder) as (pid, port):
                yield Server("bridge", pid, port, filled)


@contextmanager
def limit(store: Store, filled: Filled) -> Iterator[Server]:
    """The limit over a copy of ``filled``."""
    with TemporaryDirectory(prefix="scim-bridge-limit-") as folder:
        settings = {DATABASE_URL: store.copy(filled.url)}
        with _gunicorn("bench.limit_app:create_app()", settings, store.processes, folder) as (pid, port):
            yield Server("limit", pid, port, filled)


@contextmanager
def _gunicorn(app: str, settings: dict[str, str], processes: int, folder: str) -> Iterator[tuple[int, int]]:
    """gunicorn with the options of `scim-bridge serve`; its pid and port."""
    port = free_port()
    words = [sys.executable, "-m", "gunicorn", app, "--bind", f"127.0.0.1:{port}"]
    words += ["--workers", str(processes), "--worker-class", "gthread", "--threads", str(_THREADS)]
    words += ["--keep-alive", "75", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--log-level", "warning"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCIM_BRIDGE_")}
    log = Path(folder) / "gunicorn.log"
    with log.open("ab") as output:
        process = subprocess.Popen(words, cwd=_ROOT, env=clean | settings, stdout=output, stderr=output)
    try:
        _wait_until_up(process, port, processes, log)
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, processes: int, log: Path) -> None:
    """Until every worker is there and one of them answers, whatever it says."""
    deadline_s = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            break
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=1)
            if len(children(process.pid)) == processes:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"gunicorn does not answer: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
