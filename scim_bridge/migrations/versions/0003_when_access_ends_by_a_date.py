"""When access ends by a date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hub_role", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("reevaluate_at", UTCDateTime(), nullable=True))
        batch_op.create_index(
            "ix_access_reevaluate",
            ["reevaluate_at"],
            unique=False,
            sqlite_where=sa.text("reevaluate_at IS NOT NULL"),
            postgresql_where=sa.text("reevaluate_at IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_access_reevaluate",
            sqlite_where=sa.text("reevaluate_at IS NOT NULL"),
            postgresql_where=sa.text("reevaluate_at IS NOT NULL"),
        )
        batch_op.drop_column("reevaluate_at")
        batch_op.drop_column("hub_role")
