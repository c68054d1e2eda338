"""Runs migrations for alembic, inside the transaction that ``schema`` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import scim_bridge.tables  # noqa: F401  every table must be known
from scim_bridge.db import Base, Json, UTCDateTime


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their short names."""
    if kind == "type" and isinstance(item, Json | UTCDateTime):
        name = type(item).__name__
        autogen.imports.add(f"from scim_bridge.db import {name}")
        return f"{name}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=context.config.attributes.get("alters", False),  # SQLite cannot alter a column in place
    render_item=render_item,
    transactional_ddl=True,
)
context.run_migrations()
