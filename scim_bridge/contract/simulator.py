"""The kit under every app's simulator: a stateful copy of the app's API over real HTTP, with faults on demand.

An app's own part says what is answered (``answer``, ``admit``), what a person does by hand (``accept``,
``change``) and what there is (``accounts``). The kit adds the journal, the faults, and a control side:

    GET  /_sim/journal   [{"at": epoch seconds, "method", "path", "status", "key"}]
    GET  /_sim/state     {"accounts": [{"key", "email", "status", "role", "assets"}]}
    POST /_sim/faults    any of {"latency_ms", "rate", "burst", "fail"}
    POST /_sim/accept    {"email"}
    POST /_sim/change    {"op", "login", ...}

The control side is never slowed, failed or journalled. ``at`` is taken when the request arrives, before its
latency: it tells when the bridge called, not when the app was done.
"""

from __future__ import annotations

import errno
import inspect
import math
import random
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, ClassVar, Self, TypedDict

import click

from scim_bridge.contract.limits import Bucket, Limits
from scim_bridge.contract.simulator_server import Reply, Request, Routes, Server
from scim_bridge.errors import BridgeError, Conflict, InvalidInput

NEARLY_NOW_S = 0.001
"""A turn that is this near is taken: the bucket's sums are not exact."""


class Entry(TypedDict):
    """One line of the journal; ``key`` is the login or e-mail that the call is about."""

    at: float
    method: str
    path: str
    status: int
    key: str | None


class AccountState(TypedDict):
    """One account of the state; ``key`` is its login, or ``invitation:<id>``."""

    key: str
    email: str | None
    status: str
    role: str
    assets: dict[str, str]


@dataclass(frozen=True, slots=True)
class Faults:
    """``latency_ms`` before each answer; ``rate`` calls a second with ``burst`` (0: no limit); ``fail``: 5xx share."""

    latency_ms: float = 0
    rate: float = 0
    burst: int = 0
    fail: float = 0


class Simulator(ABC):
    """One simulated tenant. In tests ``with GithubSimulator() as sim``; in the CLI ``run(port)``.

    ``token``: the only bearer that is let in, None for any. ``override`` (in process only) may answer instead of
    the app; ``on_exchange`` sees every request with its reply.
    """

    app: ClassVar[str]

    def __init__(
        self,
        *,
        latency_ms: float = 0,
        rate: float = 0,
        burst: int = 0,
        fail: float = 0,
        seed_members: int = 0,
        token: str | None = None,
    ) -> None:
        self.token = token
        self.seed_members = seed_members
        self.override: Callable[[Request], Reply | None] | None = None
        self.on_exchange: Callable[[Request, Reply], None] | None = None
        self.lock = threading.RLock()
        self.faults = Faults()
        self._bucket: Bucket | None = None
        self._journal: list[Entry] = []
        self._dice = random.Random(0)
        self._server: Server | None = None
        self._control = Routes(
            {
                "GET /_sim/journal": lambda _request: Reply(200, self.journal()),
                "GET /_sim/state": lambda _request: Reply(200, self.state()),
                "POST /_sim/faults": self._post_faults,
                "POST /_sim/accept": self._post_accept,
                "POST /_sim/change": self._post_change,
            }
        )
        self.set_faults(latency_ms=latency_ms, rate=rate, burst=burst, fail=fail)

    @classmethod
    def options(cls) -> list[click.Option]:
        """The app's own options of ``scim-bridge simulate APP``; their names are arguments of ``__init__``."""
        return []

    @abstractmethod
    def key(self, request: Request) -> str | None:
        """Whom a call is about, by login or e-mail; asked before it is answered."""

    @abstractmethod
    def admit(self, request: Request) -> Reply | None:
        """A refusal for a missing header or a wrong credential; None lets in."""

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """What the app answers. One call at a time: the state needs no lock of its own."""

    @abstractmethod
    def over_limit(self, wait_s: int) -> Reply:
        """The app's refusal of a call above its rate limit, with its headers."""

    @abstractmethod
    def broken(self) -> Reply:
        """The app's 5xx."""

    @abstractmethod
    def accounts(self) -> list[AccountState]:
        """Everybody who holds a seat or an invitation."""

    @abstractmethod
    def accept(self, email: str) -> str:
        """The invited person accepts; returns the login. Raises ``BridgeError`` where there is no invitation."""

    @abstractmethod
    def change(self, op: str, **details: Any) -> None:
        """A change by hand inside the app. Raises ``BridgeError`` for one that makes no sense."""

    def start(self, port: int = 0) -> Self:
        """Serve in the background until ``close``; ``url`` says where. Raises ``Conflict`` for a port that is taken."""
        try:
            self._server = Server(self._handle, port)
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise Conflict(f"port {port} on 127.0.0.1 {reason}", advice="choose another with --port") from error
        return self

    @property
    def url(self) -> str:
        """Where the simulator listens, without a slash at the end."""
        if self._server is None:
            raise RuntimeError("the simulator is not started")
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop serving; the state stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, port: int) -> None:
        """Serve until SIGINT or SIGTERM."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with self.start(port):
            print(f"{self.app} simulator at {self.url}, control at {self.url}/_sim/state", file=sys.stderr, flush=True)
            stop.wait()

    def journal(self) -> list[Entry]:
        """Every call so far in the order of arrival."""
        with self.lock:
            entries = list(self._journal)
        return sorted(entries, key=lambda entry: entry["at"])

    def state(self) -> dict[str, list[AccountState]]:
        """What ``/_sim/state`` shows."""
        with self.lock:
            return {"accounts": self.accounts()}

    def set_faults(self, **faults: float) -> Faults:
        """Change some faults; what is not named stays. Unknown ones and those out of range are ``InvalidInput``."""
        known = {"latency_ms": float, "rate": float, "burst": int, "fail": float}
        if set(faults) - set(known):
            raise InvalidInput("unknown fault", advice=f"known are {', '.join(known)}")
        for name, value in faults.items():
            _check_fault(name, value)
        with self.lock:
            self.faults = replace(self.faults, **{name: known[name](value) for name, value in faults.items()})
            limits = Limits(rate=self.faults.rate, burst=max(1, self.faults.burst)) if self.faults.rate else None
            if {"rate", "burst"} & set(faults):
                self._bucket = Bucket(limits) if limits else None
            return self.faults

    def _handle(self, request: Request) -> Reply:
        if request.path.startswith("/_sim/"):
            return self._controlled(request)
        at = time.time()
        with self.lock:
            key = self.key(request)
        reply = self._fault() or self.admit(request) or self._overridden(request) or self._limited()
        with self.lock:
            reply = reply or self.answer(request)
            self._journal.append(
                {"at": at, "method": request.method, "path": request.path, "status": reply.status, "key": key}
            )
            if self.on_exchange is not None:
                self.on_exchange(request, reply)
        return reply

    def _fault(self) -> Reply | None:
        faults = self.faults
        if faults.latency_ms:
            time.sleep(faults.latency_ms / 1000)
        return self.broken() if faults.fail and self._dice.random() < faults.fail else None

    def _limited(self) -> Reply | None:
        bucket, rate = self._bucket, self.faults.rate
        if bucket is None or bucket.reserve(time.monotonic(), at_most_s=NEARLY_NOW_S) is not None:
            return None
        return self.over_limit(max(1, round(1 / rate)))

    def _overridden(self, request: Request) -> Reply | None:
        return self.override(request) if self.override is not None else None

    def _controlled(self, request: Request) -> Reply:
        handler = self._control.find(request)
        if handler is None:
            return Reply(404, {"error": "no such control; see /_sim/state, /_sim/journal"})
        try:
            return handler(request)
        except (BridgeError, ValueError, TypeError, LookupError) as error:
            return Reply(422, {"error": str(error) or type(error).__name__})

    def _post_faults(self, request: Request) -> Reply:
        faults = self.set_faults(**_details(request))
        return Reply(200, {name: getattr(faults, name) for name in Faults.__slots__})

    def _post_accept(self, request: Request) -> Reply:
        details = _details(request)
        if set(details) != {"email"}:
            raise InvalidInput("accept takes: email")
        email = str(details["email"])
        with self.lock:
            return Reply(200, {"login": self.accept(email)})

    def _post_change(self, request: Request) -> Reply:
        details = dict(_details(request))
        op = str(details.pop("op", ""))
        with self.lock:
            self.change(op, **details)
        return Reply(200, {"op": op})


def _check_fault(name: str, value: Any) -> None:
    """The ranges that the command line has, too."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0:
        raise InvalidInput(f"{name} is a number of at least 0")
    if name == "fail" and value > 1:
        raise InvalidInput("fail is a share from 0 to 1")
    if name == "burst" and value != int(value):
        raise InvalidInput("burst is a whole number")


