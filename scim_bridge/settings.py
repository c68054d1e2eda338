"""What an operator may set: environment, then file, then ``config/default.yaml``.

The shipped file is the only place of defaults and of the list of names, so that what the operator reads
is what holds. Every mistake is one line that names the setting, where its value came from and the way
out; an unknown name is a mistake as well, because a misspelt brake is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from scim_bridge.durations import parse_duration
from scim_bridge.errors import InvalidInput
from scim_bridge.spelling import did_you_mean

PREFIX = "SCIM_BRIDGE_"
_NOT_SETTINGS = (f"{PREFIX}CONFIG", f"{PREFIX}TEST_")


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that rows are kept; 0: for ever."""

    tasks: int
    journal: int
    audit: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Names and meanings as in ``config/default.yaml``; ``_s`` is seconds."""

    database_url: str = field(repr=False)
    sqlite_synchronous: Literal["FULL", "NORMAL"]
    mappings: Path
    watch_mappings: bool
    schemas: Path | None
    executor: Literal["threads"]
    environment: str
    base_url: str  # without a slash at its end
    host: str
    port: int
    threads: int
    trusted_proxies: int
    max_body_bytes: int
    max_group_body_bytes: int
    max_bulk_bytes: int
    max_bulk_operations: int
    token_key: str = field(repr=False)
    entra_keys_url: str  # ``{tenant}`` stands for the tenant's id
    requests_per_second: int
    status_token: str = field(repr=False)
    lease_s: int
    http_connect_s: float
    http_read_s: float
    http_timeout_s: float
    look_after_s: int
    source_loss_percent: int
    approval_reminder: timedelta
    invitation_check: timedelta
    reading_loss_percent: float
    journal: bool
    retention_days: Retention
    pending_member_days: int
    log_level: Literal["debug", "info", "warning", "error"]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that hold under ``environ`` (of a process: ``os.environ``).

    Raises ``InvalidInput`` with one line for the first mistake found.
    """
    given = _defaults()
    file = environ.get(f"{PREFIX}CONFIG", "")
    if file:
        given |= {key: (value, file) for key, value in _read_file(Path(file)).items()}
    given |= _read_environment(environ)
    settings = Settings(**{name: _read(name, *given[name]) for name in _READERS})
    if settings.lease_s < settings.http_timeout_s + 10:
        raise InvalidInput(
            f"lease_s ({settings.lease_s}, {given['lease_s'][1]}) is less than http_timeout_s + 10",
            advice=f"set {PREFIX}LEASE_S to {settings.http_timeout_s + 10:.0f} or more: a call ends within its lease",
        )
    return settings


