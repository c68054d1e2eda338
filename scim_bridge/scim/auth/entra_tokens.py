"""Entra's own JWT: what its provisioning service sends when the secret token of an app is left empty.

Such a token says of its sender only "Entra, for this tenant, to this app". So a source takes it if it was
told the tenant (``iss``) and is the one for the app (``aud``); whoever can configure provisioning in that
tenant can push, which is who can type a bearer token in there, too.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial

from jose import jws
from jose.exceptions import JOSEError

from scim_bridge.db import Database
from scim_bridge.directory.authentication import by_tenant, is_tenant_known
from scim_bridge.scim.auth.entra_keys import ALGORITHM, EntraKeys
from scim_bridge.scim.auth.jwts import check_times, read_jwt
from scim_bridge.scim.auth.proof import Proof
from scim_bridge.scim.auth.refusal import Refusal

_ISSUER = re.compile(r"https://sts\.windows\.net/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")


class EntraTokens:
    """Judges Entra's JWTs by the keys that the tenant publishes."""

    def __init__(self, db: Database, keys: EntraKeys) -> None:
        self._db = db
        self._keys = keys

    def prove(self, text: str, now: datetime) -> Proof:
        """Raises Refusal, and Transient while the keys cannot be had."""
        jwt = read_jwt(text, algorithm=ALGORITHM)
        ends_at = check_times(jwt, now)
        issuer = _ISSUER.fullmatch(jwt.issuer)
        if issuer is None:
            raise Refusal("the JWT is of nobody who is known here (iss)")
        find = partial(by_tenant, tenant_id=issuer[1], audiences=jwt.audiences)
        with self._db.read() as tx:  # ends before the keys are asked for
            source = find(tx, now)
            is_known = source is not None or is_tenant_known(tx, issuer[1])
        if source is None:
            reason = "the JWT is for another app (aud)" if is_known else "no source has the JWT's tenant (iss)"
            raise Refusal(reason)
        try:
            jws.verify(text, self._keys.find(issuer[1], jwt.key_id), [ALGORITHM])
        except JOSEError as error:
            raise Refusal("the JWT's signature is wrong") from error
        return Proof(find, source, ends_at)
