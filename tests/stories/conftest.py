"""A real bridge process in a folder of its own, and a simulated GitHub organization on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.github.simulator import GithubSimulator

pytest.register_assert_rewrite("story_kit")

from story_kit import StoryBridge  # noqa: E402  after the line above, or its asserts would show no values


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[StoryBridge]:
    """A bridge that is not started yet; ended like by a power cut when the story is over."""
    # Power cuts of the machine are not played here: NORMAL spares the disk.
    bridge = StoryBridge(tmp_path, settings={"SQLITE_SYNCHRONOUS": "NORMAL"}, secrets={"GITHUB_TOKEN": "of-an-owner"})
    yield bridge
    bridge.kill()
    assert "@acme.example" not in bridge.log(), "no mail address may be in a log"
    assert "of-an-owner" not in bridge.log(), "no token may be in a log"


@pytest.fixture
def app() -> Iterator[GithubSimulator]:
    """The organization ``acme`` with teams core and platform; logins are visible by e-mail (SAML)."""
    with GithubSimulator() as simulator:
        yield simulator


@pytest.fixture
def app_without_saml() -> Iterator[GithubSimulator]:
    """The same, where nobody can tell whose login it is."""
    with GithubSimulator(saml=False) as simulator:
        yield simulator
