"""Say where a revision came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "folder_taken",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digests", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder_taken")),
    )
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("git_commit", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("is_dirty", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("restores", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_column("restores")
        batch_op.drop_column("is_dirty")
        batch_op.drop_column("git_commit")

    op.drop_table("folder_taken")
