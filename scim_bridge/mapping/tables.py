"""Mapping revisions: every set of files that was ever in force, whole."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from scim_bridge.db import Base, Json, UTCDateTime


class Revision(Base):
    """A valid set of mapping files; the one with the highest id is in force."""

    __tablename__ = "revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 over names and texts
    files: Mapped[dict[str, str]] = mapped_column(Json)  # {"mappings/github-acme.yaml": text}
    actor: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    git_commit: Mapped[str | None] = mapped_column(sa.String(64))  # where the folder was in a work tree
    is_dirty: Mapped[bool] = mapped_column(server_default=sa.false())  # the files are not what the commit has
    restores: Mapped[int | None] = mapped_column()  # the revision that was rolled back to


class RevisionChange(Base):
    """A revision that fan-out has not carried to every person yet; ``after_person_id`` is how far it came."""

    __tablename__ = "revision_changes"

    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revisions.id"), primary_key=True)
    after_person_id: Mapped[int] = mapped_column(default=0)


class MappingTrouble(Base):
    """What is wrong with the files on disk (they are not in force), and with those in force (their hubs stand still);
    and what those in force name though nobody knows it.

    A row each, gone when all is good again.
    """

    __tablename__ = "mapping_trouble"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    findings: Mapped[list[str]] = mapped_column(Json)
    since: Mapped[datetime] = mapped_column(UTCDateTime)


class FolderTaken(Base):
    """What the watched folder said that is dealt with: only another content is a proposal. One row."""

    __tablename__ = "folder_taken"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digests: Mapped[list[str]] = mapped_column(Json)
