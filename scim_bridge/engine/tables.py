"""What should be, what we did, and what is left to do. These rows are the truth; messages are hints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime, where


class AccessRow(Base):
    """Desired: what all grants of a person add up to in one hub, with the rules that say so."""

    __tablename__ = "access"
    __table_args__ = (sa.Index("ix_access_reevaluate", "reevaluate_at", **where("reevaluate_at IS NOT NULL")),)

    hub_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    generation: Mapped[int] = mapped_column(sa.BigInteger)
    revision: Mapped[int] = mapped_column()
    role: Mapped[str | None] = mapped_column(sa.String(100))  # None: no seat
    assets: Mapped[dict[str, list[str]]] = mapped_column(Json)  # {"team/core": ["member"]}, named as in the rules
    because: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(Json)  # {thing: [{rule, file, line}]}
    lower: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(
        Json, default=dict, server_default="{}"
    )  # lower roles that rules give too, highest first; only where `role` must be approved
    disabled: Mapped[bool] = mapped_column(default=False)
    lost_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # since when no grant gives a seat
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # since when ``disabled``
    hub_role: Mapped[str | None] = mapped_column(sa.String(20))  # what they may do to the hub
    reevaluate_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when a rule that holds ends by its date
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class AppliedRow(Base):
    """Applied: what we last brought about or adopted; only this is ours, and may be taken away."""

    __tablename__ = "applied"

    hub_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    thing: Mapped[str] = mapped_column(sa.String(260), primary_key=True)  # seat, or team/4711
    role: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class DriftRow(Base):
    """The app shows something else than what is ours, and we did not do it; the row is there while it does."""

    __tablename__ = "drift"

    hub_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    thing: Mapped[str] = mapped_column(sa.String(260), primary_key=True)
    applied: Mapped[list[str]] = mapped_column(Json)  # roles; empty: nothing
    observed: Mapped[list[str]] = mapped_column(Json)
    was_there: Mapped[list[str]] = mapped_column(
        Json
    )  # what there was before the right became ours: never brought back
    since: Mapped[datetime] = mapped_column(UTCDateTime)


class Pair(Base):
    """A person in a hub, and whether anything is left to do: dirty iff ``done < want``."""

    __tablename__ = "pairs"
    __table_args__ = (
        sa.Index("ix_pairs_due", "hub_id", "priority", "due_at", **where("due_at IS NOT NULL")),
        sa.Index("ix_pairs_when", "due_at", **where("due_at IS NOT NULL")),
        sa.Index("ix_pairs_owner", "hub_id", "lease_until", **where("owner IS NOT NULL")),
        sa.Index("ix_pairs_allowed", "hub_id", **where("allowed IS NOT NULL")),
    )

    hub_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    want: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    done: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: nothing to do until something moves
    unsettled_since: Mapped[datetime | None] = mapped_column(UTCDateTime)  # first change of a burst
    priority: Mapped[int] = mapped_column(default=3)  # 0 disabled, 1 loses, 2 gains, 3 repairs
    owner: Mapped[str | None] = mapped_column(sa.String(40))  # fresh per claim; fences every write that ends it
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    look_after: Mapped[datetime | None] = mapped_column(UTCDateTime)  # act only on an observation begun later
    planned: Mapped[bool] = mapped_column(default=False)  # part of an applied plan: adoption may lower, too
    allowed: Mapped[list[list[Any]] | None] = mapped_column(Json)  # by a plan that was applied; None: everything
    waits: Mapped[str | None] = mapped_column(sa.Text)  # what it waits for, in a sentence


class Task(Base):
    """A change that is being carried out. Retries stay in it."""

    __tablename__ = "tasks"
    __table_args__ = (
        sa.Index("ix_tasks_pair", "hub_id", "person_id", "state"),
        sa.Index("ix_tasks_state", "state", "updated_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    action: Mapped[str] = mapped_column(sa.String(30))
    thing: Mapped[str] = mapped_column(sa.String(260))
    before: Mapped[str | None] = mapped_column(sa.String(200))
    after: Mapped[str | None] = mapped_column(sa.String(200))
    because: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(sa.String(20))  # queued running waiting retrying held done failed cancelled
    step: Mapped[str | None] = mapped_column(sa.String(200))  # which call
    cause: Mapped[str | None] = mapped_column(sa.Text)
    advice: Mapped[str | None] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(sa.String(200), default="engine")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Reservation(Base):
    """A removal or demotion, written down before its call; released only if the call surely did not happen."""

    __tablename__ = "reservations"
    __table_args__ = (sa.Index("ix_reservations_hub", "hub_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int | None] = mapped_column()  # None: the account is nobody's
    thing: Mapped[str] = mapped_column(sa.String(260))
    role: Mapped[str | None] = mapped_column(sa.String(100))  # the role that is given up
    ends_seat: Mapped[bool] = mapped_column()  # counts against max_removals
    takes_role: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # so does an approved role
    is_open: Mapped[bool] = mapped_column(default=True)  # the call has not been seen to end
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class InvitationRow(Base):
    """The life of an invitation of ours, from before the call until it is accepted, cancelled or given up."""

    __tablename__ = "invitations"
    __table_args__ = (
        sa.Index("ix_invitations_pair", "hub_id", "person_id"),
        sa.Index("ix_invitations_whose", "person_id"),
        sa.UniqueConstraint("hub_id", "ref"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hub_id: Mapped[str] = mapped_column(sa.String(100))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    ref: Mapped[str] = mapped_column(sa.String(200))
    email_key: Mapped[str] = mapped_column(sa.String(512))
    state: Mapped[str] = mapped_column(sa.String(20))
    # sending | pending | renewing (cancel to invite anew) | expired | unmatched | vanished, until ended_at
    resends: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    pending_seen: Mapped[int] = mapped_column(default=0)  # the observation that last showed it pending
    pending_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
