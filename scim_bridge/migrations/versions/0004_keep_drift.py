"""Keep drift, and since when people are disabled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "drift",
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("applied", Json(), nullable=False),
        sa.Column("observed", Json(), nullable=False),
        sa.Column("was_there", Json(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_drift_person_id_people")),
        sa.PrimaryKeyConstraint("hub_id", "person_id", "thing", name=op.f("pk_drift")),
    )
    with op.batch_alter_table("drift", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drift_person_id"), ["person_id"], unique=False)

    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disabled_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.drop_column("disabled_at")

    with op.batch_alter_table("drift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_drift_person_id"))

    op.drop_table("drift")
