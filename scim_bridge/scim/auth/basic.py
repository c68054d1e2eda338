"""What ``Authorization: Basic`` carries (RFC 7617). Pure."""

from __future__ import annotations

import base64
import binascii


def read_basic(value: str) -> tuple[str, str] | None:
    """User name and password from what follows the scheme; None where it cannot be read."""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, _, password = text.partition(":")
    return name, password
