"""What the project says of itself in two places must be the same in both."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"


def test_the_files_that_must_be_pure_are_those_that_must_be_covered() -> None:
    config = ConfigParser()
    config.read(SETUP)
    pure = config["importlinter:contract:pure"]["source_modules"].split()
    covered = config["coverage:run"]["include"].split()
    assert covered == [
        name.replace(".", "/") + ("/*" if (SETUP.parent / name.replace(".", "/")).is_dir() else ".py") for name in pure
    ]
