"""What holds for every test: its logs are its own, and only tests that need it pay for coverage."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

_UNTRACED = frozenset({"adapters", "cli", "fuzz", "ops", "stories", "suites"})
"""Folders whose tests drive the whole bridge: each branch of the pure files has a test nearer to it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Pause coverage, which doubles what a test costs, where it adds nothing: pure code knows no kind of database."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = plugin.cov_controller if plugin else None
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    if controller is None or (folder not in _UNTRACED and "[postgresql" not in item.nodeid):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """A command that runs in this process sets its level and handler on the root; the next test must not meet them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands print to a pipe, however wide the terminal is in which the tests were begun."""
    monkeypatch.delenv("COLUMNS", raising=False)
