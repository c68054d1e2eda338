"""What a check is, and how one is carried out.

A check makes its own users and groups, so that one that fails takes no other with it, and what it says is what it
saw. Whoever reads the finding wants to know three things: what the provider does there, what came back, what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Self
from urllib.parse import quote

import requests

from scim_bridge.doctor.wire import TIMEOUT_S, Answer, Unexpected, Wire, need, need_list, told
from scim_bridge.local.entra import EntraClient
from scim_bridge.local.okta import OktaClient

_NAMES = count(1)


class Visit:
    """What one check works with: a line of its own, and the providers' clients on it."""

    def __init__(self, base_url: str, token: str, domain: str) -> None:
        """``domain`` is nobody's: addresses of the users that are made end in it."""
        self.wire = Wire(base_url, token)
        self.domain = domain
        self.okta = OktaClient(base_url, token, session=self.wire)
        self.wizard = OktaClient(base_url, token, session=self.wire, is_wizard_made=True)
        self.legacy = EntraClient(base_url, token, session=self.wire, is_flagged=False)
        self.flagged = EntraClient(base_url, token, session=self.wire, is_flagged=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def name(self) -> str:
        """A user name that nobody else has."""
        return f"Probe.User{next(_NAMES)}@{self.domain}"

    def title(self) -> str:
        """A name for a group, likewise."""
        return f"Probe {self.domain} {next(_NAMES)}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; ``If_Match`` is sent as ``If-Match``."""
        return self.wire.ask(method, path, body, headers={key.replace("_", "-"): text for key, text in headers.items()})

    def read(self, path: str) -> dict[str, Any]:
        """What is at ``path``; raises ``Unexpected`` unless it is there."""
        return self.ask("GET", path).must_be(200)

    def search(self, kind: str, filter: str, *, encode: Callable[[str], str] = quote, more: str = "") -> dict[str, Any]:
        """The list of ``kind`` (Users, Groups) that meets ``filter``; raises ``Unexpected`` unless it is one."""
        return self.read(f"/{kind}?filter={encode(filter)}{more}")

    def patch(self, path: str, *operations: Any) -> Answer:
        """A PATCH with these operations."""
        schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        return self.ask("PATCH", path, {"schemas": schemas, "Operations": list(operations)})

    def walk(self, made: set[str], *, count: int) -> int:
        """Read all users in pages of ``count``, with ``made`` among them; how many there are. Raises ``Unexpected``."""
        seen: list[str] = []
        total, start = 1, 1
        while start <= total:
            page = self.read(f"/Users?startIndex={start}&count={count}")
            need_list(page, start=start)
            total = page["totalResults"]
            seen += [user["id"] for user in page["Resources"]]
            start += count
        need(len(seen) == len(set(seen)), "a user is on two pages")
        need(made <= set(seen), "a user is on no page")
        return total

    def members(self, group_id: str) -> list[str]:
        """The ids in a group."""
        return [str(member["value"]) for member in self.read(f"/Groups/{group_id}").get("members") or ()]


@dataclass(frozen=True, slots=True)
class Check:
    """``why``: what the provider does there and why it matters. ``advice`` None: what helps with any of them."""

    name: str
    why: str
    run: Callable[[Visit], None]
    advice: str | None = None


class Family:
    """The checks of one provider, in the order in which they are written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: list[Check] = []

    def __call__(
        self, name: str, why: str, *, advice: str | None = None
    ) -> Callable[[Callable[[Visit], None]], Callable[[Visit], None]]:
        """Decorate a function that raises ``Unexpected`` where something is wrong."""

        def add(run: Callable[[Visit], None]) -> Callable[[Visit], None]:
            self.checks.append(Check(f"{self.name}.{name}", why, run, advice))
            return run

        return add


@dataclass(frozen=True, slots=True)
class Result:
    """How a check went. ``saw`` None: fine; else a sentence, with ``advice``."""

    name: str
    why: str
    saw: str | None = None
    advice: str | None = None
    requests: int = 0
    slowest_ms: int = 0

    @property
    def is_fine(self) -> bool:
        return self.saw is None


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a failed request: ``visit`` past any proxy, or None and ``advice`` alone."""

    advice: str
    visit: Callable[[], Visit] | None = None


def carry_out(checks: Sequence[Check], visit: Callable[[], Visit], behind: Behind) -> Iterator[Result]:
    """Each check's result as it comes. A failed one is tried again past whatever stands in front.

    One that got no answer in time is the last: the others would wait as long.
    """
    for check in checks:
        with visit() as visitor:
            saw = _problem(check, visitor)
        advice = _advice(check, behind) if saw is not None else None
        yield Result(check.name, check.why, saw, advice, visitor.wire.sent, round(visitor.wire.slowest_ms))
        if visitor.wire.slowest_ms >= TIMEOUT_S * 1000:
            return


def _problem(check: Check, visit: Visit) -> str | None:
    try:
        check.run(visit)
    except Unexpected as problem:
        return str(problem)
    except requests.HTTPError as problem:
        return told(problem.response) if problem.response is not None else str(problem)
    except requests.Timeout:
        return f"no answer within {TIMEOUT_S:.0f} s, when Okta gives up; what comes after was not tried"
    except requests.RequestException as problem:
        return f"the connection broke: {type(problem).__name__} after {visit.wire.slowest_ms / 1000:.1f} s"
    except (KeyError, TypeError, IndexError, AttributeError) as problem:
        return f"an answer has not the shape that it must have: {type(problem).__name__} {problem}"
    return None


def _advice(check: Check, behind: Behind) -> str:
    own = f"{check.advice}; " if check.advice else ""
    if behind.visit is None:
        return own + behind.advice
    with behind.visit() as visit:
        if _problem(check, visit) is not None:
            return f"{own}it fails at {visit.wire.base_url}, too: {_REPORT}"
    return (
        f"{own}it is fine at {visit.wire.base_url}, so something in between changes the request or its answer: look at "
        "the proxy's rules for this method and path"
    )


_REPORT = "report it with the output of `scim-bridge doctor --json`"
NOTHING_BEHIND = Behind(f"nothing is in between: {_REPORT}")
UNKNOWN_BEHIND = Behind(
    "run it again on the bridge's machine with --url and its own HOST and PORT: fine there means that something in "
    f"between changes the request; else {_REPORT}"
)
