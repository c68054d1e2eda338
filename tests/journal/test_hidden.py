"""What the operator's own schemas never show is kept out of the journal, by its URN and path, in each of its forms."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from databases import NOON
from flask import Flask
from journal_kit import Okta

from scim_bridge.db import Database
from scim_bridge.directory import sources
from scim_bridge.journal.hidden import Hidden, hidden
from scim_bridge.journal.journal import Journal
from scim_bridge.journal.redact import KEPT_BYTES, redact_body, redact_target
from scim_bridge.scim.blueprint import create_blueprint
from scim_bridge.scim.extensions import never_shown, read_types

URN = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
OTHER = "urn:ietf:params:scim:schemas:extension:other:2.0:User"
TYPES = read_types(
    "schemas.yaml",
    f"""
{URN}:
  resource: User
  attributes:
    pin: {{returned: never}}
    title: {{returned: never}}
    door: {{type: complex, multiValued: true, subAttributes: {{name: , code: {{returned: never}}}}}}
    locker: {{type: complex, returned: never, subAttributes: {{number: }}}}
{OTHER}:
  resource: User
  attributes:
    pins: {{type: integer}}
""",
)
HIDDEN = hidden(never_shown(TYPES))


def kept(body: Any) -> Any:
    return json.loads(redact_body(json.dumps(body).encode(), is_json=True, hidden=HIDDEN))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({URN: {"pin": "4711"}}, id="in-its-schema"),
        pytest.param({URN.upper(): {"PIN": "4711"}}, id="in-any-case"),
        pytest.param({f"{URN}:pin": "4711"}, id="after-its-schema"),
        pytest.param({"pin": ["4711"]}, id="without-its-schema"),
        pytest.param({URN: {"door": [{"name": "a", "code": "4711"}]}}, id="a-part"),
        pytest.param({f"{URN}:door": {"code": "4711"}}, id="a-part-after-its-schema"),
        pytest.param({f"{URN}:door.code": "4711"}, id="a-part-after-a-dot"),
        pytest.param({"door": {"code": "4711"}}, id="a-part-without-its-schema"),
        pytest.param({URN: {"locker": {"number": "4711"}}}, id="all-parts"),
        pytest.param({f"{URN}:locker.number": "4711"}, id="one-of-all-parts"),
        pytest.param({URN: {"title": "4711"}}, id="a-name-that-the-core-has-too"),
        pytest.param({"Operations": [{"data": {URN: {"pin": "4711"}}}]}, id="in-bulk"),
        pytest.param({"op": "add", "path": f"{URN}:pin", "value": "4711"}, id="a-path"),
        pytest.param({"op": "add", "path": "pin", "value": "4711"}, id="a-path-without-its-schema"),
        pytest.param({"op": "add", "path": URN, "value": {"pin": "4711"}}, id="a-path-of-its-schema"),
        pytest.param({"op": "add", "path": f"{URN}:door", "value": [{"code": "4711"}]}, id="a-path-of-what-it-is-in"),
        pytest.param({"op": "add", "path": 'door[name eq "a"].code', "value": "4711"}, id="a-path-with-a-filter"),
        pytest.param({"op": "remove", "path": 'door[code eq "4711"]'}, id="a-filter-in-a-path"),
        pytest.param({"op": "remove", "path": f'{URN}:door[code eq "4711"]'}, id="a-filter-in-its-path"),
        pytest.param({"op": "replace", "value": {f"{URN}:door.code": "4711"}}, id="no-path"),
        pytest.param({"filter": f'active eq true and {URN}:pin eq "4711"'}, id="a-filter"),
    ],
)
def test_it_is_replaced(body: Any) -> None:
    shown = kept(body)
    assert "4711" not in str(shown)
    assert "[secret]" in str(shown)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"title": "Pin boy", "userName": "pin@example.com"}, id="the-core-attribute-of-its-name"),
        pytest.param({OTHER: {"pins": 3}, "displayName": "pin"}, id="a-longer-name"),
        pytest.param({OTHER: {"code": "4711"}, "code": "4711"}, id="a-part-elsewhere"),
        pytest.param({URN: {"door": [{"name": "a"}]}, "pins": 1}, id="the-other-parts"),
        pytest.param({"op": "add", "path": "title", "value": "pin"}, id="the-path-of-the-core-attribute"),
        pytest.param({"op": "add", "path": "emails[type eq", "value": "pin ] ["}, id="a-path-that-breaks-off"),
        pytest.param({"filter": 'title eq "x" and pins gt 3'}, id="a-filter-of-others"),
    ],
)
def test_all_else_stays(body: Any) -> None:
    assert kept(body) == body


def test_a_target_is_looked_through_too() -> None:
    assert redact_target('/Users?filter=pin eq "4711"', HIDDEN) == "/Users?filter=pin eq [secret]"
    assert redact_target("/Users?filter=pins eq 4711", HIDDEN) == "/Users?filter=pins eq 4711"


def test_it_is_looked_for_beyond_what_is_kept() -> None:
    body = b'{"a":"%b","pin":"4711"}' % (b"x" * KEPT_BYTES)
    assert redact_body(body, is_json=True, hidden=HIDDEN).startswith(b"[not kept:")


def test_a_key_that_comes_twice_hides_nothing() -> None:
    body = b'{"path":"title","path":"pin","value":"4711"}'
    assert b"4711" not in redact_body(body, is_json=True, hidden=HIDDEN)


def test_without_such_attributes_nothing_is_hidden() -> None:
    assert hidden([]) == Hidden()


def test_no_body_takes_long() -> None:
    body = {"path": "[" * 30_000, "pin": 1, "a": " pin" + " " * 30_000, "value": 1}
    began_s = process_time()
    kept(body)
    assert process_time() - began_s < 1


def test_the_journal_of_a_bridge_keeps_none(db: Database) -> None:
    journal = Journal(db, HIDDEN)
    app = Flask("hidden-test")
    blueprint = create_blueprint(
        db, wake=lambda: None, is_linked=lambda _tx, _person: False, journal=journal, types=TYPES
    )
    app.register_blueprint(blueprint)
    with db.write() as tx:
        source_id = sources.add_source(tx, name="okta", kind="okta", joins=True, now=NOON)
        token = sources.new_token(tx, source_id, now=NOON)
    okta = Okta(app.test_client(), token, db, journal)
    ada = okta.user("ada@example.com", **{URN: {"pin": "4711"}})
    okta.patch(f"/Users/{ada}", {"op": "replace", "path": "pin", "value": "4712"})
    okta.send("GET", "/Users", query_string={"filter": f'{URN}:pin eq "4713"'})
    entries = str(okta.flushed())
    journal.close()
    assert "[secret]" in entries
    assert not [one for one in ("4711", "4712", "4713") if one in entries]