def check_op(op: str, function: Callable[..., None], details: Mapping[str, Any]) -> None:
    """Raise InvalidInput, in the control side's words, unless ``details`` are what ``function`` takes, as texts."""
    takes = inspect.signature(function)
    try:
        takes.bind(**details)
    except TypeError as error:
        names = (name if one.default is one.empty else f"{name}?" for name, one in takes.parameters.items())
        raise InvalidInput(f"op {op} takes: {', '.join(names)}") from error
    for name, value in details.items():
        may_be_null = "None" in str(takes.parameters[name].annotation)
        if not isinstance(value, str) and not (value is None and may_be_null):
            raise InvalidInput(f"{name} of op {op} is a text")


def _details(request: Request) -> Mapping[str, Any]:
    try:
        details = request.json()
    except ValueError as error:
        raise InvalidInput("the body is no JSON") from error
    if not isinstance(details, dict):
        raise InvalidInput("the body is not a JSON object")
    return details


def common_options() -> list[click.Option]:
    """The options that every ``scim-bridge simulate APP`` has."""
    return [
        click.Option(["--port"], type=click.IntRange(0, 65535), default=9001, show_default=True, help="0: a free one."),
        click.Option(
            ["--latency-ms"], type=click.FloatRange(0), default=0, show_default=True, help="Before each answer."
        ),
        click.Option(
            ["--rate"], type=click.FloatRange(0), default=0, show_default=True, help="Calls a second; 0: no limit."
        ),
        click.Option(
            ["--burst"], type=click.IntRange(0), default=0, show_default=True, help="Calls at once after a rest."
        ),
        click.Option(["--fail"], type=click.FloatRange(0, 1), default=0, show_default=True, help="Share answered 5xx."),
        click.Option(
            ["--seed-members"], type=click.IntRange(0), default=0, show_default=True, help="member1 to memberN."
        ),
        click.Option(["--token"], default=None, help="The only bearer let in; without it any."),
    ]


def simulate_command(app_name: str, simulator: type[Simulator]) -> click.Command:
    """``scim-bridge simulate APP``: the kit's options and the app's, serving until interrupted."""

    def serve(port: int, **settings: Any) -> None:
        simulator(**settings).run(port)

    return click.Command(
        app_name,
        callback=serve,
        params=[*common_options(), *simulator.options()],
        help=f"Serve a stateful copy of the {app_name} API on 127.0.0.1, with a control side below /_sim.",
    )
