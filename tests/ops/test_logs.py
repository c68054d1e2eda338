"""Lines are JSON; what must not be in a log is not, wherever it hides."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from scim_bridge.logs import JsonLines, redact


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("scim_bridge.test_logs")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def test_an_event_is_one_json_line_with_its_fields(lines: Any):
    log, read = lines
    log.warning("change.applied", extra={"task": 7, "hub": "github-acme", "ok": True, "error": None})
    (line,) = read()
    assert line["event"] == "change.applied"
    assert line["level"] == "warning"
    assert {key: line[key] for key in ("task", "hub", "ok", "error")} == {
        "task": 7,
        "hub": "github-acme",
        "ok": True,
        "error": None,
    }
    assert line["at"].endswith("+00:00")


def test_a_traceback_is_one_line_and_redacted(lines: Any):
    log, read = lines
    try:
        raise ValueError("Authorization: Bearer abcdef123456 of ana@acme.example")
    except ValueError:
        log.exception("request.failed")
    (line,) = read()
    assert "ValueError: Authorization: [secret] of [address]" in line["traceback"]


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abcdef123456",
        "scb-0123456789abcdef-00ff00ff00ff",
        "ghp_abcdefghij0123456789",
        "github_pat_11ABCDEFG0abcdefg",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(secret: str):
    assert redact(f"before {secret} after") == "before [secret] after"


def test_the_password_of_a_url_is_taken_out():
    assert redact("postgresql://bridge:pa55@db/bridge") == "postgresql://[secret]@db/bridge"


def test_mail_addresses_are_taken_out_at_any_depth():
    assert redact({"who": ["ana.b+x@acme.example", {"n": 3}]}) == {"who": ["[address]", {"n": 3}]}


@pytest.mark.parametrize("key", ["token", "client_secret", "Password", "Authorization", "private_key"])
def test_what_stands_under_a_telling_key_is_taken_out(key: str):
    assert redact({key: "plain"}) == {key: "[secret]"}


def test_counts_under_a_telling_key_stay():
    assert redact({"tokens": 2}) == {"tokens": 2}


def test_ordinary_words_stay():
    text = "mappings/github-acme.yaml:12: no group in source okta; did you mean team/core?"
    assert redact(text) == text
