"""The shipped example is right for the shipped adapter."""

from __future__ import annotations

from pathlib import Path

from scim_bridge.contract import registry
from scim_bridge.mapping.load import load_set

EXAMPLE = Path(__file__).parents[2] / "mappings" / "examples" / "github.yaml"


def test_the_example_has_no_findings() -> None:
    files = {"mappings/github-acme.yaml": EXAMPLE.read_text()}
    found = load_set(files, registry=registry.load(), environment="production")
    assert found.warnings == ()
    assert [grant.name for grant in found.hubs["github-acme"].grants] == [
        "engineers",
        "owners",
        "teams",
        "release-leads",
    ]
