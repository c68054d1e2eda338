"""Whole conversations of Okta, Entra ID and the RFC's examples, and complaints of others, as they are on the wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from scim_kit import VECTORS, Client, play

FILES = sorted(file for who in ("okta", "entra", "complaint", "rfc7644") for file in VECTORS.glob(f"{who}-*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_conversation(client: Client, file: Path) -> None:
    play(client, file)
