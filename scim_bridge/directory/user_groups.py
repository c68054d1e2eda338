"""The groups of a user, read in the same statement as the user: a second one would double a look-up's trips."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from scim_bridge.directory.tables import Group, Membership, User

NO_GROUPS = "[]"
"""What ``GROUPS`` is for a user in no group."""


class _JsonRows(FunctionElement[str]):
    """All rows as one JSON text: a list of lists."""

    type = sa.Text()
    inherit_cache = True


@compiles(_JsonRows, "sqlite")
def _on_sqlite(element: _JsonRows, compiler: Any, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(_JsonRows, "postgresql")
def _on_postgresql(element: _JsonRows, compiler: Any, **options: Any) -> str:
    return f"coalesce(json_agg(json_build_array({compiler.process(element.clauses, **options)})), '[]')::text"


GROUPS = (
    sa.select(_JsonRows(Group.id, Group.scim_id, Group.display_name))
    .join(Membership, Membership.group_id == Group.id)
    .where(Membership.user_id == User.id)
    .scalar_subquery()
)
"""A column beside those of ``users``: the groups that the user is directly in, for ``read_groups``."""


def read_groups(text: str) -> list[tuple[str, str]]:
    """``[(the group's scim id, its display name)]``, oldest first."""
    return [] if text == NO_GROUPS else [(scim_id, name) for _, scim_id, name in sorted(json.loads(text))]
