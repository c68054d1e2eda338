"""``scim-bridge serve``: gunicorn, one threaded worker, and the engine inside that worker.

One worker, because the engine lives in it and SQLite takes one writer anyway; threads answer beside each
other. What may go wrong goes wrong in the parent, before the fork, where it is one clear line: the lock,
the schema, the port. The lock is then shared by parent and worker and free when both are gone; a parent
that is killed takes its worker along at once (``PR_SET_PDEATHSIG``), so that a restart finds lock and
port free within the few seconds that it waits for them.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger as GunicornLogger
from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.app import create_app
from scim_bridge.contract import registry
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.engine.lock import EngineLock
from scim_bridge.engine.runtime import Engine
from scim_bridge.errors import BridgeError, Conflict, InvalidInput
from scim_bridge.schema import prepare_schema
from scim_bridge.scim.extensions import load_traits, load_types
from scim_bridge.scim.service import PREFIX
from scim_bridge.settings import Settings
from scim_bridge.worker import Worker

log = logging.getLogger(__name__)

_ENGINE_CONNECTIONS = 32  # lanes hold one only while they write down what a call brought about
_WAIT_S = 5.0  # for one who is just ending: its lock, its port
_STOP_S = 20.0  # for calls under way, within gunicorn's own patience
_KEEP_S = 5.0
_PR_SET_PDEATHSIG = 1
_OBJECTS_BETWEEN = 700  # Python's own: a start looks for garbage less often (__main__.py), who lives long may not wait
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 128 * 1024


def serve(settings: Settings, *, with_engine: bool = True) -> int:
    """Serve until a signal; returns the exit code.

    Raises ``Conflict`` where another engine runs or the port is taken, ``InvalidInput`` for an old or newer
    schema of the database, or extension schemas that cannot be taken.
    """
    parent = os.getpid()
    load_types(settings.schemas)  # what is wrong with them is said here, not by a worker that dies
    db = _open(settings)
    lock = EngineLock(db)
    if with_engine:
        lock.acquire(_WAIT_S)
    try:
        prepare_schema(db)
        listener = listen(settings.host, settings.port)
        db.close()  # a connection must not cross a fork
        _Server(settings, listener, lock if with_engine else None).run()
    except SystemExit as end:
        if os.getpid() != parent:  # the worker's: its code tells gunicorn whether to try another
            raise
        return 1 if end.code else 0
    finally:
        if os.getpid() == parent:
            lock.release()
    return 0


def listen(host: str, port: int, *, wait_s: float = _WAIT_S) -> socket.socket:
    """A listening socket on ``host:port`` (0: any free port), waiting ``wait_s`` for a port that is just being left."""
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
            return socket.create_server((host, port), family=family, backlog=2048)
        except socket.gaierror as error:
            raise InvalidInput(f'HOST "{host}" is no address of this machine', advice="use 127.0.0.1") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline_s:
                time.sleep(0.05)
                continue
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise Conflict(f"port {port} on {host} {reason}", advice="set PORT (or --port) to another") from error


def url_of(listener: socket.socket) -> str:
    """``http://host:port`` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _open(settings: Settings) -> Database:
    size = settings.threads + _ENGINE_CONNECTIONS
    return Database(settings.database_url, synchronous=settings.sqlite_synchronous, pool_size=size)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn asks of an application: its settings, and (in the worker) the application itself."""

    def __init__(self, settings: Settings, listener: socket.socket, lock: EngineLock | None) -> None:
        self._settings = settings
        self._url = url_of(listener)
        self._listener_fd = listener.detach()
        self._lock = lock
        self._db: Database | None = None
        self._engine: Engine | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": [f"fd://{self._listener_fd}"],
            "workers": 1,
            "worker_class": Worker,
            "threads": self._settings.threads,
            "timeout": 120,  # without a sign of life from the worker's main thread
            "graceful_timeout": 30,
            "keepalive": 75,
            "limit_request_line": 8_190,  # filters travel in it
            "forwarded_allow_ips": "",  # TRUSTED_PROXIES alone decides
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108  a heartbeat, no data
            "logger_class": _Quiet,
            "when_ready": _one_worker_only,
            "post_fork": _prepare_worker,
            "post_worker_init": self._started,
            "worker_exit": self._ended,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        db = self._db = _open(self._settings)
        if self._lock is not None:
            self._engine = Engine(db, self._settings, registry.load(), load_traits(self._settings.schemas))
        app = create_app(self._settings, db, wake=self._engine.wake if self._engine else _nobody)
        gc.freeze()  # what stays until the end is looked at no more
        gc.set_threshold(_OBJECTS_BETWEEN)
        return app

    def _started(self, _worker: Any) -> None:
        if self._db is None:
            raise AssertionError("gunicorn loads the application first")
        try:
            if self._engine and self._lock:
                self._engine.start()
                if not self._db.is_sqlite:
                    _Keeper(self._lock, self._engine).start()
            _greet(self._settings, self._db, self._url)
        except (BridgeError, SQLAlchemyError) as error:
            print(f"scim-bridge: {error}", file=sys.stderr, flush=True)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _ended(self, _arbiter: Any, _worker: Any) -> None:
        if self._engine:
            self._engine.stop(_STOP_S)
        if self._db:
            self._db.close()


def _nobody() -> None:
    """No engine runs here: the rows wait for one."""


def _greet(settings: Settings, db: Database, url: str) -> None:
    with db.read() as tx:
        is_new = not sources.list_sources(tx)
    print(f"scim_bridge is listening on {url}", flush=True)
    print(f"SCIM base URL: {settings.base_url or url}{PREFIX}", flush=True)
    if is_new:
        print("no identity source yet: `scim-bridge source add okta --kind okta`", flush=True)


def _one_worker_only(_arbiter: Any) -> None:
    """A second worker would be a second engine: no signal may start one (gunicorn's HUP, TTIN, USR2 would)."""
    for each in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2, signal.SIGWINCH):
        signal.signal(each, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _prepare_worker(_arbiter: Any, worker: Any) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _give_large_blocks_back(libc)
    if os.getppid() != worker.ppid:  # it died before we asked
        os._exit(1)


def _give_large_blocks_back(libc: Any) -> None:
    """What a large body took is the system's again when it is answered.

    glibc would take the first for a habit and keep as much for each thread: 50 MiB more after a PUT of 100,000
    members. Other C libraries do not.
    """
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


class _Keeper(threading.Thread):
    """Holds on to a lock that a restart of the database server would lose; without it the engine must not run."""

    def __init__(self, lock: EngineLock, engine: Engine) -> None:
        super().__init__(name="engine-lock", daemon=True)
        self._lock = lock
        self._engine = engine

    def run(self) -> None:
        while True:
            time.sleep(_KEEP_S)
            try:
                if self._lock.keep():
                    continue
            except Exception:  # the server is away, which its other users report
                log.debug("engine.lock_unknown", exc_info=True)
                continue
            log.error("engine.lock_lost")
            self._engine.stop(_STOP_S)
            return


class _Quiet(GunicornLogger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own words go the way of all logs, from warning on; no access log."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
