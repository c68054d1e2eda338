"""Approvals, losses of sources, pause of removals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("label", sa.String(length=320), nullable=False),
        sa.Column("before", sa.String(length=200), nullable=False),
        sa.Column("after", sa.String(length=200), nullable=False),
        sa.Column("takes", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("last_asked_at", UTCDateTime(), nullable=False),
        sa.Column("answered_by", sa.String(length=200), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_approvals_person_id_people")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_approvals_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index(
            "ix_approvals_account",
            ["hub_id", "account_id"],
            unique=False,
            sqlite_where=sa.text("account_id IS NOT NULL"),
            postgresql_where=sa.text("account_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_approvals_open",
            ["state", "last_asked_at"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "ix_approvals_person",
            ["hub_id", "person_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "departures",
        sa.Column("scim_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_departures_source_id_sources")),
        sa.PrimaryKeyConstraint("scim_id", name=op.f("pk_departures")),
    )
    with op.batch_alter_table("departures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_departures_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_departures_source_at", ["source_id", "at"], unique=False)

    op.create_table(
        "source_losses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.Column("lifted_by", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_source_losses_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_losses")),
    )
    with op.batch_alter_table("source_losses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_losses_source_id"), ["source_id"], unique=False)

    op.create_table(
        "account_removals",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reservation_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_removals_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.id"],
            name=op.f("fk_account_removals_approval_id_approvals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_removals")),
    )
    with op.batch_alter_table("account_removals", schema=None) as batch_op:
        batch_op.create_index("ix_account_removals_due", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_removals_hub_id"), ["hub_id"], unique=False)

    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lower", Json(), server_default="{}", nullable=False))

    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("removals_paused_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("removals_paused_at", UTCDateTime(), nullable=True))

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.drop_column("released")

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("takes_role", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.alter_column("person_id", existing_type=sa.INTEGER(), nullable=True)

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(
            "ix_users_active",
            ["source_id"],
            unique=False,
            sqlite_where=sa.text("active = 1"),
            postgresql_where=sa.text("active"),
        )


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_active", sqlite_where=sa.text("active = 1"), postgresql_where=sa.text("active"))

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("takes_role")

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.drop_column("removals_paused_at")
        batch_op.drop_column("removals_paused_by")

    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.drop_column("lower")

    with op.batch_alter_table("account_removals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_removals_hub_id"))
        batch_op.drop_index("ix_account_removals_due")

    op.drop_table("account_removals")
    with op.batch_alter_table("source_losses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_losses_source_id"))

    op.drop_table("source_losses")
    with op.batch_alter_table("departures", schema=None) as batch_op:
        batch_op.drop_index("ix_departures_source_at")
        batch_op.drop_index(batch_op.f("ix_departures_person_id"))

    op.drop_table("departures")
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_approvals_person",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_approvals_open", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch_op.drop_index(
            "ix_approvals_account",
            sqlite_where=sa.text("account_id IS NOT NULL"),
            postgresql_where=sa.text("account_id IS NOT NULL"),
        )

    op.drop_table("approvals")
