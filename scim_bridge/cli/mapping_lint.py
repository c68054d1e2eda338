"""``scim-bridge mapping lint``: every finding of every file. Needs no database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from scim_bridge.cli.mapping_findings import print_findings, to_github, to_json
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, print_json
from scim_bridge.mapping.findings import Finding, MappingError

_FORMATS: Final = ("text", "github", "json")


@click.command()
@click.argument("paths", metavar="[FILES]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", help="github: annotations in a workflow."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
@pass_session
def lint(session: Session, ctx: click.Context, paths: tuple[Path, ...], form: str, as_json: bool) -> None:
    """Check mapping files: the whole folder (setting MAPPINGS), or these FILES and folders, together.

    Says every error and warning at once, with file, line, column and the way out. Exit code 1: there are errors.
    """
    paths = paths or (session.settings.mappings,)
    findings: tuple[Finding, ...]
    try:
        checked = session.load(paths)
        findings, hubs = checked.warnings, len(checked.hubs)
    except MappingError as error:
        findings, hubs = error.findings, 0
    errors = sum(finding.level == "error" for finding in findings)
    if as_json or form == "json":
        print_json({"ok": not errors, "findings": [to_json(finding) for finding in findings]})
    elif form == "github":
        for finding in findings:
            click.echo(to_github(finding))
    else:
        print_findings(findings)
        click.echo(f"{' '.join(map(str, paths))}: {_summary(errors, len(findings) - errors, hubs)}")
    ctx.exit(1 if errors else 0)


def _summary(errors: int, warnings: int, hubs: int) -> str:
    found = [count(errors, "error")] if errors else [count(hubs, "hub"), "no errors"]
    return ", ".join([*found, *([count(warnings, "warning")] if warnings else [])])
