"""Environment over file over default; every mistake is one line that names setting, origin and way out."""

from __future__ import annotations

from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest

from scim_bridge.durations import format_duration
from scim_bridge.errors import InvalidInput
from scim_bridge.settings import Retention, load_settings


def test_nothing_set_gives_the_shipped_defaults():
    settings = load_settings({})
    assert (settings.database_url, settings.host, settings.port) == ("sqlite:///scim_bridge.db", "127.0.0.1", 8080)
    assert (settings.lease_s, settings.http_timeout_s) == (120, 30.0)
    assert settings.invitation_check == timedelta(minutes=10)
    assert settings.retention_days == Retention(tasks=90, journal=14, audit=400)
    assert settings.max_body_bytes == 1024 * 1024
    assert settings.max_group_body_bytes == 16 * 1024 * 1024


def test_every_default_is_explained_above_its_line():
    lines = resources.files("scim_bridge.config").joinpath("default.yaml").read_text().splitlines()
    tops = [number for number, line in enumerate(lines) if line and line[0].isalpha()]
    explained = {number for number in tops if lines[number - 1].startswith("#")}
    same_comment = {number for number in tops if number - 1 in explained or number - 2 in explained}
    assert set(tops) <= explained | same_comment


def test_the_file_stands_over_the_default_and_the_environment_over_the_file(tmp_path: Path):
    file = tmp_path / "bridge.yaml"
    file.write_text("port: 9000\nhost: 0.0.0.0\nretention_days: {tasks: 7}\n")
    settings = load_settings({"SCIM_BRIDGE_CONFIG": str(file), "SCIM_BRIDGE_PORT": "9001"})
    assert (settings.port, settings.host, settings.threads) == (9001, "0.0.0.0", 8)
    assert settings.retention_days == Retention(tasks=7, journal=14, audit=400)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "80a", '"80a" is not a whole number; use 0 to 65535'),
        ("PORT", "70000", "70000 is out of range; use 0 to 65535"),
        ("THREADS", "0", "0 is out of range; use 1 to 200"),
        ("EXECUTOR", "celery", "celery comes with a later release; use threads"),
        ("EXECUTOR", "fork", '"fork" is not known; use threads'),
        ("TOKEN_KEY", "short", "it is shorter than 32 characters; make one with `openssl rand -hex 32`"),
        ("REQUESTS_PER_SECOND", "0", "0 is out of range; use 1 to 1000000"),
        (
            "ENTRA_KEYS_URL",
            "http://keys.example/{tenant}",
            '"http://keys.example/{tenant}" is not an https address; '
            "leave it out for Entra's own; http is for this machine only",
        ),
        (
            "ENTRA_KEYS_URL",
            "https://keys.example/{id}",
            '"https://keys.example/{id}" has a name in braces that is not {tenant}; write {tenant}',
        ),
        ("LOG_LEVEL", "loud", '"loud" is not known; use debug or info or warning or error'),
        ("SQLITE_SYNCHRONOUS", "off", '"off" is not known; use FULL or NORMAL'),
        ("HTTP_READ_S", "-1", '"-1" is not a number of seconds; use more than 0, at most 3600'),
        ("HTTP_READ_S", "nan", '"nan" is not a number of seconds; use more than 0, at most 3600'),
        ("INVITATION_CHECK", "0", '"0" is too short; use 1s or more'),
        (
            "INVITATION_CHECK",
            "1h30m",
            '"1h30m" is no duration; write an integer with s, m, h or d (90s, 7d), or 0',
        ),
        ("INVITATION_CHECK", "600", '"600" has no unit; write 600s for seconds, or another unit: m, h, d'),
        ("RETENTION_DAYS", "long", '"long" is not a list of days; write 90, or tasks=90,journal=14,audit=400'),
        ("RETENTION_DAYS", "40000", "40000 is out of range; use 0 to 36500"),
        ("RETENTION_DAYS", "task=90", 'it has an unknown part "task"; did you mean "tasks"?'),
        ("DATABASE_URL", "mysql://h/d", '"mysql" databases are not supported; use sqlite:///file.db or postgresql:'),
        ("DATABASE_URL", "bridge.db", "it is not a database URL; use sqlite:///file.db or postgresql:"),
        ("DATABASE_URL", "sqlite://", "it names no SQLite file; use sqlite:///file.db or postgresql:"),
        ("BASE_URL", "bridge.example", '"bridge.example" is not a web address; write https://bridge.example'),
        ("BASE_URL", "https://b.example/scim/v2", "has the SCIM path in it; leave /scim/v2 off"),
        ("MAPPINGS", "", "it is empty; give it a value, or leave it out for the default"),
        ("STATUS_TOKEN", "file:/nowhere/token", "/nowhere/token cannot be read; name a text file"),
    ],
)
def test_a_wrong_value_is_one_line(variable: str, value: str, message: str):
    with pytest.raises(InvalidInput) as caught:
        load_settings({f"SCIM_BRIDGE_{variable}": value})
    text = str(caught.value)
    assert text.startswith(f"SCIM_BRIDGE_{variable} (environment): ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot: 1\n", 'has an unknown setting "prot"; did you mean "port"?'),
        ("port: many\n", 'port ({file}): "many" is not a whole number; use 0 to 65535'),
        ("environment: 5\n", "environment ({file}): 5 is not text; put it in quotes"),
        ("port: 1\nport: 2\n", "{file}:2 is not YAML: "),
        ("- port\n", "{file} holds no settings; write one `name: value` a line"),
        ("a: [1\n", "is not YAML: "),
        ("retention_days: [5]\n", 'retention_days ({file}): "[5]" is not a list of days'),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, text: str, message: str):
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_settings({"SCIM_BRIDGE_CONFIG": str(file)})
    assert message.format(file=file) in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match=r"SCIM_BRIDGE_CONFIG names /nowhere\.yaml, which cannot be read"):
        load_settings({"SCIM_BRIDGE_CONFIG": "/nowhere.yaml"})


