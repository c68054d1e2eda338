"""``scim-bridge mapping``: the files before they count, and the revisions that did."""

from __future__ import annotations

import click

from scim_bridge.cli.lazy import LazyGroup

_COMMANDS = {
    "lint": ("scim_bridge.cli.mapping_lint:lint", "Check the files before they count."),
    "test": ("scim_bridge.cli.mapping_test:test", "Run the tests that stand in the files."),
    "schema": ("scim_bridge.cli.mapping_schema:schema", "Print a JSON Schema, for editors."),
    "publish": ("scim_bridge.cli.mapping_publish:publish", "Put the files in force."),
    "rollback": ("scim_bridge.cli.mapping_publish:rollback", "Put an earlier revision in force again."),
    "list": ("scim_bridge.cli.mapping_revisions:list_", "Revisions: what was in force, since when, by whom."),
    "show": ("scim_bridge.cli.mapping_revisions:show", "Show a revision's files."),
    "diff": ("scim_bridge.cli.mapping_revisions:diff", "Compare revisions, or one with the folder."),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def mapping() -> None:
    """The mapping files, and the revisions that came of them."""
