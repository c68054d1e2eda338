"""One way out to the apps: a session per hub, bounded in time and size, answering in error families.

What a reader would doubt:

* ``requests`` bounds each wait for a byte, never the whole: an app that drips one byte every nine seconds
  holds a call for hours, and the lease under it ends. So a watchdog shuts the socket of a call that is over
  ``total_s``, be it in the TLS handshake, the headers or the body. (Only the name look-up escapes it; the
  resolver has its own bound.)
* A write is sent once. Whether a write whose answer never came was carried out is for the caller to look
  up (``maybe_done``). Reads are sent again for two seconds, no longer: every longer wait belongs to the
  engine, which can do other things meanwhile.
* Redirects are not followed: they would carry the credential to wherever the answer says.

    what happened                          | family
    ---------------------------------------+---------------------------------------------
    refused, unknown host, connect time-out | Transient: nothing was sent
    cut or timed out after sending          | Transient, maybe_done for a write
    certificate not trusted, redirect, 401  | NeedsAttention
    429                                     | Transient, whole_hub (an adapter knows more: ``classify``)
    5xx                                     | Transient; maybe_done for a write, but for 503
    an answer that cannot be read           | Transient, maybe_done for a write
    any other status not in ``expect``      | Permanent
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError as PoolError
from urllib3.exceptions import NewConnectionError

from scim_bridge.clock import Clock
from scim_bridge.contract.deadline import Deadline, DeadlineAdapter
from scim_bridge.errors import BridgeError, NeedsAttention, Permanent, Transient

T = TypeVar("T")

RETRY_READS_S = 2.0
RETRIED = (502, 503, 504)
A_MINUTE_S = 60.0
_ADDRESS = re.compile(r"[^\s\"'<>/]+@[^\s\"'<>/]+")


def _nothing(_writes: bool) -> None:
    """Needs no turn and no lease."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Bounds of every call, in seconds and bytes.

    ``before_call(writes)`` runs before every request that is sent, each page and each repetition included; it
    may wait (its wait does not count) and may raise. ``pool_size`` is at least the calls that run at once.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    total_s: float = 30.0
    before_call: Callable[[bool], None] = _nothing
    pool_size: int = 64
    max_body_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered. ``data`` is the JSON body, None where there was none."""

    step: str  # "GET /orgs/acme/members"
    status: int
    headers: Mapping[str, str]  # names compare case-insensitively
    data: Any
    writes: bool = False

    def read(self, parse: Callable[[Any], T]) -> T:
        """``parse(data)``; a body of another shape is ``Transient``, never a KeyError in the engine."""
        try:
            return parse(self.data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(self.step, self.writes, f"{type(error).__name__} in its body") from error

    @property
    def message(self) -> str:
        """The app's own words about an error, without addresses; empty where it said nothing."""
        return said(self.data)

    @property
    def next_url(self) -> str | None:
        """Where ``Link`` says the next page is (RFC 8288); None: this was the last."""
        return self._link("next")

    @property
    def last_url(self) -> str | None:
        """Where ``Link`` says the last page is; None: it does not say, or this was it."""
        return self._link("last")

    def _link(self, rel: str) -> str | None:
        links = requests.utils.parse_header_links(self.headers.get("Link", ""))
        return next((link["url"] for link in links if link.get("rel") == rel), None)


def said(data: Any) -> str:
    """The words in an error body: ``message``, ``detail`` or ``error``, and those of its ``errors``."""
    if not isinstance(data, dict):
        return ""
    more = data.get("errors")
    parts = [data.get("message"), data.get("detail"), data.get("error")]
    parts += (
        [item.get("message") if isinstance(item, dict) else item for item in more] if isinstance(more, list) else []
    )
    return without_addresses(": ".join(part for part in parts if isinstance(part, str) and part))[:500]


def without_addresses(text: str) -> str:
    """``text`` with each mail address replaced: errors are shown, logged and kept."""
    return _ADDRESS.sub("(address)", text)


def unreadable(step: str, writes: bool, cause: str) -> Transient:
    """The error for an answer that nobody can make sense of."""
    return Transient(
        f"{step}: the app's answer cannot be read ({cause})",
        advice="see whether the address is the app's own and no proxy answers for it",
        maybe_done=writes,
    )


