"""The keys that Entra publishes for a tenant, kept, and asked for again when a JWT names one we do not have.

    the key we have             | the key server | answer
    ----------------------------+----------------+---------------------------------------------
    known, under an hour old    | (not asked)    | the key
    known, under a day old      | away           | the key
    known, over a day old       | away           | 503: it may have been withdrawn
    unknown                     | answers        | the key, or 401 if it is not there either
    unknown                     | away           | 503
    unknown, asked this minute  | (not asked)    | as it was then

One question a minute and tenant, whoever asks for whatever, so that nobody can make us hammer the server. It
is asked outside locks and transactions. Who comes meanwhile takes what is there; only while there is nothing
at all do others wait for the answer, and not for long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillPending
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from scim_bridge.clock import Clock
from scim_bridge.contract.http import Http, HttpSettings
from scim_bridge.errors import BridgeError, Transient
from scim_bridge.scim.auth.refusal import Refusal

log = logging.getLogger(__name__)

ALGORITHM = "RS256"
_ASK_EVERY_S = 60.0
_FRESH_S = 3_600.0
_USABLE_S = 86_400.0
_WAIT_S = 2.0
_BOUNDS = HttpSettings(connect_s=2.0, read_s=3.0, total_s=5.0, pool_size=1, max_body_bytes=512 * 1024)


@dataclass(slots=True)
class _Ring:
    """One tenant's keys. ``asked_s`` and ``got_s``: when we last asked, and last got an answer."""

    keys: dict[str, Key] = field(default_factory=dict)
    asked_s: float = float("-inf")
    got_s: float = float("-inf")
    pending: Future[None] | None = None

    def key(self, key_id: str, now_s: float) -> Key | None:
        return self.keys.get(key_id) if now_s - self.got_s < _USABLE_S else None


class EntraKeys:
    """``url`` has ``{tenant}`` where the tenant's id belongs; ``monotonic`` tells seconds."""

    def __init__(self, url: str, *, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._monotonic = monotonic
        self._rings: dict[str, _Ring] = {}
        self._lock = threading.Lock()

    def find(self, tenant_id: str, key_id: str) -> Key:
        """The public key. ``tenant_id`` is one that a source has, so there are few.

        Raises Refusal (no such key is published) and Transient (nobody can say now).
        """
        now_s = self._monotonic()
        with self._lock:
            ring = self._rings.setdefault(tenant_id, _Ring())
            key = ring.key(key_id, now_s)
            may_ask = ring.pending is None and now_s - ring.asked_s >= _ASK_EVERY_S
            asks = may_ask and (key is None or now_s - ring.got_s >= _FRESH_S)
            if asks:
                ring.asked_s, ring.pending = now_s, Future()
            pending = ring.pending
        if asks:
            self._ask(ring, tenant_id, now_s)
        elif key is None and pending is not None and not ring.keys:
            _wait(pending)
        return self._answer(ring, key_id)

    def _answer(self, ring: _Ring, key_id: str) -> Key:
        now_s = self._monotonic()
        with self._lock:
            key = ring.key(key_id, now_s)
            is_answered = ring.pending is None and ring.got_s >= ring.asked_s
            again_s = 1.0 if ring.pending else max(1.0, ring.asked_s + _ASK_EVERY_S - now_s)
        if key is not None:
            return key
        if is_answered:
            raise Refusal("the JWT is signed with a key that Entra does not publish (kid)")
        raise Transient("the keys of the Entra tenant cannot be read now; try again", retry_after_s=again_s)

    def _ask(self, ring: _Ring, tenant_id: str, now_s: float) -> None:
        keys = None
        try:
            keys = self._fetch(tenant_id)
        except BridgeError as error:
            log.warning("auth.keys_away", extra={"tenant": tenant_id, "cause": str(error)})
        finally:
            with self._lock:
                if keys is not None:
                    ring.keys, ring.got_s = keys, now_s
                pending, ring.pending = ring.pending, None
            if pending is not None:
                pending.set_result(None)

    def _fetch(self, tenant_id: str) -> dict[str, Key]:
        url = self._url.replace("{tenant}", tenant_id)
        parts = urlsplit(url)
        http = Http(f"{parts.scheme}://{parts.netloc}", _BOUNDS, headers=dict, clock=self._clock)
        try:
            return http.call("GET", url, expect=(200,)).read(_read_keys)
        finally:
            http.close()


def _read_keys(data: Any) -> dict[str, Key]:
    """RFC 7517 section 5: what cannot sign for us is passed over; a list without any key is no list of keys."""
    keys: dict[str, Key] = {}
    for each in data["keys"]:
        if each.get("kty") != "RSA" or each.get("use", "sig") != "sig" or not isinstance(each.get("kid"), str):
            continue
        try:
            keys[each["kid"]] = jwk.construct(each, ALGORITHM)
        except JOSEError:
            continue
    if not keys:
        raise ValueError("no key")
    return keys


def _wait(pending: Future[None]) -> None:
    try:
        pending.result(_WAIT_S)
    except StillPending:
        return
