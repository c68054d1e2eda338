"""The request journal: what identity sources asked, and what they were told.

One row a request, written within the request's own commit where it writes, so every byte and every index
is paid for by a push. Hence no index but time's order (``id``) and one resource's history; times as integers;
bodies packed (``pack``); no foreign key, because a row may be flushed after its source is gone.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, where


class RequestRow(Base):
    """One SCIM request, or one operation of /Bulk. The columns after ``id`` are those of ``entry.Entry``."""

    __tablename__ = "requests"
    __table_args__ = (sa.Index("ix_requests_subject", "subject", "id", **where("subject IS NOT NULL")),)

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)
    at_us: Mapped[int] = mapped_column(sa.BigInteger)  # since 1970: no conversion on the way of a push
    source_id: Mapped[int]
    request_id: Mapped[str] = mapped_column(sa.String(32))  # X-Request-Id; all operations of one /Bulk share it
    method: Mapped[str] = mapped_column(sa.String(20))
    target: Mapped[str] = mapped_column(sa.Text)  # path below /scim/v2, and query, decoded
    status: Mapped[int]
    took_us: Mapped[int]  # a write's ends where its commit begins
    subject: Mapped[str | None] = mapped_column(sa.String(42))  # user:<id> or group:<id>
    size: Mapped[int | None]  # of the body as it was sent, in bytes; None: there was none
    body: Mapped[bytes | None]  # redacted, cut and packed
    answer: Mapped[bytes | None]  # of errors only, packed: a success can be read from the resource
    lost: Mapped[int | None]  # entries that found no room and would stand before this one
