"""``scim-bridge mapping test``: what stands under `tests:`, and what no test holds. Needs no database."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from scim_bridge.cli.mapping_findings import print_refused, to_json
from scim_bridge.cli.session import Session, pass_session
from scim_bridge.cli.show import count, json_option, print_json
from scim_bridge.clock import SystemClock
from scim_bridge.errors import NotFound
from scim_bridge.mapping.findings import MappingError
from scim_bridge.mapping.model import HubMapping
from scim_bridge.mapping.run_tests import Failure, Gap, Outcome, run_tests, uncovered, unnoticed
from scim_bridge.spelling import did_you_mean


@click.command()
@click.argument("hubs", metavar="[HUBS]...", nargs=-1)
@click.option("--folder", type=click.Path(path_type=Path), help="Another folder than the setting MAPPINGS.")
@click.option("--coverage", is_flag=True, help="Show the rules that hold for nobody in any test.")
@click.option("--mutate", is_flag=True, help="Show the rules and conditions that no test would miss.")
@click.option("--strict", is_flag=True, help="Exit code 1 for what --coverage and --mutate show, too.")
@json_option
@click.pass_context
@pass_session
def test(
    session: Session,
    ctx: click.Context,
    hubs: tuple[str, ...],
    folder: Path | None,
    coverage: bool,
    mutate: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Run the tests that stand in the mapping files: of all hubs, or of these HUBS.

    Exit code 1: a test fails, or a file is wrong; with --strict also a gap in the tests.
    """
    folder = folder or session.settings.mappings
    try:
        loaded = session.load([folder])
    except MappingError as error:
        if as_json:
            print_json({"ok": False, "findings": [to_json(finding) for finding in error.findings]})
        else:
            print_refused(error.findings, what=str(folder), then="no test ran")
        ctx.exit(1)
    chosen = [_get(loaded.hubs, hub) for hub in hubs] or list(loaded.hubs.values())
    today = SystemClock().now().date()
    outcomes = [run_tests(hub, today=today) for hub in chosen]
    untouched = [gap for hub in chosen for gap in uncovered(hub, today=today)] if coverage else []
    loose = [gap for hub in chosen for gap in unnoticed(hub, today=today)] if mutate else []
    if as_json:
        print_json(_json(outcomes, untouched if coverage else None, loose if mutate else None))
    else:
        _show(chosen, outcomes)
        if coverage:
            _show_gaps("no test touches", untouched, "every rule holds for somebody in a test")
        if mutate:
            _show_gaps("no test would miss", loose, "some test would miss each rule and condition")
    is_failed = any(outcome.failures for outcome in outcomes)
    ctx.exit(1 if is_failed or (strict and (untouched or loose)) else 0)


def _get(hubs: Any, hub_id: str) -> HubMapping:
    if hub_id not in hubs:
        raise NotFound(f'there is no hub "{hub_id}"', advice=did_you_mean(hub_id, hubs))
    found: HubMapping = hubs[hub_id]
    return found


def _show(hubs: Sequence[HubMapping], outcomes: Sequence[Outcome]) -> None:
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    for (at, who), found in groupby(failures, key=lambda failure: (_at(failure), failure.who)):
        click.echo(f"{at}: {who}")
        for each in found:
            by = f", by {', '.join(each.by)}" if each.by else ""
            click.echo(f"  expected {each.expected}")
            click.echo(f"  came out {each.came_out}{by}")
        click.echo()
    ran = sum(outcome.count for outcome in outcomes)
    failed = len({(failure.place.file, failure.place.line, failure.place.column) for failure in failures})
    without = [hub.hub_id for hub in hubs if not hub.tests]
    result = f"{failed} failed" if failed else "all pass"
    click.echo(f"{count(len(hubs), 'hub')}, {count(ran, 'test')}" + (f": {result}" if ran else ""))
    if without:
        click.echo(f"without tests: {', '.join(without)}")


def _at(found: Failure | Gap) -> str:
    return f"{found.place.file}:{found.place.line}"


def _show_gaps(title: str, gaps: Sequence[Gap], none: str) -> None:
    click.echo(f"\n{title}:" if gaps else f"\n{none}")
    for gap in gaps:
        click.echo(f"  {_at(gap)}: {gap.what}")


def _json(outcomes: Sequence[Outcome], untouched: list[Gap] | None, loose: list[Gap] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ok": not any(outcome.failures for outcome in outcomes),
        "hubs": [
            {"hub": each.hub_id, "tests": each.count, "failures": [_failure(failure) for failure in each.failures]}
            for each in outcomes
        ],
    }
    for name, gaps in (("uncovered", untouched), ("unnoticed", loose)):
        if gaps is not None:
            found[name] = [{"file": gap.place.file, "line": gap.place.line, "what": gap.what} for gap in gaps]
    return found


def _failure(each: Failure) -> dict[str, Any]:
    return {
        "file": each.place.file,
        "line": each.place.line,
        "person": each.who,
        "expected": each.expected,
        "came_out": each.came_out,
        "rules": each.by,
    }
