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
        batch_op.add_column(sa.Column("lower", Json(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("disabled_at", UTCDateTime(), nullable=True))
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
        batch_op.add_column(sa.Column("removals_paused_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("removals_paused_at", UTCDateTime(), nullable=True))
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
        batch_op.drop_column("released")

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("takes_role", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.alter_column("person_id", existing_type=sa.INTEGER(), nullable=True)

    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("git_commit", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("is_dirty", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("restores", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_column("restores")
        batch_op.drop_column("is_dirty")
        batch_op.drop_column("git_commit")

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.INTEGER(), nullable=False)
        batch_op.drop_column("takes_role")

    with op.batch_alter_table("pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("released", sa.BOOLEAN(), nullable=False))
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
        batch_op.drop_column("removals_paused_at")
        batch_op.drop_column("removals_paused_by")

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
        batch_op.drop_column("disabled_at")
        batch_op.drop_column("lower")

    op.drop_table("refused_matches")
    with op.batch_alter_table("former_emails", schema=None) as batch_op:
        batch_op.drop_index("ix_former_emails_value")

    op.drop_table("former_emails")
    with op.batch_alter_table("account_removals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_removals_hub_id"))
        batch_op.drop_index("ix_account_removals_due")

    op.drop_table("account_removals")
    with op.batch_alter_table("source_losses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_losses_source_id"))

    op.drop_table("source_losses")
    with op.batch_alter_table("drift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_drift_person_id"))

    op.drop_table("drift")
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
    op.drop_table("folder_taken")
