"""Sources prove themselves in more ways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tenant_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("audience", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("tenant_used_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("networks", Json(), nullable=True))
        batch_op.add_column(sa.Column("requests_per_second", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("takes_basic", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_unique_constraint(batch_op.f("uq_sources_tenant_id_audience"), ["tenant_id", "audience"])

    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=10), server_default="bearer", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_column("kind")

    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_sources_tenant_id_audience"), type_="unique")
        batch_op.drop_column("takes_basic")
        batch_op.drop_column("requests_per_second")
        batch_op.drop_column("networks")
        batch_op.drop_column("tenant_used_at")
        batch_op.drop_column("audience")
        batch_op.drop_column("tenant_id")

    op.drop_table("signing_key")
