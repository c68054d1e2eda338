"""A JWT before and beside its signature (RFC 7515, RFC 7519): its shape, its times. Pure.

python-jose checks signatures. It asks the machine's own clock for ``exp`` and ``nbf``, lets a token without
``exp`` pass, and does not know ``crit``; so what a token says is read and judged here. A JWT that is read
is unproven: it may choose the key that is tried, nothing else.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from scim_bridge.scim.auth.refusal import Refusal

SKEW_S = 30  # how far the issuer's clock may be ahead of ours; at its end a token is simply renewed
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_LAST_S = 253_402_300_799  # 9999-12-31


@dataclass(frozen=True, slots=True)
class Unproven:
    """A JWT as it says that it is."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def issuer(self) -> str:
        return _text(self.claims.get("iss"))

    @property
    def subject(self) -> str:
        return _text(self.claims.get("sub"))

    @property
    def key_id(self) -> str:
        return _text(self.header.get("kid"))

    @property
    def audiences(self) -> frozenset[str]:
        """``aud``: one, or a list (RFC 7519 section 4.1.3)."""
        found = self.claims.get("aud")
        return frozenset(_text(each) for each in (found if isinstance(found, list) else [found])) - {""}


def is_jwt(text: str) -> bool:
    """Whether ``text`` has the three parts of a signed JWT."""
    return _SHAPE.fullmatch(text) is not None


def read_jwt(text: str, *, algorithm: str) -> Unproven:
    """Read header and claims. Raises Refusal: unreadable, another algorithm (``none`` is one), unknown ``crit``."""
    head, claims, _ = text.split(".")
    jwt = Unproven(text, _object(head), _object(claims))
    if jwt.header.get("alg") != algorithm:
        raise Refusal(f"the JWT is not signed with {algorithm}")
    if "crit" in jwt.header:
        raise Refusal("the JWT demands what is not known here (crit)")
    return jwt


def issuer_of(text: str) -> str:
    """``iss`` of a JWT, to choose who judges it; empty where it has none. Raises Refusal: unreadable."""
    return _text(_object(text.split(".")[1]).get("iss"))


def check_times(jwt: Unproven, now: datetime) -> datetime:
    """When the JWT ends. Raises Refusal: no ``exp``, ended, not valid yet, or a time that is none."""
    ends_s = _seconds(jwt, "exp")
    if ends_s <= now.timestamp():
        raise Refusal("the JWT has ended (exp)")
    if "nbf" in jwt.claims and _seconds(jwt, "nbf") > now.timestamp() + SKEW_S:
        raise Refusal("the JWT is not valid yet (nbf)")
    return datetime.fromtimestamp(ends_s, UTC)


def _seconds(jwt: Unproven, name: str) -> float:
    value = jwt.claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_S:
        raise Refusal(f"the JWT's {name} is no time")
    return value


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Refusal("the JWT cannot be read") from error
    if not isinstance(value, dict):
        raise Refusal("the JWT cannot be read")
    return value


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("no JSON")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
