"""Text and time compare inside SQLite and PostgreSQL as they do in Python (``scim_fold``, ``scim_moment``)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from databases import db, empty_sqlite, opened, postgresql_url
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim_bridge.db import Database
from scim_bridge.folding import fold
from scim_bridge.moments import moment

__all__ = ["db", "empty_sqlite", "opened", "postgresql_url"]
QUICK = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
EVERY_FOLDED = "".join(char for char in map(chr, range(1, 0x110000)) if char.casefold() != char)
EVERY_COMMON = "".join(map(chr, (*range(1, 0xD800), *range(0xE000, 0x20000))))
TIMES = st.builds(
    "{:04}-{:02}-{:02}{}{:02}:{:02}{}{}".format,
    st.integers(0, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("Tt "),
    st.integers(0, 25),
    st.integers(0, 60),
    st.sampled_from(["", ":00", ":59", ":60", ":30.5", ":30.123456", ":30.1234569", ":30."]),
    st.sampled_from(["", "Z", "z", "+00:00", "+14:30", "-08:00", "+15:00", "+0100"]),
)


def _one(db: Database, function: sa.ColumnElement[object]) -> object:
    with db.read() as tx:
        return tx.execute(sa.select(function)).scalar_one()


@pytest.mark.parametrize(
    "text", [EVERY_FOLDED, EVERY_COMMON, "", "STRASSE", "İıŞ"], ids=["folded", "common", "", "A", "i"]
)
def test_every_letter_folds_alike(db: Database, text: str) -> None:
    assert _one(db, sa.func.scim_fold(sa.literal(text, sa.Text()))) == fold(text)


@QUICK
@given(text=st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_text_folds_alike(db: Database, text: str) -> None:
    assert _one(db, sa.func.scim_fold(sa.literal(text, sa.Text()))) == fold(text)


@QUICK
@given(text=st.one_of(TIMES, st.text("0123456789-:.TZ+", max_size=30)))
def test_any_time_is_the_same_moment(db: Database, text: str) -> None:
    assert _one(db, sa.func.scim_moment(sa.literal(text, sa.Text()))) == moment(text)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.0000019Z", 1_000_001),
        ("1970-01-01T01:00+01:00", 0),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000_000),
        ("9999-12-31T23:59:59.999999-14:00", 253_402_351_199_999_999),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ("2023-02-29T00:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("now", None),
        ("infinity", None),
    ],
)
def test_moments(db: Database, text: str, micros: int | None) -> None:
    assert moment(text) == micros
    assert _one(db, sa.func.scim_moment(sa.literal(text, sa.Text()))) == micros


def test_nothing_stays_nothing(db: Database) -> None:
    nothing = sa.cast(sa.null(), sa.Text())
    assert _one(db, sa.func.scim_fold(nothing)) is None
    assert _one(db, sa.func.scim_moment(nothing)) is None
