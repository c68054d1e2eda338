"""Whole conversations of Okta, Entra ID and the RFC's examples, and complaints of others, as they are on the wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scim_kit import VECTORS, Client, play

FILES = sorted(file for who in ("okta", "entra", "complaint", "rfc7644") for file in VECTORS.glob(f"{who}-*.json"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_conversation(client: Client, file: Path) -> None:
    play(client, file)


def test_the_page_about_scim_names_each_proof_and_no_other() -> None:
    tests = VECTORS.parent
    page = (tests.parent / "docs" / "scim.md").read_text()
    named = set(re.findall(r"\b(?:okta|entra|complaint|extension|rfc7644)-[\w.-]*\w(?= [,|]|,| \|)", page))
    assert named == {file.stem for file in VECTORS.glob("*.json")}
    assert set(re.findall(r"\btest_\w+", page)) <= {file.stem for file in tests.rglob("test_*.py")}
