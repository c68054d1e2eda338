"""Logs are JSON lines on stderr: events with ids, for machines that collect them.

``log.info("change.applied", extra={"task": 7, "hub": "github-acme"})`` becomes
``{"at": …, "level": "info", "event": "change.applied", "task": 7, "hub": "github-acme"}``.
Secrets and mail addresses must not reach a log call at all; ``redact`` is the net below that, for what
hides in a library's message or a traceback.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_SECRET_KEY = re.compile(r"token|secret|password|authorization|private_?key|credential|cookie", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_SECRETS = re.compile(
    r"(?:Bearer|Basic|token)\s+[\w.~+/=-]{8,}"  # an Authorization header
    r"|\bscb-[0-9a-f]+-[0-9a-f]+"  # ours
    r"|\bgh[a-z]_\w{8,}|\bgithub_pat_\w+"
    r"|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"  # a JWT
    r"|-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",  # user:password in a URL
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(value: Any, *, key: str = "") -> Any:
    """``value`` without secrets and mail addresses: what stands under a telling ``key``, or looks like one."""
    if key and _SECRET_KEY.search(key) and isinstance(value, str | bytes):
        return "[secret]"
    if isinstance(value, str):
        return _ADDRESS.sub("[address]", without_secrets(value))
    if isinstance(value, dict):
        return {name: redact(each, key=str(name)) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def without_secrets(text: str) -> str:
    """``text`` without what looks like a secret; mail addresses stay."""
    return _SECRETS.sub("[secret]", text)


class JsonLines(logging.Formatter):
    """One JSON object a record: at, level, event, logger, the ``extra`` fields, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": redact(record.getMessage()),
            "logger": record.name,
        }
        for key, value in vars(record).items():
            if key not in _PLAIN and key not in line:
                line[key] = redact(value, key=key)
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Send every logger of this process to ``stream`` (stderr) as JSON lines, from ``level`` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("urllib3", "alembic", "werkzeug", "sqlalchemy"):  # chatty below warning, and it helps nobody
        logging.getLogger(name).setLevel(logging.WARNING)
