"""Start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("hub_id", sa.String(length=100), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("detail", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_hub_id"), "audit", ["hub_id"], unique=False)
    op.create_index(op.f("ix_audit_person_id"), "audit", ["person_id"], unique=False)
    op.create_table(
        "bindings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("name_key", sa.String(length=512), nullable=False),
        sa.Column("target_id", sa.String(length=200), nullable=False),
        sa.Column("candidate_id", sa.String(length=200), nullable=True),
        sa.Column("bound_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("hub_id", "kind", "scope", "name_key", name=op.f("uq_bindings_hub_id_kind_scope_name_key")),
    )
    op.create_index(op.f("ix_bindings_hub_id"), "bindings", ["hub_id"], unique=False)
    op.create_table(
        "group_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("person_ids", Json(), nullable=True),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_changes")),
    )
    op.create_index(op.f("ix_group_changes_group_id"), "group_changes", ["group_id"], unique=False)
    op.create_table(
        "hubs",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("app", sa.String(length=50), nullable=False),
        sa.Column("tenant", sa.String(length=300), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("live_by", sa.String(length=200), nullable=True),
        sa.Column("live_at", UTCDateTime(), nullable=True),
        sa.Column("detached_at", UTCDateTime(), nullable=True),
        sa.Column("paused_by", sa.String(length=200), nullable=True),
        sa.Column("paused_at", UTCDateTime(), nullable=True),
        sa.Column("attention", sa.Text(), nullable=True),
        sa.Column("attention_at", UTCDateTime(), nullable=True),
        sa.Column("probe_attempts", sa.Integer(), nullable=False),
        sa.Column("probe_at", UTCDateTime(), nullable=True),
        sa.Column("probed_at", UTCDateTime(), nullable=True),
        sa.Column("probe_result", Json(), nullable=True),
        sa.Column("resting_until", UTCDateTime(), nullable=True),
        sa.Column("check_at", UTCDateTime(), nullable=True),
        sa.Column("check_owner", sa.String(length=40), nullable=True),
        sa.Column("check_lease_until", UTCDateTime(), nullable=True),
        sa.Column("check_progress", sa.Integer(), nullable=False),
        sa.Column("check_attempts", sa.Integer(), nullable=False),
        sa.Column("observation", sa.Integer(), nullable=False),
        sa.Column("observed_from", UTCDateTime(), nullable=True),
        sa.Column("observed_at", UTCDateTime(), nullable=True),
        sa.Column("last_success_at", UTCDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs")),
    )
    op.create_table(
        "mapping_trouble",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("findings", Json(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_trouble")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("attention", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(
        "ix_people_attention",
        "people",
        ["id"],
        unique=False,
        sqlite_where=sa.text("attention IS NOT NULL"),
        postgresql_where=sa.text("attention IS NOT NULL"),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=True),
        sa.Column("ends_seat", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_hub", "reservations", ["hub_id", "at"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("files", Json(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("joins", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )
    op.create_table(
        "access",
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=True),
        sa.Column("assets", Json(), nullable=False),
        sa.Column("because", Json(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("lost_at", UTCDateTime(), nullable=True),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_access_person_id_people")),
        sa.PrimaryKeyConstraint("hub_id", "person_id", name=op.f("pk_access")),
    )
    op.create_index(op.f("ix_access_person_id"), "access", ["person_id"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("login", sa.String(length=300), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("linked_how", sa.String(length=20), nullable=True),
        sa.Column("linked_at", UTCDateTime(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("gone_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_accounts_hub_id_hubs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_accounts_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("hub_id", "ref", name=op.f("uq_accounts_hub_id_ref")),
    )
    op.create_index("ix_accounts_person", "accounts", ["hub_id", "person_id"], unique=False)
    op.create_index("ix_accounts_role", "accounts", ["hub_id", "status", "role"], unique=False)
    op.create_index("ix_accounts_whose", "accounts", ["person_id"], unique=False)
    op.create_table(
        "applied",
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_applied_person_id_people")),
        sa.PrimaryKeyConstraint("hub_id", "person_id", "thing", "role", name=op.f("pk_applied")),
    )
    op.create_index(op.f("ix_applied_person_id"), "applied", ["person_id"], unique=False)
    op.create_table(
        "assets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=50), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=300), nullable=False),
        sa.Column("slug_key", sa.String(length=300), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("name_key", sa.String(length=300), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("gone_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_assets_hub_id_hubs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("hub_id", "type", "ref", name=op.f("uq_assets_hub_id_type_ref")),
    )
    op.create_index("ix_assets_name", "assets", ["hub_id", "type", "name_key"], unique=False)
    op.create_index("ix_assets_slug", "assets", ["hub_id", "type", "slug_key"], unique=False)
    op.create_table(
        "deleted_users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("scim_id", sa.String(length=36), nullable=False),
        sa.Column("external_id", sa.String(length=512), nullable=True),
        sa.Column("user_name_key", sa.String(length=512), nullable=False),
        sa.Column("deleted_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_deleted_users_person_id_people")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_deleted_users_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_users")),
    )
    op.create_index(op.f("ix_deleted_users_person_id"), "deleted_users", ["person_id"], unique=False)
    op.create_index(op.f("ix_deleted_users_scim_id"), "deleted_users", ["scim_id"], unique=False)
    op.create_index("ix_deleted_users_source_external", "deleted_users", ["source_id", "external_id"], unique=False)
    op.create_index(op.f("ix_deleted_users_user_name_key"), "deleted_users", ["user_name_key"], unique=False)
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scim_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=512), nullable=True),
        sa.Column("display_name", sa.String(length=512), nullable=False),
        sa.Column("display_name_key", sa.String(length=512), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_groups_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("scim_id", name=op.f("uq_groups_scim_id")),
    )
    op.create_index("ix_groups_source_external", "groups", ["source_id", "external_id"], unique=False)
    op.create_index("ix_groups_source_id", "groups", ["source_id", "id"], unique=False)
    op.create_index("ix_groups_source_name", "groups", ["source_id", "display_name_key"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("email_key", sa.String(length=512), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("resends", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=False),
        sa.Column("pending_seen", sa.Integer(), nullable=False),
        sa.Column("pending_seen_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_invitations_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hub_id", "ref", name=op.f("uq_invitations_hub_id_ref")),
    )
    op.create_index("ix_invitations_pair", "invitations", ["hub_id", "person_id"], unique=False)
    op.create_index("ix_invitations_whose", "invitations", ["person_id"], unique=False)
    op.create_table(
        "pairs",
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("want", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("unsettled_since", UTCDateTime(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("look_after", UTCDateTime(), nullable=True),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("waits", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_pairs_person_id_people")),
        sa.PrimaryKeyConstraint("hub_id", "person_id", name=op.f("pk_pairs")),
    )
    op.create_index(
        "ix_pairs_due",
        "pairs",
        ["hub_id", "priority", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_pairs_owner",
        "pairs",
        ["hub_id", "lease_until"],
        unique=False,
        sqlite_where=sa.text("owner IS NOT NULL"),
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.create_index(
        "ix_pairs_when",
        "pairs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "person_changes",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_person_changes_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_changes")),
    )
    op.create_index(op.f("ix_person_changes_changed_at"), "person_changes", ["changed_at"], unique=False)
    op.create_table(
        "revision_changes",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("after_person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_revision_changes_revision_id_revisions")
        ),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_revision_changes")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("thing", sa.String(length=260), nullable=False),
        sa.Column("before", sa.String(length=200), nullable=True),
        sa.Column("after", sa.String(length=200), nullable=True),
        sa.Column("because", Json(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=200), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("advice", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UTCDateTime(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_tasks_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_pair", "tasks", ["hub_id", "person_id", "state"], unique=False)
    op.create_index("ix_tasks_state", "tasks", ["state", "updated_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_tokens_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("public_id", name=op.f("uq_tokens_public_id")),
    )
    op.create_index(op.f("ix_tokens_source_id"), "tokens", ["source_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scim_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("user_name_key", sa.String(length=512), nullable=False),
        sa.Column("external_id", sa.String(length=512), nullable=True),
        sa.Column("display_name_key", sa.String(length=512), nullable=True),
        sa.Column("manager_id", sa.String(length=512), nullable=True),
        sa.Column("join_key", sa.String(length=512), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_users_person_id_people")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_users_source_id_sources")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("scim_id", name=op.f("uq_users_scim_id")),
        sa.UniqueConstraint("source_id", "user_name_key", name=op.f("uq_users_source_id_user_name_key")),
    )
    op.create_index(op.f("ix_users_join_key"), "users", ["join_key"], unique=False)
    op.create_index(op.f("ix_users_manager_id"), "users", ["manager_id"], unique=False)
    op.create_index(op.f("ix_users_person_id"), "users", ["person_id"], unique=False)
    op.create_index("ix_users_source_display", "users", ["source_id", "display_name_key"], unique=False)
    op.create_index("ix_users_source_external", "users", ["source_id", "external_id"], unique=False)
    op.create_index("ix_users_source_id", "users", ["source_id", "id"], unique=False)
    op.create_table(
        "account_emails",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("email_key", sa.String(length=512), nullable=False),
        sa.Column("hub_id", sa.String(length=100), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_emails_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "email_key", name=op.f("pk_account_emails")),
    )
    op.create_index("ix_account_emails_key", "account_emails", ["hub_id", "email_key"], unique=False)
    op.create_table(
        "deleted_emails",
        sa.Column("deleted_user_id", sa.Integer(), nullable=False),
        sa.Column("value_key", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(
            ["deleted_user_id"],
            ["deleted_users.id"],
            name=op.f("fk_deleted_emails_deleted_user_id_deleted_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deleted_user_id", "value_key", name=op.f("pk_deleted_emails")),
    )
    op.create_index("ix_deleted_emails_value", "deleted_emails", ["value_key"], unique=False)
    op.create_table(
        "holdings",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=100), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_holdings_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_holdings_asset_id_assets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "asset_id", "role", name=op.f("pk_holdings")),
    )
    op.create_table(
        "memberships",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_memberships_group_id_groups"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_memberships_user", "memberships", ["user_id", "group_id"], unique=False)
    op.create_table(
        "nested_groups",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["child_id"], ["groups.id"], name=op.f("fk_nested_groups_child_id_groups"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_nested_groups_group_id_groups"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "child_id", name=op.f("pk_nested_groups")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_nested_groups_child", "nested_groups", ["child_id", "group_id"], unique=False)
    op.create_table(
        "pending_members",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(length=512), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_pending_members_group_id_groups"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_pending_members_source_id_sources")),
        sa.PrimaryKeyConstraint("group_id", "value", name=op.f("pk_pending_members")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pending_members_value", "pending_members", ["source_id", "value"], unique=False)
    op.create_table(
        "user_emails",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value_key", sa.String(length=512), nullable=False),
        sa.Column("type_key", sa.String(length=100), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_emails_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "position", name=op.f("pk_user_emails")),
    )
    op.create_index("ix_user_emails_value", "user_emails", ["value_key", "user_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_user_emails_value", table_name="user_emails")
    op.drop_table("user_emails")
    op.drop_index("ix_pending_members_value", table_name="pending_members")
    op.drop_table("pending_members")
    op.drop_index("ix_nested_groups_child", table_name="nested_groups")
    op.drop_table("nested_groups")
    op.drop_index("ix_memberships_user", table_name="memberships")
    op.drop_table("memberships")
    op.drop_table("holdings")
    op.drop_index("ix_deleted_emails_value", table_name="deleted_emails")
    op.drop_table("deleted_emails")
    op.drop_index("ix_account_emails_key", table_name="account_emails")
    op.drop_table("account_emails")
    op.drop_index("ix_users_source_id", table_name="users")
    op.drop_index("ix_users_source_external", table_name="users")
    op.drop_index("ix_users_source_display", table_name="users")
    op.drop_index(op.f("ix_users_person_id"), table_name="users")
    op.drop_index(op.f("ix_users_manager_id"), table_name="users")
    op.drop_index(op.f("ix_users_join_key"), table_name="users")
    op.drop_table("users")
    op.drop_index(op.f("ix_tokens_source_id"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_index("ix_tasks_state", table_name="tasks")
    op.drop_index("ix_tasks_pair", table_name="tasks")
    op.drop_table("tasks")
    op.drop_table("revision_changes")
    op.drop_index(op.f("ix_person_changes_changed_at"), table_name="person_changes")
    op.drop_table("person_changes")
    op.drop_index(
        "ix_pairs_when",
        table_name="pairs",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_pairs_owner",
        table_name="pairs",
        sqlite_where=sa.text("owner IS NOT NULL"),
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.drop_index(
        "ix_pairs_due",
        table_name="pairs",
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.drop_table("pairs")
    op.drop_index("ix_invitations_whose", table_name="invitations")
    op.drop_index("ix_invitations_pair", table_name="invitations")
    op.drop_table("invitations")
    op.drop_index("ix_groups_source_name", table_name="groups")
    op.drop_index("ix_groups_source_id", table_name="groups")
    op.drop_index("ix_groups_source_external", table_name="groups")
    op.drop_table("groups")
    op.drop_index(op.f("ix_deleted_users_user_name_key"), table_name="deleted_users")
    op.drop_index("ix_deleted_users_source_external", table_name="deleted_users")
    op.drop_index(op.f("ix_deleted_users_scim_id"), table_name="deleted_users")
    op.drop_index(op.f("ix_deleted_users_person_id"), table_name="deleted_users")
    op.drop_table("deleted_users")
    op.drop_index("ix_assets_slug", table_name="assets")
    op.drop_index("ix_assets_name", table_name="assets")
    op.drop_table("assets")
    op.drop_index(op.f("ix_applied_person_id"), table_name="applied")
    op.drop_table("applied")
    op.drop_index("ix_accounts_whose", table_name="accounts")
    op.drop_index("ix_accounts_role", table_name="accounts")
    op.drop_index("ix_accounts_person", table_name="accounts")
    op.drop_table("accounts")
    op.drop_index(op.f("ix_access_person_id"), table_name="access")
    op.drop_table("access")
    op.drop_table("sources")
    op.drop_table("revisions")
    op.drop_index("ix_reservations_hub", table_name="reservations")
    op.drop_table("reservations")
    op.drop_index(
        "ix_people_attention",
        table_name="people",
        sqlite_where=sa.text("attention IS NOT NULL"),
        postgresql_where=sa.text("attention IS NOT NULL"),
    )
    op.drop_table("people")
    op.drop_table("mapping_trouble")
    op.drop_table("hubs")
    op.drop_index(op.f("ix_group_changes_group_id"), table_name="group_changes")
    op.drop_table("group_changes")
    op.drop_index(op.f("ix_bindings_hub_id"), table_name="bindings")
    op.drop_table("bindings")
    op.drop_index(op.f("ix_audit_person_id"), table_name="audit")
    op.drop_index(op.f("ix_audit_hub_id"), table_name="audit")
    op.drop_index(op.f("ix_audit_at"), table_name="audit")
    op.drop_table("audit")
