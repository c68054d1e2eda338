"""Who exists, as rows.

Keys inside are small integers, so that a membership is two of them and a group of 100,000 fits into a
few megabytes; the ids that leave us (``scim_id``) are UUIDs. A user is one row with the whole SCIM
document beside it; what is looked up often has a column and an index of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime, new_id, where


class Source(Base):
    """An identity source: one Okta or Entra tenant that pushes to us."""

    __tablename__ = "sources"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "audience"),)  # a JWT names one source

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20))  # okta | entra | generic
    joins: Mapped[bool] = mapped_column(default=True)  # False: its users never join another source's people
    tenant_id: Mapped[str | None] = mapped_column(sa.String(36))  # its own JWTs are taken: Entra's tenant
    audience: Mapped[str | None] = mapped_column(sa.String(255))  # whom these JWTs are for; set with tenant_id
    tenant_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when such a JWT was last used
    networks: Mapped[list[str] | None] = mapped_column(Json)  # where it may come from, CIDR; None: anywhere
    requests_per_second: Mapped[int | None] = mapped_column()  # None: as the setting says
    takes_basic: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # HTTP basic, with a client
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    is_probe: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # of `doctor`: see probe.py


class Token(Base):
    """A bearer token or an OAuth client of a source: found by its public id, proven by a hash of the secret part."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10), default="bearer", server_default="bearer")  # bearer | client
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64))  # SHA-256, hex: the secret is 256 random bits
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SigningKey(Base):
    """What the JWTs that we issue are signed with, where no setting says so: one row, made at first use."""

    __tablename__ = "signing_key"

    id: Mapped[int] = mapped_column(primary_key=True)  # always 1
    secret: Mapped[str] = mapped_column(sa.String(64))  # 256 random bits, hex
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Person(Base):
    """One human across sources. ``generation`` rises with every change and never restarts."""

    __tablename__ = "people"
    __table_args__ = (sa.Index("ix_people_attention", "id", **where("attention IS NOT NULL")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    attention: Mapped[str | None] = mapped_column(sa.Text)  # why a person must look: a join that was not made
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class User(Base):
    """A person as one identity source sees them (RFC 7643 section 4.1)."""

    __tablename__ = "users"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "user_name_key"),
        sa.Index("ix_users_source_id", "source_id", "id"),  # count and page of a list, in a stable order
        sa.Index("ix_users_source_external", "source_id", "external_id"),
        sa.Index("ix_users_source_display", "source_id", "display_name_key"),
        sa.Index(
            "ix_users_manager_id", "manager_id", **where("manager_id IS NOT NULL")
        ),  # few have one: cheap to write
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scim_id: Mapped[str] = mapped_column(sa.String(36), unique=True, default=new_id)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    user_name_key: Mapped[str] = mapped_column(sa.String(512))  # case-folded: caseExact is false
    external_id: Mapped[str | None] = mapped_column(sa.String(512))
    display_name_key: Mapped[str | None] = mapped_column(sa.String(512))
    manager_id: Mapped[str | None] = mapped_column(sa.String(512))  # the value as pushed
    join_key: Mapped[str | None] = mapped_column(
        sa.String(512), index=True
    )  # primary e-mail, first, or userName with @
    active: Mapped[bool] = mapped_column(default=True)
    document: Mapped[dict[str, Any]] = mapped_column(Json)  # the SCIM resource without id, meta and groups
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class UserEmail(Base):
    """A user's e-mail addresses, case-folded, for filters and for matching accounts."""

    __tablename__ = "user_emails"
    __table_args__ = (sa.Index("ix_user_emails_value", "value_key", "user_id"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    value_key: Mapped[str] = mapped_column(sa.String(512))
    type_key: Mapped[str | None] = mapped_column(sa.String(100))
    is_primary: Mapped[bool] = mapped_column(default=False)


class FormerEmail(Base):
    """An address that a user had before, case-folded: an account in an app may still bear it."""

    __tablename__ = "former_emails"
    __table_args__ = (sa.Index("ix_former_emails_value", "value_key"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    value_key: Mapped[str] = mapped_column(sa.String(512), primary_key=True)


class DeletedUser(Base):
    """What is left of a deleted user: enough to know the same human when they come back."""

    __tablename__ = "deleted_users"
    __table_args__ = (
        sa.Index("ix_deleted_users_source_external", "source_id", "external_id"),
        sa.Index("ix_deleted_users_proposed_to", "proposed_to", **where("proposed_to IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    scim_id: Mapped[str] = mapped_column(sa.String(36), index=True)
    external_id: Mapped[str | None] = mapped_column(sa.String(512))
    user_name_key: Mapped[str] = mapped_column(sa.String(512), index=True)
    deleted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proposed_to: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))  # a new person of this externalId


class DeletedEmail(Base):
    """A deleted user's e-mail addresses, case-folded."""

    __tablename__ = "deleted_emails"
    __table_args__ = (sa.Index("ix_deleted_emails_value", "value_key"),)

    deleted_user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("deleted_users.id", ondelete="CASCADE"), primary_key=True
    )
    value_key: Mapped[str] = mapped_column(sa.String(512), primary_key=True)


class Departure(Base):
    """A user was deactivated or deleted, and is not back: what a source loses is counted by these."""

    __tablename__ = "departures"
    __table_args__ = (sa.Index("ix_departures_source_at", "source_id", "at"),)

    scim_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)  # the user's; also of one that is no more
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    person_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Group(Base):
    """A group as one source pushes it (RFC 7643 section 4.2)."""

    __tablename__ = "groups"
    __table_args__ = (
        sa.Index("ix_groups_source_id", "source_id", "id"),
        sa.Index("ix_groups_source_name", "source_id", "display_name_key"),
        sa.Index("ix_groups_source_external", "source_id", "external_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scim_id: Mapped[str] = mapped_column(sa.String(36), unique=True, default=new_id)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    external_id: Mapped[str | None] = mapped_column(sa.String(512))
    display_name: Mapped[str] = mapped_column(sa.String(512))
    display_name_key: Mapped[str] = mapped_column(sa.String(512))  # NFC, case-folded
    document: Mapped[dict[str, Any]] = mapped_column(Json)  # without id, meta and members
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Membership(Base):
    """A user is in a group; looked up from both sides."""

    __tablename__ = "memberships"
    __table_args__ = (sa.Index("ix_memberships_user", "user_id", "group_id"), {"sqlite_with_rowid": False})

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class NestedGroup(Base):
    """A group is in a group."""

    __tablename__ = "nested_groups"
    __table_args__ = (sa.Index("ix_nested_groups_child", "child_id", "group_id"), {"sqlite_with_rowid": False})

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    child_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)


class PendingMember(Base):
    """A member id that nobody has yet: joins when a user or group with it as id or externalId appears."""

    __tablename__ = "pending_members"
    __table_args__ = (sa.Index("ix_pending_members_value", "source_id", "value"), {"sqlite_with_rowid": False})

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(512), primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PersonChange(Base):
    """This person changed and fan-out has not looked yet. One row a person, at the latest generation."""

    __tablename__ = "person_changes"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, autoincrement=False)
    generation: Mapped[int] = mapped_column(sa.BigInteger)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class GroupChange(Base):
    """This group changed. ``person_ids`` are those who came or went; None: everyone in it, nested groups too."""

    __tablename__ = "group_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(index=True)
    person_ids: Mapped[list[int] | None] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
