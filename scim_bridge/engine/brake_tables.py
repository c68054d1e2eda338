"""What waits for a person's word, and what a person said."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, UTCDateTime, where


class ApprovalRow(Base):
    """A question about one change: asked, answered, and how it ended. Of a person's, or of an account of nobody's."""

    __tablename__ = "approvals"
    __table_args__ = (
        sa.Index("ix_approvals_person", "hub_id", "person_id", **where("ended_at IS NULL")),
        sa.Index("ix_approvals_account", "hub_id", "account_id", **where("account_id IS NOT NULL")),
        sa.Index("ix_approvals_open", "state", "last_asked_at", **where("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    account_id: Mapped[int | None] = mapped_column()  # accounts.id; outlives the account
    action: Mapped[str] = mapped_column(sa.String(30))
    thing: Mapped[str] = mapped_column(sa.String(260))  # as the engine knows it: seat, or team/4711
    label: Mapped[str] = mapped_column(sa.String(320))  # as people know it: seat, or team/core
    before: Mapped[str] = mapped_column(sa.String(200), default="")
    after: Mapped[str] = mapped_column(sa.String(200), default="")
    takes: Mapped[bool] = mapped_column()  # something is taken away
    kind: Mapped[str] = mapped_column(sa.String(10))  # limit | source | role | unmanaged
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sources.id"))  # whose loss holds it
    why: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.String(10))  # pending approved rejected; ended: used void withdrawn
    asked: Mapped[int] = mapped_column(default=1)  # how often
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answered_by: Mapped[str | None] = mapped_column(sa.String(200))
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str | None] = mapped_column(sa.Text)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SourceLoss(Base):
    """A source lost many of its people within an hour: removals that follow wait until somebody lifts it."""

    __tablename__ = "source_losses"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"), index=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)  # departures after this ...
    until: Mapped[datetime] = mapped_column(UTCDateTime)  # ... and up to this belong to it
    lost: Mapped[int] = mapped_column()
    of: Mapped[int] = mapped_column()  # active people, those who were lost included
    lifted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lifted_by: Mapped[str | None] = mapped_column(sa.String(200))
    reason: Mapped[str | None] = mapped_column(sa.Text)


class AccountRemoval(Base):
    """A removal of an account of nobody's that was approved, until it is done: what a pair is to a person's seat."""

    __tablename__ = "account_removals"
    __table_args__ = (sa.Index("ix_account_removals_due", "due_at"),)

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100), index=True)
    approval_id: Mapped[int] = mapped_column(sa.ForeignKey("approvals.id", ondelete="CASCADE"))
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: somebody has it, or it is held
    owner: Mapped[str | None] = mapped_column(sa.String(40))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    reservation_id: Mapped[int | None] = mapped_column()
    error: Mapped[str | None] = mapped_column(sa.Text)
