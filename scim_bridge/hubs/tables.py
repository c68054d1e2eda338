"""Connected apps as rows: the hub's state, what the app last showed, and what names mean."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime


class Hub(Base):
    """One connected tenant of an app; its id is the mapping file's name."""

    __tablename__ = "hubs"

    id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    app: Mapped[str] = mapped_column(sa.String(50))
    tenant: Mapped[str] = mapped_column(sa.String(300))
    mode: Mapped[str] = mapped_column(sa.String(10))  # plan | live; live for good once applied
    live_by: Mapped[str | None] = mapped_column(sa.String(200))
    live_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    detached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # its mapping file is gone
    paused_by: Mapped[str | None] = mapped_column(sa.String(200))
    paused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removals_paused_by: Mapped[str | None] = mapped_column(sa.String(200))  # additions go on
    removals_paused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attention: Mapped[str | None] = mapped_column(sa.Text)  # why a person must act before anything goes on
    attention_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    probe_attempts: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when to probe next
    probed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    probe_result: Mapped[dict[str, object] | None] = mapped_column(Json)
    resting_until: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the whole tenant said: not now
    check_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when to observe next
    check_owner: Mapped[str | None] = mapped_column(sa.String(40))  # who observes now; fenced like a pair
    check_lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    check_progress: Mapped[int] = mapped_column(default=0)  # accounts read so far
    check_attempts: Mapped[int] = mapped_column(default=0)  # readings that failed since the last good one
    observation: Mapped[int] = mapped_column(default=0)  # counts observations begun
    observed_from: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the last complete one: begun
    observed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the last complete one: ended
    last_success_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # any call that worked
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    last_error_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class AccountRow(Base):
    """An account as the app last showed it, and whose it is. ``gone_at``: a full reading no longer showed it."""

    __tablename__ = "accounts"
    __table_args__ = (
        sa.UniqueConstraint("hub_id", "ref"),
        sa.Index("ix_accounts_person", "hub_id", "person_id"),
        sa.Index("ix_accounts_whose", "person_id"),
        sa.Index("ix_accounts_role", "hub_id", "status", "role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.ForeignKey("hubs.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(sa.String(200))
    login: Mapped[str | None] = mapped_column(sa.String(300))
    status: Mapped[str] = mapped_column(sa.String(20))
    role: Mapped[str | None] = mapped_column(sa.String(100))
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    linked_how: Mapped[str | None] = mapped_column(sa.String(20))  # matched | invited | by hand
    linked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    seen: Mapped[int] = mapped_column(default=0)  # the observation that last showed it
    first_seen: Mapped[int] = mapped_column(default=0)  # the observation that showed it first
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AccountEmail(Base):
    """An address of an account, case-folded, as the app vouches for it."""

    __tablename__ = "account_emails"
    __table_args__ = (sa.Index("ix_account_emails_key", "hub_id", "email_key"),)

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    email_key: Mapped[str] = mapped_column(sa.String(512), primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100))
    seen: Mapped[int] = mapped_column(default=0)


class AssetRow(Base):
    """An asset as the app last showed it."""

    __tablename__ = "assets"
    __table_args__ = (
        sa.UniqueConstraint("hub_id", "type", "ref"),
        sa.Index("ix_assets_slug", "hub_id", "type", "slug_key"),
        sa.Index("ix_assets_name", "hub_id", "type", "name_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.ForeignKey("hubs.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(sa.String(50))
    ref: Mapped[str] = mapped_column(sa.String(200))
    slug: Mapped[str] = mapped_column(sa.String(300), default="")
    slug_key: Mapped[str] = mapped_column(sa.String(300), default="")
    name: Mapped[str] = mapped_column(sa.String(300))
    name_key: Mapped[str] = mapped_column(sa.String(300))
    seen: Mapped[int] = mapped_column(default=0)
    gone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class HoldingRow(Base):
    """An account's role on an asset, as the app last showed it."""

    __tablename__ = "holdings"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    seen: Mapped[int] = mapped_column(default=0)


class Binding(Base):
    """What a plain name in a mapping means: the id it first met. ``candidate_id``: another thing now bears the name."""

    __tablename__ = "bindings"
    __table_args__ = (sa.UniqueConstraint("hub_id", "kind", "scope", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))  # group | asset
    scope: Mapped[str] = mapped_column(sa.String(100))  # the source's id, or the asset type
    name: Mapped[str] = mapped_column(sa.String(512))
    name_key: Mapped[str] = mapped_column(sa.String(512))
    target_id: Mapped[str] = mapped_column(sa.String(200))  # groups.scim_id, or assets.ref
    candidate_id: Mapped[str | None] = mapped_column(sa.String(200))
    bound_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(sa.String(200))