def _defaults() -> dict[str, tuple[Any, str]]:
    text = resources.files("scim_bridge.config").joinpath("default.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return {key: (value, "default") for key, value in values.items()}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"{PREFIX}CONFIG names {path}, which cannot be read: {error.strerror}",
            advice="name a YAML file with settings, or unset it",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text", advice="save it as UTF-8") from error
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join((error.problem or "unreadable").split())
        raise InvalidInput(f"{path}{line} is not YAML: {problem}", advice="mend that line") from error
    except YAMLError as error:
        raise InvalidInput(f"{path} is not YAML", advice="save it as plain UTF-8 text") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InvalidInput(f"{path} holds no settings", advice="write one `name: value` a line")
    for key in values:
        if key not in _READERS:
            raise InvalidInput(f'{path} has an unknown setting "{key}"', advice=did_you_mean(str(key), _READERS))
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable.startswith(_NOT_SETTINGS):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in _READERS or variable != variable.upper():
            names = [f"{PREFIX}{known.upper()}" for known in _READERS]
            raise InvalidInput(
                f"the environment has an unknown setting {variable}", advice=did_you_mean(variable.upper(), names)
            )
        found[name] = (environ[variable], "environment")
    return found


def _read(name: str, value: Any, origin: str) -> Any:
    shown = f"{PREFIX}{name.upper()}" if origin == "environment" else name
    try:
        if name in _FROM_FILES and isinstance(value, str) and value.startswith("file:"):
            value = _read_secret(value.removeprefix("file:"))
        return _READERS[name](value)
    except InvalidInput as error:
        raise InvalidInput(f"{shown} ({origin}): {error.message}", advice=error.advice) from error


def _read_secret(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read", advice="name a text file that this user may read") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{value!r} is not text", advice="put it in quotes")
    return value.strip()


def _name(value: Any) -> str:
    if not (text := _text(value)):
        raise InvalidInput("it is empty", advice="give it a value, or leave it out for the default")
    return text


def _folder(value: Any) -> Path:
    return Path(_name(value))


def _file_or_none(value: Any) -> Path | None:
    text = _text(value)
    return Path(text) if text else None


def _choice(*known: str, fold: Callable[[str], str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if (text := fold(_text(value))) not in known:
            raise InvalidInput(f'"{value}" is not known', advice=f"use {' or '.join(known)}")
        return text

    return read


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return _choice("on", "off", fold=str.lower)(value) == "on"


def _executor(value: Any) -> str:
    if _text(value).lower() == "celery":
        raise InvalidInput("celery comes with a later release", advice="use threads")
    return _choice("threads", fold=str.lower)(value)


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise InvalidInput(f'"{value}" is not a whole number', advice=f"use {least} to {most}")
        if not least <= int(text) <= most:
            raise InvalidInput(f"{text} is out of range", advice=f"use {least} to {most}")
        return int(text)

    return read


def _seconds(value: Any) -> float:
    try:
        seconds = float(value) if not isinstance(value, bool) else 0.0
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 3_600:
        raise InvalidInput(f'"{value}" is not a number of seconds', advice="use more than 0, at most 3600")
    return seconds


def _percent(value: Any) -> float:
    try:
        percent = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        percent = -1.0
    if not 0 <= percent <= 100:
        raise InvalidInput(f'"{value}" is not a percentage', advice="use 0 to 100, without the sign")
    return percent


def _duration(least_s: int) -> Callable[[Any], timedelta]:
    def read(value: Any) -> timedelta:
        seconds = parse_duration(str(value).strip())
        if seconds < least_s:
            raise InvalidInput(f'"{value}" is too short', advice=f"use {least_s}s or more")
        return timedelta(seconds=seconds)

    return read


def _retention(value: Any) -> Retention:
    """A mapping in a file, ``tasks=90,audit=400`` in the environment; what is left out keeps its default.

    A whole number means all three.
    """
    days = dict(_defaults()["retention_days"][0])
    if str(value).strip().isdigit():
        value = dict.fromkeys(days, value)
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(equals for _, equals, _ in parts):
            raise InvalidInput(f'"{value}" is not a list of days', advice="write 90, or tasks=90,journal=14,audit=400")
        value = {name.strip(): days.strip() for name, _, days in parts}
    if not isinstance(value, dict):
        raise InvalidInput(f'"{value}" is not a list of days', advice="write 90, or tasks, journal and audit below it")
    for key, count in value.items():
        if key not in days:
            raise InvalidInput(f'it has an unknown part "{key}"', advice=did_you_mean(str(key), days))
        days[key] = count
    return Retention(**{key: _whole(0, 36_500)(count) for key, count in days.items()})


def _database_url(value: Any) -> str:
    try:
        url = make_url(_name(value))
    except ArgumentError as error:
        raise InvalidInput("it is not a database URL", advice=_DATABASES) from error
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise InvalidInput(f'"{backend}" databases are not supported', advice=_DATABASES)
    if backend == "sqlite" and (not url.database or url.database == ":memory:"):
        raise InvalidInput("it names no SQLite file", advice=_DATABASES)
    if backend == "postgresql":
        if find_spec("psycopg") is None:
            raise InvalidInput(
                "the driver for PostgreSQL is not installed", advice="run pip install 'scim-bridge[postgres]'"
            )
        url = url.set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _base_url(value: Any) -> str:
    text = _text(value).rstrip("/")
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise InvalidInput(f'"{text}" is not a web address', advice="write https://bridge.example, or leave it empty")
    if text.endswith("/scim/v2"):
        raise InvalidInput(f'"{text}" has the SCIM path in it', advice="leave /scim/v2 off")
    return text


def _token_key(value: Any) -> str:
    text = _text(value)
    if text and len(text) < 32:
        raise InvalidInput("it is shorter than 32 characters", advice="make one with `openssl rand -hex 32`")
    return text


def _keys_url(value: Any) -> str:
    text = _name(value)
    parts = urlsplit(text)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    )
    if not is_safe or not parts.netloc:
        raise InvalidInput(
            f'"{text}" is not an https address', advice="leave it out for Entra's own; http is for this machine only"
        )
    if "{" in text.replace("{tenant}", ""):
        raise InvalidInput(f'"{text}" has a name in braces that is not {{tenant}}', advice="write {tenant}")
    return text


_DATABASES = "use sqlite:///file.db or postgresql://user@host/name"
_FROM_FILES = ("database_url", "status_token", "token_key")
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "database_url": _database_url,
    "sqlite_synchronous": _choice("FULL", "NORMAL", fold=str.upper),
    "mappings": _folder,
    "watch_mappings": _switch,
    "schemas": _file_or_none,
    "executor": _executor,
    "environment": _name,
    "base_url": _base_url,
    "host": _name,
    "port": _whole(0, 65_535),
    "threads": _whole(1, 200),
    "trusted_proxies": _whole(0, 10),
    "max_body_bytes": _whole(1_024, 1 << 30),
    "max_group_body_bytes": _whole(1_024, 1 << 30),
    "max_bulk_bytes": _whole(1_024, 1 << 30),
    "max_bulk_operations": _whole(1, 5_000),
    "token_key": _token_key,
    "entra_keys_url": _keys_url,
    "requests_per_second": _whole(1, 1_000_000),
    "status_token": _text,
    "lease_s": _whole(11, 3_600),
    "http_connect_s": _seconds,
    "http_read_s": _seconds,
    "http_timeout_s": _seconds,
    "look_after_s": _whole(0, 86_400),
    "source_loss_percent": _whole(1, 100),
    "approval_reminder": _duration(60),
    "invitation_check": _duration(1),
    "reading_loss_percent": _percent,
    "journal": _switch,
    "retention_days": _retention,
    "pending_member_days": _whole(1, 3_650),
    "log_level": _choice("debug", "info", "warning", "error", fold=str.lower),
}
if set(_READERS) != {each.name for each in fields(Settings)}:
    raise AssertionError("a setting without a reader, or a reader without a setting")
