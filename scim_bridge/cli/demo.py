"""``scim-bridge demo``: a company, its identity provider, the bridge and an app, all on this machine, in a minute.

The bridge is the real one in a process and a folder of its own; only the two ends are played. Nothing of it
outlives the command, whichever way it ends.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import click
import requests
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scim_bridge.cli.demo_view import draw_beat, draw_flow, draw_holdings, draw_rules, short
from scim_bridge.cli.show import console
from scim_bridge.errors import Permanent
from scim_bridge.local.company import Company
from scim_bridge.local.stage import Beat, Stage

_LOOK_S = 0.1
_STEP_WITHIN_S = 30.0
_READ_S = 1.5  # a step stays at least so long before people's eyes
_PIPE_WIDTH = 100
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """A signal came; not an ``Exception``, so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@click.command()
@click.option("--once", is_flag=True, help="End by itself; exit code 0 only if the seats are the expected ones.")
@click.pass_context
def demo(ctx: click.Context, once: bool) -> None:
    """Play a company's story: Okta pushes, the bridge plans and calls, seats come and go in the app.

    Needs no keys and no network. Goes on serving until Ctrl-C, so that you can look around.
    """
    out = console()
    if not out.is_terminal:
        out.width = _PIPE_WIDTH
    company = Company.load()
    people, groups = len(company.people), len(company.groups)
    _show(out, Text(f"{people} people, {groups} groups, Okta, a bridge, and a simulator of {company.app_title}"), "")
    try:
        with (
            _signals(),
            TemporaryDirectory(prefix="scim-bridge-demo-") as folder,
            Stage(company, Path(folder)) as stage,
        ):
            is_well = _play(out, stage)
            if not once:
                _serve_on(out, stage)
    except _Ended as ended:
        ctx.exit(128 + ended.number)
    except (RuntimeError, requests.RequestException) as error:
        raise Permanent(
            f"the demo cannot go on: {error}", advice="run it again; see `scim-bridge demo --help`"
        ) from error
    ctx.exit(0 if is_well else 1)


@contextmanager
def _signals() -> Iterator[None]:
    """The first signal ends the demo, further ones must not disturb its tidying up."""

    def end(number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise _Ended(number)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _play(out: Console, stage: Stage) -> bool:
    """Play every step. True: the seats in the app are the expected ones."""
    company = stage.company
    _show(out, draw_rules(stage.mapping_file.read_text(encoding="utf-8"), f"mappings/{stage.mapping_file.name}"), "")
    beats: list[Beat] = []
    with ThreadPoolExecutor(1, thread_name_prefix="story") as pool:
        for number, step in enumerate(company.steps, 1):
            beats.append(stage.begin(number, step["say"]))
            _step(out, stage, beats, pool.submit(stage.act, step))
    _show(out, draw_flow(beats), "", draw_holdings(stage.seats().values(), stage.reasons()), "")
    differences = stage.differences()
    for line in differences:
        click.secho(line, fg="red")
    if differences:
        _show(out, Text(f"These are not the expected seats: {len(differences)} differ.", style="bold red"))
    else:
        expected = f"The {len(company.expected)} seats in {company.app_title} are exactly the expected ones."
        _show(out, Text(expected, style="bold green"))
    return not differences


def _show(out: Console, *what: RenderableType) -> None:
    """Print; without the blanks at the ends of lines that only a terminal hides."""
    if out.is_terminal:
        out.print(*what, sep="\n")
        return
    with out.capture() as captured:
        out.print(*what, sep="\n")
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _step(out: Console, stage: Stage, beats: list[Beat], act: Future[None]) -> None:
    """Follow one step until the bridge is at rest; on a terminal live, in a pipe told when it is over."""
    beat = beats[-1]
    is_live = out.is_terminal and not out.is_dumb_terminal
    until_s = time.monotonic() + _READ_S if is_live else 0.0
    deadline_s = time.monotonic() + _STEP_WITHIN_S
    with Live(console=out, transient=True, auto_refresh=False) if is_live else nullcontext() as live:
        while True:
            is_over = act.done() and stage.is_at_rest()
            if not beat.is_over:
                stage.observe(beat)
                beat.is_over = is_over
            if live is not None:
                live.update(Group(draw_beat(beat), "", draw_flow(beats)), refresh=True)
            now_s = time.monotonic()
            if now_s > deadline_s or (is_over and now_s > until_s):
                break
            time.sleep(_LOOK_S)
    act.result()
    _show(out, draw_beat(beat), "")


def _serve_on(out: Console, stage: Stage) -> None:
    """Leave everything running until Ctrl-C."""
    hub, url, command = stage.company.hub, stage.simulator.url, Path(sys.argv[0]).resolve()
    lines = [
        ("the bridge", f"{stage.bridge.url}/status"),
        ("the app", f"{url}/_sim/state and /_sim/journal"),
        ("commands", f"cd {stage.folder}"),
        ("", f"alias scim-bridge={command}"),
        ("", f"scim-bridge why {stage.staff.address('fay')}"),
        ("", f"scim-bridge plan {hub}"),
    ]
    for seat in stage.seats().values():
        if seat["status"] == "invited":
            body = f"""'{{"email": "{seat["email"]}"}}'"""
            lines.append((f"{short(seat['email'])} accepts", f"curl -d {body} {url}/_sim/accept"))
            lines.append(("", f"scim-bridge hub check {hub}"))
    _show(out, "", Text("Everything goes on running until Ctrl-C. To look around, from another shell:"), "")
    for label, line in lines:
        click.echo(f"  {label:<20}{line}")
    try:
        threading.Event().wait()
    except _Ended as ended:
        if ended.number != signal.SIGINT:
            raise