def test_an_unknown_variable_is_an_error_with_the_nearest_name():
    with pytest.raises(InvalidInput, match='unknown setting SCIM_BRIDGE_MAPINGS; did you mean "SCIM_BRIDGE_MAPPINGS"'):
        load_settings({"SCIM_BRIDGE_MAPINGS": "/etc/mappings"})


@pytest.mark.parametrize("text", ["retention_days: 30\n", 'retention_days: "30"\n'])
def test_one_number_of_days_means_all_three(tmp_path: Path, text: str):
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    assert load_settings({"SCIM_BRIDGE_CONFIG": str(file)}).retention_days == Retention(30, 30, 30)
    assert load_settings({"SCIM_BRIDGE_RETENTION_DAYS": "7"}).retention_days == Retention(7, 7, 7)


def test_pending_invitations_may_be_looked_at_every_second():
    assert load_settings({"SCIM_BRIDGE_INVITATION_CHECK": "1s"}).invitation_check == timedelta(seconds=1)


def test_variables_of_tests_and_of_others_are_let_alone():
    assert load_settings({"SCIM_BRIDGE_TEST_POSTGRES": "x", "PORT": "1"}).port == 8080


def test_extension_schemas_are_in_a_file_or_nowhere():
    assert load_settings({}).schemas is None
    assert load_settings({"SCIM_BRIDGE_SCHEMAS": "schemas.yaml"}).schemas == Path("schemas.yaml")


def test_a_lease_must_outlast_a_call():
    with pytest.raises(InvalidInput, match="set SCIM_BRIDGE_LEASE_S to 40 or more"):
        load_settings({"SCIM_BRIDGE_LEASE_S": "39"})


def test_a_secret_may_lie_in_a_file(tmp_path: Path):
    (tmp_path / "token").write_text("s3cret\n")
    assert load_settings({"SCIM_BRIDGE_STATUS_TOKEN": f"file:{tmp_path}/token"}).status_token == "s3cret"


def test_secrets_do_not_show_when_settings_are_printed():
    settings = load_settings(
        {"SCIM_BRIDGE_STATUS_TOKEN": "s3cret", "SCIM_BRIDGE_DATABASE_URL": "postgresql://u:pw12@h/d"}
    )
    assert settings.database_url == "postgresql+psycopg://u:pw12@h/d"
    assert "s3cret" not in repr(settings)
    assert "pw12" not in repr(settings)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (250, "4m 10s"), (183_600, "2d 3h"), (86_400, "1d")]
)
def test_durations_for_people_have_two_units(seconds: int, text: str):
    assert format_duration(seconds) == text
