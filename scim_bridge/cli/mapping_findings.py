"""Findings as people, scripts and GitHub read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from scim_bridge.cli.show import count
from scim_bridge.mapping.findings import Finding

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = _DATA | {":": "%3A", ",": "%2C"}


def print_findings(findings: Sequence[Finding]) -> None:
    """One line each, ``error: file:line:column: message; advice``."""
    for finding in findings:
        colour = "red" if finding.level == "error" else "yellow"
        click.echo(f"{click.style(finding.level, fg=colour, bold=True)}: {finding}")


def print_refused(findings: Sequence[Finding], *, what: str, then: str = "nothing was changed") -> None:
    """All that is wrong with ``what``, and ``then``."""
    print_findings(findings)
    errors = sum(finding.level == "error" for finding in findings)
    click.echo(f"{what}: {count(errors, 'error')}, {then}")


def to_json(finding: Finding) -> dict[str, object]:
    """One finding, flat."""
    place = finding.place
    return {
        "level": finding.level,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": finding.message,
        "advice": finding.advice,
    }


def to_github(finding: Finding) -> str:
    """A workflow command that GitHub Actions shows beside the line.

    Characters that mean something to the runner are written as it wants them:
    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    place = finding.place
    properties = {"file": place.file, "line": place.line, "col": place.column, "title": f"mapping {finding.level}"}
    shown = ",".join(f"{name}={_escape(str(value), _PROPERTY)}" for name, value in properties.items())
    text = finding.message + (f"; {finding.advice}" if finding.advice else "")
    return f"::{finding.level} {shown}::{_escape(text, _DATA)}"


def _escape(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(letter, letter) for letter in text)
