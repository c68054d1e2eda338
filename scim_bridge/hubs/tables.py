"""Connected apps as rows: the hub's state, what the app last showed, and what names mean."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime, where


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
    check_step: Mapped[str | None] = mapped_column(sa.String(300))  # which list is read: "members, page 3 of 40"
    check_attempts: Mapped[int] = mapped_column(default=0)  # readings that failed since the last good one
    observation: Mapped[int] = mapped_column(default=0)  # counts observations begun
    observed_from: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the last trusted one: begun
    observed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the last trusted one: ended
    trusted_accounts: Mapped[int | None] = mapped_column()  # how many accounts the last trusted one showed
    doubt_kind: Mapped[str | None] = mapped_column(sa.String(20))  # why a later one is untrusted (``hubs.trust``)
    doubt: Mapped[str | None] = mapped_column(sa.Text)  # the same in a sentence; None: the last one is trusted
    doubt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when that reading ended
    doubt_accounts: Mapped[int | None] = mapped_column()  # how many accounts it showed
    trust_by: Mapped[str | None] = mapped_column(sa.String(200))  # who said to trust the next one
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
        sa.Index("ix_accounts_login", "hub_id", "login_key"),
        sa.Index("ix_accounts_name", "hub_id", "name_key", **where("name_key IS NOT NULL")),
        sa.Index("ix_accounts_proposed", "proposed_to", **where("proposed_to IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.ForeignKey("hubs.id", ondelete="CASCADE"))
    ref: Mapped[str] = mapped_column(sa.String(200))
    login: Mapped[str | None] = mapped_column(sa.String(300))
    login_key: Mapped[str | None] = mapped_column(sa.String(300))  # NFC, case-folded
    name: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    name_key: Mapped[str | None] = mapped_column(sa.String(300))  # NFC, case-folded; None: the app shows none
    status: Mapped[str] = mapped_column(sa.String(20))
    role: Mapped[str | None] = mapped_column(sa.String(100))
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    is_outside: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # reaches assets, has no seat
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    linked_how: Mapped[str | None] = mapped_column(sa.String(20))  # matched | invited | by hand
    linked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    proposed_to: Mapped[int | None] = mapped_column()  # people.id: it may be theirs, a person decides
    proposed_by: Mapped[str | None] = mapped_column(sa.String(300))  # the rule that says so: "login = nickName"
    exempt_kind: Mapped[str | None] = mapped_column(sa.String(10))  # exempt | service: nobody's on purpose
    exempt_reason: Mapped[str | None] = mapped_column(sa.Text)
    exempt_by: Mapped[str | None] = mapped_column(sa.String(200))
    exempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
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


class RefusedMatch(Base):
    """A person said that this account is not that person's: it is neither linked nor proposed by itself again."""

    __tablename__ = "refused_matches"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    by: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


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