class Http:
    """Calls to one tenant of an app; may be used by several threads at once.

    ``headers()`` is asked before every request. ``classify(answer)`` may name the error of an answer that was
    not expected, before the general rules above do.
    """

    def __init__(
        self,
        base_url: str,
        settings: HttpSettings,
        *,
        headers: Callable[[], Mapping[str, str]],
        clock: Clock,
        classify: Callable[[Answer], BridgeError | None] = lambda _answer: None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._headers = headers
        self._clock = clock
        self._classify = classify
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, DeadlineAdapter(settings.pool_size))
        # Proxies and CA bundle of the environment are read once; its .netrc never: it would replace our token.
        # True: bodies are streamed, so that a huge one is refused before it is in memory.
        self._transport = self._session.merge_environment_settings(self._base_url, {}, True, None, None)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = (200, 201, 204),
        writes: bool | None = None,
    ) -> Answer:
        """Send one request and return its answer, whose status is in ``expect``; else raise its family.

        ``path`` is below the base address, or a full address of the same app (a next page). ``writes`` says
        whether the call changes anything: by default every method but GET and HEAD.
        """
        writes = method not in ("GET", "HEAD") if writes is None else writes
        request = self._request(method, path, json, params)
        if writes:
            return self._once(request, headers, expect, writes)
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_a_repeat),
            stop=tenacity.stop_before_delay(RETRY_READS_S),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=0.5),
            reraise=True,
        )
        return again(self._once, request, headers, expect, writes)

    def refusal(self, answer: Answer) -> BridgeError:
        """The error that stands for an answer nobody expected."""
        return self._classify(answer) or _general(answer, self.retry_after_s(answer))

    def retry_after_s(self, answer: Answer) -> float | None:
        """The wait that ``Retry-After`` asks for (RFC 9110 section 10.2.3: seconds or a date), None without it."""
        text = answer.headers.get("Retry-After", "").strip()
        if text.isdigit():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self._clock.now()).total_seconds())
        except (TypeError, ValueError):
            return None

    def close(self) -> None:
        """Give back the connections."""
        self._session.close()

    def _request(
        self, method: str, path: str, body: Any, params: Mapping[str, str | int] | None
    ) -> requests.PreparedRequest:
        url = path if "://" in path else self._base_url + path
        if _origin(url) != _origin(self._base_url):
            raise NeedsAttention(
                f"{method}: the app points to a page on another host than the hub's own",
                advice="set the hub's address to the one that the app names in its answers",
            )
        return requests.Request(method, url, json=body, params=dict(params or {})).prepare()

    def _once(
        self,
        request: requests.PreparedRequest,
        headers: Mapping[str, str] | None,
        expect: Collection[int],
        writes: bool,
    ) -> Answer:
        request.headers.update({"User-Agent": "scim-bridge", **self._headers(), **(headers or {})})
        self._settings.before_call(writes)
        answer = self._exchange(request, writes)
        if answer.status not in expect:
            raise self.refusal(answer)
        return answer

    def _exchange(self, request: requests.PreparedRequest, writes: bool) -> Answer:
        bounds = self._settings
        step = f"{request.method} {without_addresses(request.path_url.partition('?')[0])}"
        with Deadline(bounds.total_s) as deadline:
            try:
                with self._session.send(
                    request,
                    allow_redirects=False,
                    timeout=(bounds.connect_s, bounds.read_s),
                    **self._transport,
                ) as response:
                    body = self._body(response, step, writes)
            except (requests.RequestException, PoolError, OSError) as error:
                raise _broken(step, error, writes, bounds, deadline.is_over) from error
            if deadline.is_over:  # the cut may look like the orderly end of a body without a length
                raise _late(step, bounds.total_s, writes)
        return Answer(
            step,
            response.status_code,
            CaseInsensitiveDict(response.headers),
            _data(body, response, step, writes),
            writes,
        )

    def _body(self, response: requests.Response, step: str, writes: bool) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                raise unreadable(step, writes, f"over {self._settings.max_body_bytes} bytes")
        return bytes(body)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _data(body: bytes, response: requests.Response, step: str, writes: bool) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        if response.ok:
            raise unreadable(step, writes, "it is not JSON") from error
        return None  # a proxy's error page: the status says enough


def _is_worth_a_repeat(error: BaseException) -> bool:
    return isinstance(error, _Unsteady) and error.retry_after_s is None


class _Unsteady(Transient):
    """What may be over in a moment: a connection that was not made or was cut, a gateway's 502, 503, 504."""


def _late(step: str, total_s: float, writes: bool) -> Transient:
    return Transient(
        f"{step}: no whole answer within {total_s:g} s",
        advice="the app is slow; the call comes again by itself",
        maybe_done=writes,
    )


def _broken(step: str, error: Exception, writes: bool, bounds: HttpSettings, is_over: bool) -> BridgeError:
    if is_over:
        return _late(step, bounds.total_s, writes)
    by_itself = "the call comes again by itself"
    if isinstance(error, requests.ConnectTimeout):
        return _Unsteady(f"{step}: no connection within {bounds.connect_s:g} s", advice=by_itself)
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return Transient(f"{step}: no answer within {bounds.read_s:g} s", advice=by_itself, maybe_done=writes)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return NeedsAttention(
            f"{step}: the app's certificate is not trusted",
            advice="correct the address, or name your own authority's file in REQUESTS_CA_BUNDLE",
        )
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError) or _is_not_made(error):
        return _Unsteady(f"{step}: no connection ({_cause(error)})", advice=f"see whether the app is up; {by_itself}")
    return _Unsteady(f"{step}: the connection was cut before the answer was whole", advice=by_itself, maybe_done=writes)


def _is_not_made(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _cause(error: Exception) -> str:
    text = str(error)
    if "refused" in text:
        return "refused"
    if "resolve" in text or "Name or service" in text:
        return "the host's name is unknown"
    return type(error).__name__


def _general(answer: Answer, retry_after_s: float | None) -> BridgeError:
    step, status, words = answer.step, answer.status, f": {answer.message}" if answer.message else ""
    if status == 401:
        return NeedsAttention(
            f"{step}: the app refuses the credential (401){words}",
            advice="renew the hub's credential, then run `scim-bridge hub probe HUB`",
        )
    if status == 429:
        return Transient(
            f"{step}: the app's rate limit is reached (429)",
            advice="lower `limits` in the hub's mapping if this goes on",
            retry_after_s=A_MINUTE_S if retry_after_s is None else retry_after_s,
            whole_hub=True,
        )
    if status >= 500:
        family = _Unsteady if status in RETRIED else Transient
        return family(
            f"{step}: the app has an error of its own ({status})",
            advice="the call comes again by itself; see the app's status page if it goes on",
            retry_after_s=retry_after_s,
            maybe_done=answer.writes and status != 503,
        )
    if 300 <= status < 400:
        return NeedsAttention(
            f"{step}: the app sends us elsewhere ({status}), where the credential must not go",
            advice="set the hub's address, or the tenant's name, to the new one",
        )
    return Permanent(f"{step}: the app refuses ({status}){words}", advice="`scim-bridge why PERSON` says who asked")
