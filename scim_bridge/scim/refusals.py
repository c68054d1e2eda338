"""What a client did wrong, with the word that RFC 7644 table 9 has for it. Pure."""

from __future__ import annotations

from scim_bridge.errors import InvalidInput


class Refused(InvalidInput):
    """A request that is answered with 400 and ``scim_type`` (RFC 7644 section 3.12)."""

    def __init__(self, scim_type: str, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.scim_type = scim_type


def invalid_value(message: str, *, advice: str = "") -> Refused:
    """A value of the wrong type or shape."""
    return Refused("invalidValue", message, advice=advice)


def invalid_syntax(message: str, *, advice: str = "") -> Refused:
    """A body that is not what the request needs."""
    return Refused("invalidSyntax", message, advice=advice)


def invalid_path(message: str, *, advice: str = "") -> Refused:
    """A PATCH path that names nothing we know."""
    return Refused("invalidPath", message, advice=advice)


def no_target(message: str, *, advice: str = "") -> Refused:
    """A PATCH operation whose target is not there and cannot be made."""
    return Refused("noTarget", message, advice=advice)


def mutability(message: str, *, advice: str = "") -> Refused:
    """A change of what only the server changes, or a removal of what must be there."""
    return Refused("mutability", message, advice=advice)
