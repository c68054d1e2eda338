"""``requests``: which were there, about whom, what was said, and one of them whole."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from scim_bridge.app import create_app
from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.journal.entry import Asked, new_request_id
from scim_bridge.journal.journal import Journal
from scim_bridge.settings import load_settings


class Wire:
    """A source that pushes through the whole application."""

    def __init__(self, db: Database, name: str) -> None:
        now = db.clock.now()
        with db.write() as tx:
            source_id = sources.add_source(tx, name=name, kind="okta", joins=True, now=now)
            self.token = sources.new_token(tx, source_id, now=now)
        self.http: FlaskClient = create_app(load_settings({}), db, wake=lambda: None).test_client()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.open(f"/scim/v2{path}", method=method, headers=headers, json=body)


@pytest.fixture
def okta(db: Database) -> Wire:
    return Wire(db, "okta")


def listed(run: Any, *options: str) -> list[Any]:
    return list(json.loads(run("requests", *options, "--json").stdout))


def test_the_list_says_who_asked_what_and_how_it_went(run, okta: Wire) -> None:
    okta.send("POST", "/Users", {"userName": "Ada@acme.example"})
    header, line = run("requests").stdout.splitlines()
    assert header.split() == ["id", "at", "source", "request", "status", "ms", "about", "said"]
    number, _day, _time, *rest = line.split()
    assert (number, rest[:4], rest[5:]) == ("1", ["okta", "POST", "/Users", "201"], ["Ada@acme.example", "-"])


def test_an_empty_journal_is_a_sentence(run, db: Database) -> None:
    assert run("requests").stdout == "no such request is in the journal\n"


def test_requests_are_found_by_whom_they_are_about(run, okta: Wire) -> None:
    ada = okta.send("POST", "/Users", {"userName": "ada@acme.example", "externalId": "00u1"}).get_json()["id"]
    okta.send("POST", "/Users", {"userName": "bob@acme.example"})
    staff = okta.send("POST", "/Groups", {"displayName": "Staff", "externalId": "00g1"}).get_json()["id"]
    okta.send("DELETE", f"/Groups/{staff}")
    for text in ("ADA@acme.example", "p1", "00u1", ada, f"user:{ada}"):
        assert [each["id"] for each in listed(run, "--about", text)] == [1], text
    for text in (staff, f"group:{staff}"):  # the group is gone, its history is not
        assert [each["method"] for each in listed(run, "--subject", text)] == ["POST", "DELETE"], text
    engineering = okta.send("POST", "/Groups", {"displayName": "Engineering"}).get_json()["id"]
    assert listed(run, "--about", "engineering")[0]["subject"] == f"group:{engineering}"


def test_a_deleted_user_is_found_by_the_old_name(run, okta: Wire) -> None:
    ada = okta.send("POST", "/Users", {"userName": "ada@acme.example"}).get_json()["id"]
    okta.send("DELETE", f"/Users/{ada}")
    assert [each["method"] for each in listed(run, "--about", "ada@acme.example")] == ["POST", "DELETE"]


def test_the_list_is_narrowed_by_source_method_status_and_time(run, okta: Wire, db: Database) -> None:
    journal = Journal(db)
    for status, hours in ((400, 3), (409, 1)):
        asked = Asked(new_request_id(), "PUT", "/Users/1")
        at = db.clock.now() - timedelta(hours=hours)
        journal.note(asked, at=at, source_id=1, status=status, raw=b"{}", answer='{"detail":"no"}')
    journal.close()
    okta.send("POST", "/Users", {"userName": "ada@acme.example"})
    entra = Wire(db, "entra")
    entra.send("POST", "/Groups", {"displayName": "Staff"})
    assert [each["source"] for each in listed(run, "--source", "entra")] == ["entra"]
    assert [each["status"] for each in listed(run, "--method", "put")] == [400, 409]
    assert [each["said"] for each in listed(run, "--status", "4xx")] == ["no", "no"]
    assert [each["status"] for each in listed(run, "--status", "409")] == [409]
    assert [each["status"] for each in listed(run, "--since", "2h")] == [409, 201, 201]
    assert [each["status"] for each in listed(run, "--limit", "1")] == [201]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--source", "okat"], 'there is no source okat; did you mean "okta"?'),
        (["--about", "nobody"], 'no user or group "nobody"; name a userName, an e-mail address, a group\'s name, or'),
        (["--status", "wrong"], '"wrong" is no status; write 409, or 4xx'),
        (["--since", "long"], '"long" is no duration'),
        (["show", "77"], 'no request "77" in the journal (it keeps 14 days); `scim-bridge requests` lists them'),
        (["--source", "okta", "show", "1"], "options of the list go with the list"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2_with_the_way_out(run, okta: Wire, options: list[str], words: str) -> None:
    result = run("requests", *options)
    assert result.exit_code == 2
    assert words in result.stderr


def test_one_request_is_shown_whole(run, okta: Wire) -> None:
    okta.send("POST", "/Users", {"userName": "ada@acme.example", "password": "correct horse"})
    text = run("requests", "show", "1").stdout
    assert text.startswith("POST /Users\n")
    assert "  about       ada@acme.example (user:" in text
    assert '\nsent (61 bytes):\n{\n  "userName": "ada@acme.example",\n  "password": "[secret]"\n}\n' in text
    assert "answered:" not in text


def test_a_refused_request_is_shown_with_its_answer_by_the_id_that_it_carried(run, db: Database, okta: Wire) -> None:
    answer = okta.send("POST", "/Users", {"userName": 7})
    journal = Journal(db)
    journal.note(
        Asked(answer.headers["X-Request-Id"], "POST", "/Users"),
        at=db.clock.now(),
        source_id=1,
        status=400,
        raw=b"{broken",
        answer=answer.text,
    )
    journal.close()
    (shown,) = json.loads(run("requests", "show", answer.headers["X-Request-Id"], "--json").stdout)
    assert shown["body"] == "{broken"
    assert shown["answer"]["scimType"] == "invalidValue"
    assert shown["said"] == shown["answer"]["detail"]
    assert "\nanswered:\n{\n" in run("requests", "show", str(shown["id"])).stdout


def test_a_source_that_is_gone_and_a_gap_are_told(run, db: Database) -> None:
    journal = Journal(db)
    journal.note(Asked("0" * 32, "GET", "/Users"), at=db.clock.now(), source_id=9, status=200, raw=None, answer=None)
    journal._lost = 3
    journal.close()
    result = run("requests")
    assert result.stderr == "3 entries before 1 were lost: the database was away\n"
    assert "a source that is gone" in run("requests", "show", "1").stdout


def test_a_journal_that_is_off_keeps_nothing_and_says_so(run, db: Database) -> None:
    okta = Wire(db, "okta")
    okta.http = create_app(load_settings({"SCIM_BRIDGE_JOURNAL": "off"}), db, wake=lambda: None).test_client()
    okta.send("POST", "/Users", {"userName": "ada@acme.example"})
    result = run("requests", JOURNAL="off")
    assert result.stdout == "no such request is in the journal\n"
    assert "the journal is off (setting `journal`)" in result.stderr
