"""The wire: RFC 7643 and 7644 as Okta and Entra ID speak them. ``create_blueprint`` is all that others use."""

from scim_bridge.scim.blueprint import create_blueprint

__all__ = ["create_blueprint"]
