"""A wheel must hold everything: setup.cfg lists packages by name, so a new one is forgotten easily."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _options(section: str, key: str) -> list[str]:
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser[section][key].split()


def _folders(top: str) -> set[str]:
    found = {each.parent for each in (ROOT / top).rglob("*.py")}
    return {".".join(each.relative_to(ROOT).parts) for each in found}


def test_every_package_is_listed():
    moved = {"scim_bridge.config", "scim_bridge.example_mappings"}
    assert set(_options("options", "packages")) == _folders("scim_bridge") | _folders("adapters") | moved


def test_every_file_that_is_no_code_is_covered():
    patterns = "".join(_options("options.package_data", "*")).split(",")
    missing = [
        str(each.relative_to(ROOT))
        for top in ("scim_bridge", "adapters", "config", "mappings/examples")
        for each in (ROOT / top).rglob("*")
        if each.is_file()
        and each.suffix not in (".py", ".pyc", ".md")
        and not any(each.match(pattern) for pattern in patterns)
    ]
    assert missing == []


def test_without_the_extra_for_postgresql_everything_can_be_imported():
    """A name in ``sys.modules`` without a module is one that cannot be imported."""
    lines = "import sys; sys.modules['psycopg'] = None; import scim_bridge.serve, scim_bridge.cli.doctor"
    subprocess.run([sys.executable, "-c", lines], check=True)


def test_a_command_pays_for_no_library_that_it_does_not_use():
    heavy = ["alembic", "cryptography", "flask", "marshmallow", "psycopg", "requests"]
    lines = f"import sys, scim_bridge.cli.main; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
