"""How a source may prove itself, as ServiceProviderConfig says it (RFC 7643 section 5)."""

from __future__ import annotations

from typing import Any

from scim_bridge.directory.sources import SourceRef

_BEARER = {
    "type": "oauthbearertoken",
    "name": "Bearer token",
    "description": "A token of one identity source, shown once by `scim-bridge source rotate NAME`.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
    "primary": True,
}
_ENTRA = {
    "type": "oauthbearertoken",
    "name": "Entra ID's own token",
    "description": "The JWT that Entra sends where the secret token of an app is left empty.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc7519",
    "primary": False,
}
_CLIENT = {
    "type": "oauth2",
    "name": "OAuth 2.0 client credentials",
    "description": "A token of 60 minutes from POST /oauth/token; `scim-bridge source client NAME` makes a client.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
    "primary": False,
}
_BASIC = {
    "type": "httpbasic",
    "name": "HTTP basic",
    "description": "A client's id and secret as user name and password.",
    "specUri": "https://www.rfc-editor.org/rfc/rfc7617",
    "primary": False,
}


def schemes(source: SourceRef) -> list[dict[str, Any]]:
    """``authenticationSchemes`` for this source: what would let it in, and no more."""
    shown = [_BEARER, _CLIENT]
    if source.tenant_id:
        shown.append(_ENTRA)
    if source.takes_basic:
        shown.append(_BASIC)
    return [dict(each) for each in shown]
