"""Complete SCIM: the request journal, more ways to prove who asks, probes, returns, filters over every attribute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scim_bridge.db import Json, UTCDateTime
from scim_bridge.sql_functions import postgresql as postgresql_functions

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in postgresql_functions():
            op.get_bind().exec_driver_sql(statement)
    _narrow("users", "manager_id")
    _narrow("audit", "hub_id")
    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("took_us", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=42), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("lost", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index(
            "ix_requests_subject",
            ["subject", "id"],
            unique=False,
            sqlite_where=sa.text("subject IS NOT NULL"),
            postgresql_where=sa.text("subject IS NOT NULL"),
        )

    op.create_table(
        "signing_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    with op.batch_alter_table("deleted_users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proposed_to", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_deleted_users_proposed_to",
            ["proposed_to"],
            unique=False,
            sqlite_where=sa.text("proposed_to IS NOT NULL"),
            postgresql_where=sa.text("proposed_to IS NOT NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_deleted_users_proposed_to_people"), "people", ["proposed_to"], ["id"]
        )

    with op.batch_alter_table("group_changes", schema=None) as batch_op:
        batch_op.drop_column("generation")

    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.drop_column("generation")

    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tenant_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("audience", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("tenant_used_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("networks", Json(), nullable=True))
        batch_op.add_column(sa.Column("requests_per_second", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("takes_basic", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("is_probe", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_unique_constraint(batch_op.f("uq_sources_tenant_id_audience"), ["tenant_id", "audience"])

    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=10), server_default="bearer", nullable=False))


def _narrow(table: str, column: str) -> None:
    """An index for the few rows that have a value: the others need no entry."""
    name, condition = f"ix_{table}_{column}", sa.text(f"{column} IS NOT NULL")
    op.drop_index(name, table_name=table)
    op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)


def _widen(table: str, column: str) -> None:
    name = f"ix_{table}_{column}"
    op.drop_index(name, table_name=table)
    op.create_index(name, table, [column])


def downgrade() -> None:
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_column("kind")

    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_sources_tenant_id_audience"), type_="unique")
        batch_op.drop_column("is_probe")
        batch_op.drop_column("takes_basic")
        batch_op.drop_column("requests_per_second")
        batch_op.drop_column("networks")
        batch_op.drop_column("tenant_used_at")
        batch_op.drop_column("audience")
        batch_op.drop_column("tenant_id")

    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.add_column(sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False))

    with op.batch_alter_table("group_changes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("generation", sa.BigInteger(), server_default="0", nullable=False))

    with op.batch_alter_table("deleted_users", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_deleted_users_proposed_to_people"), type_="foreignkey")
        batch_op.drop_index(
            "ix_deleted_users_proposed_to",
            sqlite_where=sa.text("proposed_to IS NOT NULL"),
            postgresql_where=sa.text("proposed_to IS NOT NULL"),
        )
        batch_op.drop_column("proposed_to")

    op.drop_table("signing_key")
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_requests_subject",
            sqlite_where=sa.text("subject IS NOT NULL"),
            postgresql_where=sa.text("subject IS NOT NULL"),
        )

    op.drop_table("requests")
    _widen("audit", "hub_id")
    _widen("users", "manager_id")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION scim_fold(text)")
        op.execute("DROP FUNCTION scim_moment(text)")
