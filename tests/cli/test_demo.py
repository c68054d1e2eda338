"""The demo is the first thing that a newcomer runs: it must end well, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from scim_bridge.cli.main import cli
from scim_bridge.local.company import Company

DEMO = [sys.executable, "-m", "scim_bridge", "demo"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Its temporary folder lies in ours, so that what it leaves behind shows."""
    return {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def test_once_ends_with_the_expected_seats_and_leaves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--once"], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "exactly the expected ones" in done.stdout
    assert "kim.park      -              -              engineers: `except` title co" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_other_seats_than_expected_are_named_and_end_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Company.load()
    unplayed = replace(story, steps=story.steps[:1])
    monkeypatch.setattr(Company, "load", lambda: unplayed)

    done = CliRunner().invoke(cli, ["demo", "--once"])

    assert done.exit_code == 1
    assert (
        "mia.larsen@acme.example: expected active, member, team/core member, GitHub organization acme has nothing"
        in (done.stdout)
    )
    assert "These are not the expected seats: 10 differ." in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with subprocess.Popen(DEMO, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        _read_until(demo.stdout, "Okta pushes the company")
        bridges = _children(demo.pid)

        demo.send_signal(number)

        assert demo.wait(timeout=60) == code
    assert bridges
    assert not [pid for pid in bridges if Path(f"/proc/{pid}").exists()]
    assert list(tmp_path.iterdir()) == []


def _read_until(lines: Iterator[str], text: str) -> None:
    deadline_s = time.monotonic() + 60
    for line in lines:
        if text in line:
            return
        assert time.monotonic() < deadline_s, f"no {text!r} within a minute"
    raise AssertionError(f"the demo ended without {text!r}")


def _children(pid: int) -> list[int]:
    found = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return found + [grandchild for child in found for grandchild in _children(child)]
