"""Allow only planned changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("allowed", Json(), nullable=True))
        batch_op.create_index(
            "ix_pairs_allowed",
            ["hub_id"],
            unique=False,
            sqlite_where=sa.text("allowed IS NOT NULL"),
            postgresql_where=sa.text("allowed IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_pairs_allowed",
            sqlite_where=sa.text("allowed IS NOT NULL"),
            postgresql_where=sa.text("allowed IS NOT NULL"),
        )
        batch_op.drop_column("allowed")
