"""From an Authorization header to a proof of whose it is.

header                              | judged by
------------------------------------+----------------------------------------------------
Bearer scb-<id>-<secret>            | the digest of its secret
Bearer <JWT> with our ``iss``       | our key (issued_tokens)
Bearer <JWT>, any other             | the Entra tenant's keys (entra_tokens)
Basic <client id>:<client secret>   | the digest of its secret, where the source takes it
anything else                       | nobody
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from scim_bridge.db import Database, Tx
from scim_bridge.directory.authentication import by_basic, by_secret, why_refused
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tokens import BEARER, CLIENT, read_token
from scim_bridge.scim.auth.basic import read_basic
from scim_bridge.scim.auth.entra_tokens import EntraTokens
from scim_bridge.scim.auth.issued_tokens import ISSUER, IssuedTokens
from scim_bridge.scim.auth.jwts import is_jwt, issuer_of
from scim_bridge.scim.auth.proof import Proof
from scim_bridge.scim.auth.refusal import Refusal

MAX_CHARACTERS = 8_192  # of a header; Entra's JWTs have some 1,500
_WRONG = "its secret is wrong"
_NO_BASIC = f"{_WRONG}, or its source does not take HTTP basic"


class Credentials:
    """Judges what callers show."""

    def __init__(self, db: Database, issued: IssuedTokens, entra: EntraTokens) -> None:
        self._db = db
        self._issued = issued
        self._entra = entra

    def prove(self, header: str, now: datetime) -> Proof:
        """Whose this Authorization header is. Raises Refusal; Transient where nobody can say now."""
        if len(header) > MAX_CHARACTERS:
            raise Refusal(f"the header has over {MAX_CHARACTERS} characters")
        scheme, _, value = header.strip().partition(" ")
        match scheme.lower():
            case "bearer":
                return self._bearer(value.strip(), now)
            case "basic":
                return self._basic(value, now)
            case _:
                raise Refusal("it is neither Bearer nor Basic")

    def prove_client(self, client_id: str, secret: str, now: datetime) -> Proof:
        """Whose client this is, at the token endpoint. Raises Refusal."""
        return self._client(client_id, secret, now, partial(by_secret, kind=CLIENT), _WRONG)

    def _bearer(self, token: str, now: datetime) -> Proof:
        if is_jwt(token):
            issuer = issuer_of(token)
            return (self._issued if issuer == ISSUER else self._entra).prove(token, now)
        parts = read_token(token)
        if parts is None:
            raise Refusal("it has no shape of a token")
        public_id, digest = parts
        return self._found(partial(by_secret, public_id=public_id, digest=digest), public_id, now, BEARER, _WRONG)

    def _basic(self, value: str, now: datetime) -> Proof:
        found = read_basic(value)
        if found is None:
            raise Refusal("its Basic cannot be read")
        return self._client(*found, now, by_basic, _NO_BASIC)

    def _client(
        self, client_id: str, secret: str, now: datetime, by: Callable[..., SourceRef | None], otherwise: str
    ) -> Proof:
        parts = read_token(secret)
        if parts is None or parts[0] != client_id:
            raise Refusal("it has no shape of a client")
        return self._found(partial(by, public_id=client_id, digest=parts[1]), client_id, now, CLIENT, otherwise)

    def _found(
        self,
        find: Callable[[Tx, datetime], SourceRef | None],
        public_id: str,
        now: datetime,
        kind: str,
        otherwise: str,
    ) -> Proof:
        with self._db.read() as tx:
            source = find(tx, now)
            if source is None:
                raise Refusal(why_refused(tx, now, public_id, kind, otherwise), public_id)
        return Proof(find, source, public_id=public_id)
