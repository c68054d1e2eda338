"""The wire: RFC 7643 and 7644 as Okta and Entra ID speak them. ``blueprint`` is what answers."""
