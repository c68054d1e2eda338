"""Trust the rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "folder_taken",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digests", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder_taken")),
    )
    op.create_table(
        "former_emails",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("value_key", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_former_emails_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "value_key", name=op.f("pk_former_emails")),
    )
    with op.batch_alter_table("former_emails", schema=None) as batch_op:
        batch_op.create_index("ix_former_emails_value", ["value_key"], unique=False)

    op.create_table(
        "refused_matches",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_refused_matches_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_refused_matches_person_id_people")),
        sa.PrimaryKeyConstraint("account_id", "person_id", name=op.f("pk_refused_matches")),
    )
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

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("login_key", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("name", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("name_key", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("is_outside", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("proposed_to", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("proposed_by", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("exempt_kind", sa.String(length=10), nullable=True))
        batch_op.add_column(sa.Column("exempt_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("exempt_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("exempt_at", UTCDateTime(), nullable=True))
        batch_op.create_index("ix_accounts_login", ["hub_id", "login_key"], unique=False)
        batch_op.create_index(
            "ix_accounts_name",
            ["hub_id", "name_key"],
            unique=False,
            sqlite_where=sa.text("name_key IS NOT NULL"),
            postgresql_where=sa.text("name_key IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_accounts_proposed",
            ["proposed_to"],
            unique=False,
            sqlite_where=sa.text("proposed_to IS NOT NULL"),
            postgresql_where=sa.text("proposed_to IS NOT NULL"),
        )

    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("check_step", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("trusted_accounts", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("doubt_kind", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("doubt", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("doubt_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("doubt_accounts", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("trust_by", sa.String(length=200), nullable=True))

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("allowed", Json(), nullable=True))
        batch_op.create_index(
            "ix_pairs_allowed",
            ["hub_id"],
            unique=False,
            sqlite_where=sa.text("allowed IS NOT NULL"),
            postgresql_where=sa.text("allowed IS NOT NULL"),
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

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_pairs_allowed",
            sqlite_where=sa.text("allowed IS NOT NULL"),
            postgresql_where=sa.text("allowed IS NOT NULL"),
        )
        batch_op.drop_column("allowed")

    with op.batch_alter_table("hubs", schema=None) as batch_op:
        batch_op.drop_column("trust_by")
        batch_op.drop_column("doubt_accounts")
        batch_op.drop_column("doubt_at")
        batch_op.drop_column("doubt")
        batch_op.drop_column("doubt_kind")
        batch_op.drop_column("trusted_accounts")
        batch_op.drop_column("check_step")

    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_accounts_proposed",
            sqlite_where=sa.text("proposed_to IS NOT NULL"),
            postgresql_where=sa.text("proposed_to IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_accounts_name",
            sqlite_where=sa.text("name_key IS NOT NULL"),
            postgresql_where=sa.text("name_key IS NOT NULL"),
        )
        batch_op.drop_index("ix_accounts_login")
        batch_op.drop_column("exempt_at")
        batch_op.drop_column("exempt_by")
        batch_op.drop_column("exempt_reason")
        batch_op.drop_column("exempt_kind")
        batch_op.drop_column("proposed_by")
        batch_op.drop_column("proposed_to")
        batch_op.drop_column("is_outside")
        batch_op.drop_column("name_key")
        batch_op.drop_column("name")
        batch_op.drop_column("login_key")

    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_access_reevaluate",
            sqlite_where=sa.text("reevaluate_at IS NOT NULL"),
            postgresql_where=sa.text("reevaluate_at IS NOT NULL"),
        )
        batch_op.drop_column("reevaluate_at")
        batch_op.drop_column("hub_role")

    op.drop_table("refused_matches")
    with op.batch_alter_table("former_emails", schema=None) as batch_op:
        batch_op.drop_index("ix_former_emails_value")

    op.drop_table("former_emails")
    op.drop_table("folder_taken")
