"""A law that cannot be broken guards nothing: each one is shown a breach of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from fuzz_invariants import INVARIANTS, breaches
from fuzz_laws import answer_is_sound, check
from fuzz_requests import ADA, BEN, EVE, Request
from fuzz_world import World
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response


def _row(rows: Any, table: str, scim_id: str) -> Any:
    return next(row for row in rows[table].values() if row["scim_id"] == scim_id)


def _foreign_member(rows: Any) -> None:
    next(iter(rows["memberships"].values()))["user_id"] = _row(rows, "users", EVE)["id"]


def _pending_though_there(rows: Any) -> None:
    next(iter(rows["pending_members"].values()))["value"] = BEN


def _other_key(rows: Any) -> None:
    _row(rows, "users", ADA)["user_name_key"] = "somebody"


def _lost_address(rows: Any) -> None:
    rows["user_emails"].clear()


def _null_inside(rows: Any) -> None:
    _row(rows, "users", ADA)["document"]["title"] = None


def _two_primaries(rows: Any) -> None:
    for email in _row(rows, "users", ADA)["document"]["emails"]:
        email["primary"] = True


def _password_stored(rows: Any) -> None:
    _row(rows, "users", ADA)["document"]["password"] = "x"


def _silent_change(rows: Any) -> None:
    _row(rows, "users", ADA)["document"]["title"] = "Changed"


def _older_version(rows: Any) -> None:
    _row(rows, "groups", "00000000-0000-4000-8000-000000000004")["version"] = 0


def _older_generation(rows: Any) -> None:
    next(iter(rows["people"].values()))["generation"] = -1


def _nothing_noted(rows: Any) -> None:
    _row(rows, "users", ADA)["document"]["title"] = "Changed"
    rows["person_changes"].clear()


def _member_gone_unnoted(rows: Any) -> None:
    rows["memberships"].popitem()
    rows["person_changes"].clear()
    rows["group_changes"].clear()


def _eve_changed(rows: Any) -> None:
    _row(rows, "users", EVE)["version"] += 1


BREACHES: list[tuple[Callable[[Any], None], str]] = [
    (_foreign_member, "members_are_of_the_groups_own_source"),
    (_pending_though_there, "nobody_waits_who_is_there"),
    (_other_key, "columns_say_what_the_document_says"),
    (_lost_address, "emails_are_those_of_the_document"),
    (_null_inside, "a_document_holds_what_a_client_owns"),
    (_two_primaries, "a_document_holds_what_a_client_owns"),
    (_password_stored, "a_document_holds_what_a_client_owns"),
    (_silent_change, "a_change_raises_the_version"),
    (_older_version, "a_change_raises_the_version"),
    (_older_generation, "generations_never_fall"),
    (_nothing_noted, "whoever_changed_is_noted_for_fan_out"),
    (_member_gone_unnoted, "whoever_changed_is_noted_for_fan_out"),
    (_eve_changed, "other_sources_are_left_alone"),
]


@pytest.mark.parametrize(("breach", "law"), BREACHES)
def test_a_breach_is_seen(world: World, breach: Callable[[Any], None], law: str) -> None:
    after: Any = copy.deepcopy(world.before)
    breach(after)
    assert law in {line.partition(":")[0] for line in breaches(world.before, after)}


def test_every_law_has_its_breach() -> None:
    assert {law for _, law in BREACHES} == {law.__name__ for law in INVARIANTS}


def test_the_directory_of_the_beginning_breaks_no_law(world: World) -> None:
    assert breaches(world.before, world.before) == []


SCIM = "application/scim+json"
ERROR = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%s","detail":"x"%s}'


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (Response(ERROR % (500, ""), 500, content_type=SCIM), "the status is 500"),
        (Response(ERROR % (404, ""), 400, content_type=SCIM), "the body's status is '404'"),
        (Response(ERROR % (400, ',"scimType":"odd"'), 400, content_type=SCIM), "the RFC has no scimType odd"),
        (Response('{"error":1}', 400, content_type=SCIM), "no Error body"),
        (Response("<html>", 404, content_type="text/html"), "the content type is text/html"),
        (Response(ERROR % (405, ""), 405, content_type=SCIM), "there is no Allow"),
        (Response('{"password":"x"}', 200, content_type=SCIM), "a password is shown"),
        (Response("{}", 204, content_type=SCIM), "there is a body"),
        (Response('{"Operations":[{"status":"500"}]}', 200, content_type=SCIM), "an operation's status is 500"),
    ],
)
def test_an_answer_that_is_not_sound_is_seen(answer: Response, word: str) -> None:
    request = Request("GET", "/Users")
    seen = TestResponse(answer.iter_encoded(), answer.status, answer.headers, None, ())  # type: ignore[arg-type]
    assert any(line.startswith(word) for line in answer_is_sound(request, seen))


def test_a_write_behind_a_refusal_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bridge at its worst, for once: it says no and does it all the same."""
    send = world.send

    def refuse(request: Request) -> TestResponse:
        answer = send(request)
        if request.method == "POST":
            answer.status_code, answer.data = 400, (ERROR % (400, "")).encode()
        return answer

    monkeypatch.setattr(world, "send", refuse)
    with pytest.raises(AssertionError, match="400, and something was written: users"):
        check(world, [Request("POST", "/Users", "", '{"userName":"new"}')])
    assert world.rows() == world.before
