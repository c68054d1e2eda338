"""``scim-bridge mapping``: check the files before they count. Needs no database."""

from __future__ import annotations

from pathlib import Path

import click

from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json
from scim_bridge.clock import SystemClock
from scim_bridge.mapping.findings import Finding, MappingError
from scim_bridge.mapping.load import load_folder


@click.group()
def mapping() -> None:
    """The mapping files."""


@mapping.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
@click.pass_context
@pass_session
def lint(session: Session, ctx: click.Context, folder: Path | None, as_json: bool) -> None:
    """Check every mapping file in FOLDER (setting MAPPINGS); exit code 1 if one is wrong."""
    folder = folder or session.settings.mappings
    findings: tuple[Finding, ...]
    try:
        checked = load_folder(
            folder,
            registry=session.registry,
            environment=session.settings.environment,
            today=SystemClock().now().date(),
            traits=session.traits,
        )
        findings, hubs = checked.warnings, len(checked.hubs)
    except MappingError as error:
        findings, hubs = error.findings, 0
    errors = sum(finding.level == "error" for finding in findings)
    if as_json:
        print_json({"ok": not errors, "findings": [_json(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{finding.level}: {finding}")
        summary = count(errors, "error") if errors else f"{count(hubs, 'hub')}, no errors"
        click.echo(f"{folder}: {summary}")
    ctx.exit(1 if errors else 0)


def _json(finding: Finding) -> dict[str, object]:
    place = finding.place
    return {
        "level": finding.level,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": finding.message,
        "advice": finding.advice,
    }
