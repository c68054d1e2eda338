"""The way to the database, on SQLite and PostgreSQL."""

from databases import db, empty_sqlite, opened, postgresql_url

__all__ = ["db", "empty_sqlite", "opened", "postgresql_url"]
