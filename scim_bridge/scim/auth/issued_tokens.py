"""The JWTs that ``POST /oauth/token`` gives out (RFC 9068 in its plainest form).

HS256, because who signs them is who checks them. A JWT names its client, and is worth what the client is
worth: revoke the client, and its JWTs end. The key is the setting ``token_key``, else 256 random bits in
the database, so that all processes of one database take each other's tokens.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from functools import partial

from jose import jws
from jose.exceptions import JOSEError

from scim_bridge.db import Database
from scim_bridge.directory.authentication import by_client, why_refused
from scim_bridge.directory.signing_key import find_key, get_or_make_key
from scim_bridge.directory.tokens import CLIENT, is_public_id
from scim_bridge.scim.auth.jwts import check_times, read_jwt
from scim_bridge.scim.auth.proof import Proof
from scim_bridge.scim.auth.refusal import Refusal

ISSUER = "scim-bridge"
LIFE_S = 3_600  # Entra's gallery asks for 60 to 360 minutes
_ALGORITHM = "HS256"
_AUDIENCE = "scim"


class IssuedTokens:
    """Signs and judges our JWTs by the secret ``key``; empty: by the database's."""

    def __init__(self, db: Database, key: str) -> None:
        self._db = db
        self._key = hashlib.sha256(key.encode()).hexdigest() if key else ""  # python-jose refuses some texts

    def issue(self, client_id: str, now: datetime) -> str:
        """A JWT for the client, good for ``LIFE_S``."""
        if not self._key:
            with self._db.write() as tx:
                self._key = get_or_make_key(tx, now=now)
        issued_s = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": _AUDIENCE,
            "sub": client_id,
            "client_id": client_id,
            "iat": issued_s,
            "exp": issued_s + LIFE_S,
            "jti": secrets.token_hex(8),
        }
        return jws.sign(claims, self._key, {"typ": "at+jwt"}, _ALGORITHM)

    def prove(self, text: str, now: datetime) -> Proof:
        """Raises Refusal."""
        jwt = read_jwt(text, algorithm=_ALGORITHM)
        ends_at = check_times(jwt, now)
        if _AUDIENCE not in jwt.audiences:
            raise Refusal("the JWT is for another app (aud)")
        if not self._key:
            with self._db.read() as tx:
                self._key = find_key(tx) or ""
        try:
            jws.verify(text, self._key or secrets.token_hex(32), [_ALGORITHM])
        except JOSEError as error:
            raise Refusal("the JWT's signature is wrong") from error
        if not is_public_id(jwt.subject):
            raise Refusal("the JWT names no client (sub)")
        find = partial(by_client, public_id=jwt.subject)
        with self._db.read() as tx:
            source = find(tx, now)
            if source is None:
                reason = why_refused(tx, now, jwt.subject, CLIENT, "it cannot be found")
                raise Refusal(f"the JWT's client: {reason}", jwt.subject)
        return Proof(find, source, ends_at, jwt.subject)
