"""The audit trail, append-only. Rows commit with what they tell of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime, where


class AuditRow(Base):
    """Who did what to whom, and why."""

    __tablename__ = "audit"
    __table_args__ = (sa.Index("ix_audit_hub_id", "hub_id", **where("hub_id IS NOT NULL")),)  # pushes have none

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    actor: Mapped[str] = mapped_column(sa.String(200))  # source:NAME, cli:USER, engine
    action: Mapped[str] = mapped_column(sa.String(60))  # user.created, seat.invited, hub.applied
    person_id: Mapped[int | None] = mapped_column(index=True)
    hub_id: Mapped[str | None] = mapped_column(sa.String(100))
    subject: Mapped[str | None] = mapped_column(sa.String(200))  # group:…, token:…, task:…
    detail: Mapped[dict[str, Any] | None] = mapped_column(Json)
