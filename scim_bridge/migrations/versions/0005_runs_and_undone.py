"""Runs and undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("undoes", sa.String(length=100), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index("ix_runs_hub", ["hub_id", "kind", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_revision"), ["revision"], unique=False)

    op.create_table(
        "undone",
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("roles", Json(), nullable=False),
        sa.Column("against", Json(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_undone_person_id_people")),
        sa.PrimaryKeyConstraint("hub_id", "person_id", "thing", name=op.f("pk_undone")),
    )
    with op.batch_alter_table("undone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_undone_person_id"), ["person_id"], unique=False)

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Integer(), nullable=True))

    with op.batch_alter_table("person_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Integer(), nullable=True))

    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("key", sa.String(length=260), nullable=True))
        batch_op.add_column(sa.Column("had", Json(), nullable=True))
        batch_op.add_column(sa.Column("gave", Json(), nullable=True))
        batch_op.create_index("ix_tasks_run", ["run_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("ix_tasks_run")
        batch_op.drop_column("gave")
        batch_op.drop_column("had")
        batch_op.drop_column("key")
        batch_op.drop_column("run_id")

    with op.batch_alter_table("person_changes", schema=None) as batch_op:
        batch_op.drop_column("run_id")

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.drop_column("run_id")

    with op.batch_alter_table("undone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_undone_person_id"))

    op.drop_table("undone")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_revision"))
        batch_op.drop_index("ix_runs_hub")

    op.drop_table("runs")
