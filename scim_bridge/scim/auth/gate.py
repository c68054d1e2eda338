"""The gate: every request passes here, and a known one costs a digest and a look into a map.

shown                                       | answer
--------------------------------------------+--------------------------------------------
nothing                                     | 401
what was proven within a second             | on, without a statement
what was proven before                      | its source is asked for again; 401 if gone
what was refused within a second, from an   | 429, without a statement
  origin that was wrong too often           |
anything else                               | judged: on, 401 (429 from such an origin), or
                                            |   503 (nobody can say now)
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from flask import Request
from sqlalchemy.exc import SQLAlchemyError

from scim_bridge.db import Database
from scim_bridge.directory.authentication import is_basic_on, note_use, why_refused
from scim_bridge.directory.networks import is_within, origin_of
from scim_bridge.directory.sources import SourceRef
from scim_bridge.scim.auth.credentials import Credentials
from scim_bridge.scim.auth.entra_keys import EntraKeys
from scim_bridge.scim.auth.entra_tokens import EntraTokens
from scim_bridge.scim.auth.issued_tokens import IssuedTokens
from scim_bridge.scim.auth.proof import Proof
from scim_bridge.scim.auth.proven import Known, Proven, digest_of
from scim_bridge.scim.auth.refusal import Refusal
from scim_bridge.scim.auth.refused_log import RefusedLog
from scim_bridge.scim.auth.throttle import Guesses, Rates, Refusals
from scim_bridge.scim.problems import Problem

log = logging.getLogger(__name__)

ENTRA_KEYS_URL = "https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"
_USE_KEPT_FOR = timedelta(minutes=1)
_BEARER = 'Bearer realm="scim"'
_BASIC = 'Basic realm="scim", charset="UTF-8"'


class Gate:
    """Lets requests in.

    ``fresh_s``: how long a proven credential is taken without asking the database; 0: never. ``token_key``
    signs the JWTs of ``/oauth/token`` (empty: a key in the database). ``requests_per_second`` is for sources
    that have no number of their own. ``wrong_per_minute``: how often one origin may be wrong before it is told
    to wait.
    """

    def __init__(
        self,
        db: Database,
        *,
        fresh_s: float = 1.0,
        token_key: str = "",
        keys_url: str = ENTRA_KEYS_URL,
        requests_per_second: int = 1_000,
        wrong_per_minute: int = 20,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issued = IssuedTokens(db, token_key)
        entra = EntraTokens(db, EntraKeys(keys_url, clock=db.clock, monotonic=monotonic))
        self.db = db
        self._credentials = Credentials(db, self.issued, entra)
        self._fresh_s = fresh_s
        self._requests_per_second = requests_per_second
        self._monotonic = monotonic
        self._proven = Proven()
        self._guesses = Guesses(wrong_per_minute)
        self._refusals = Refusals(fresh_s)
        self._rates = Rates()
        self._refused = RefusedLog(db)
        self._noted: dict[tuple[int, int], datetime] = {}  # (source, token): last use as written down
        self._basic = (False, float("-inf"))
        self._lock = Lock()

    def source_of(self, request: Request, now: datetime) -> SourceRef:
        """The source that asks.

        Raises Problem: 401 (no credential that holds), 403 (disabled, or from elsewhere), 429 (too fast, or too
        many guesses); Transient where the keys of an Entra tenant cannot be had.
        """
        shown = request.environ.get("HTTP_AUTHORIZATION", "")
        if not shown.strip():
            raise Problem(401, "send Authorization: Bearer <token>", self._challenge(""))
        return self._let_in("header", shown, partial(self._credentials.prove, shown), request, now)

    def client_of(self, client_id: str, secret: str, request: Request, now: datetime) -> SourceRef:
        """The source of an OAuth client at the token endpoint; raises as ``source_of`` does."""
        prove = partial(self._credentials.prove_client, client_id, secret)
        return self._let_in("client", f"{client_id}:{secret}", prove, request, now)

    def note_use(self, source: SourceRef, now: datetime) -> None:
        """After the answer is made: write down that the credential lives, once a minute and process.

        A database that is away is no matter.
        """
        self._refused.flush(now, self._monotonic())
        key = (source.id, source.token_id)
        noted = self._noted.get(key)
        if noted is not None and now - noted < _USE_KEPT_FOR:
            return
        with self._lock:
            if self._noted.get(key) != noted:
                return  # another thread does it
            self._noted[key] = now
        try:
            with self.db.write() as tx:
                note_use(tx, source, now=now)
        except SQLAlchemyError as error:  # the request itself was answered; the next minute's will note it
            log.warning("source.use_not_noted", extra={"source": source.name, "cause": type(error).__name__})

    def _let_in(
        self, way: str, shown: str, prove: Callable[[datetime], Proof], request: Request, now: datetime
    ) -> SourceRef:
        digest, now_s = digest_of(way, shown), self._monotonic()
        known = self._proven.get(digest)
        if known is None or now_s - known.asked_s >= self._fresh_s or not known.proof.holds_at(now):
            proof = self._prove(digest, known, prove, request, now, now_s)
            self._proven.put(digest, proof, now_s)
        else:
            proof = known.proof
        self._admit(proof, request, now, now_s)
        return proof.source

    def _prove(
        self,
        digest: bytes,
        known: Known | None,
        prove: Callable[[datetime], Proof],
        request: Request,
        now: datetime,
        now_s: float,
    ) -> Proof:
        origin = origin_of(request.remote_addr or "")
        refusal = self._refusals.find(digest, now_s) if self._guesses.wait_s(origin, now_s) else None
        if refusal is None:
            try:
                return self._again(known.proof, now) if known else prove(now)
            except Refusal as new:
                refusal = new
                self._proven.drop(digest)
                self._refusals.put(digest, new, now_s)
        self._refused.add(origin, refusal.reason, now=now, now_s=now_s, public_id=refusal.public_id)
        if wait_s := self._guesses.add(origin, now_s):
            raise _wait(
                "this one is wrong, as were too many from your address before; wait, then send the right one", wait_s
            )
        raise Problem(401, "this token is not known, has ended, or was revoked", self._challenge("invalid_token"))

    def _again(self, proof: Proof, now: datetime) -> Proof:
        """Whose a proven credential is now."""
        with self.db.read() as tx:
            source = proof.find(tx, now)
            if source is None:
                gone = "its source does not take it any more"
                reason = why_refused(tx, now, proof.public_id, None, gone) if proof.public_id else gone
                raise Refusal(reason, proof.public_id)
        again = Proof(proof.find, source, proof.ends_at, proof.public_id)
        if not again.holds_at(now):
            raise Refusal("the JWT has ended (exp)", proof.public_id)
        return again

    def _admit(self, proof: Proof, request: Request, now: datetime, now_s: float) -> None:
        source = proof.source
        if source.is_disabled:
            advice = f"ask the operator: `scim-bridge source enable {source.name}`"
            raise Problem(403, f"the source {source.name} is disabled; {advice}")
        if source.networks and not is_within(request.remote_addr or "", source.networks):
            self._refused.add(
                origin_of(request.remote_addr or ""),
                "it is good, but comes from a network that its source may not use",
                now=now,
                now_s=now_s,
                public_id=proof.public_id,
                actor=source.actor,
            )
            raise Problem(
                403,
                f"the source {source.name} may not be used from this address; "
                f"the operator can allow it: `scim-bridge source set {source.name} --network CIDR`",
            )
        if not self._rates.has_turn(source.id, source.requests_per_second or self._requests_per_second, now_s):
            raise _wait(f"the source {source.name} sends more requests a second than it may; slow down", 1.0)

    def _challenge(self, error: str) -> dict[str, str]:
        """The schemes of use here (RFC 9110 section 11.6.1; ``error`` as RFC 6750 section 3.1 has it)."""
        bearer = f'{_BEARER}, error="{error}"' if error else _BEARER
        return {"WWW-Authenticate": f"{bearer}, {_BASIC}" if self._takes_basic() else bearer}

    def _takes_basic(self) -> bool:
        """Whether any source does, as of ``fresh_s`` ago: whoever shows nothing costs no statement either."""
        found, asked_s = self._basic
        now_s = self._monotonic()
        if now_s - asked_s >= self._fresh_s:
            with self.db.read() as tx:
                found = is_basic_on(tx)
            self._basic = (found, now_s)
        return found


def _wait(detail: str, wait_s: float) -> Problem:
    return Problem(429, detail, {"Retry-After": str(math.ceil(wait_s))})
