"""An index of active users that SQLite takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_active"), sqlite_where=sa.text("active = 1"))
        batch_op.create_index(
            "ix_users_active",
            ["source_id", "active"],
            unique=False,
            sqlite_where=sa.text("active = 1"),
            postgresql_where=sa.text("active"),
        )


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_active", sqlite_where=sa.text("active = 1"), postgresql_where=sa.text("active"))
        batch_op.create_index(
            batch_op.f("ix_users_active"), ["source_id"], unique=False, sqlite_where=sa.text("active = 1")
        )
