"""``scim-bridge simulate APP``: one command for each adapter that brings a simulator."""

from __future__ import annotations

import click

from scim_bridge.contract import registry
from scim_bridge.contract.simulator import simulate_command
from scim_bridge.errors import InvalidInput, NotFound


class _Simulators(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [app for app in registry.load().apps() if self.get_command(ctx, app)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            return simulate_command(cmd_name, registry.load().simulator(cmd_name))
        except (NotFound, InvalidInput):
            return None


@click.group(cls=_Simulators)
def simulate() -> None:
    """A stateful copy of an app's API on this machine, to try things out."""
