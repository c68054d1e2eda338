"""Requests that nobody meant to send: bent bodies of the vectors, and verbs, paths, filters and headers made up.

schemathesis was left out: it works from an OpenAPI description, which SCIM does not have; one of ours would know
nothing of filters, PATCH paths and the dialects, where the trouble lies.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fuzz_mutate import ENTERPRISE, NASTY, bent, written
from hypothesis import strategies as st

VECTORS = Path(__file__).parents[1] / "vectors"
ADA, BEN, CY, EVE, ENG, ALL, EMPTY, ELSEWHERE = (f"00000000-0000-4000-8000-00000000000{number}" for number in range(8))
"""Users ada, ben, cy (inactive) and the groups eng, all, empty; eve and the last group belong to another source."""
USERS, GROUPS = (ADA, BEN, CY), (ENG, ALL, EMPTY)
_JSON = "application/scim+json"


@dataclass(frozen=True)
class Request:
    """One request under ``/scim/v2``. ``body`` is Latin-1: any byte as one character, so that a case is JSON itself."""

    method: str
    path: str
    query: str = ""
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _steps() -> list[dict[str, Any]]:
    """The writing requests of all vectors."""
    steps = (
        step for file in sorted(VECTORS.glob("**/*.json")) for step in json.loads(file.read_text()).get("steps", ())
    )
    return [step for step in steps if step.get("body")]


STEPS = _steps()
PATHS = (
    *("/Users", "/Groups", "/Bulk", "/Me", "/.search", "/Users/.search", "/Groups/.search", "/ServiceProviderConfig"),
    *("/ResourceTypes", "/ResourceTypes/User", "/Schemas", f"/Schemas/{ENTERPRISE}", "", "/", "/Nothing"),
    *(f"/Users/{user}" for user in (*USERS, EVE)),
    *(f"/Groups/{group}" for group in (*GROUPS, ELSEWHERE)),
    *(
        "/Users/1",
        "/Users/%00",
        "/Users/%ff",
        "/Users/..%2fGroups",
        "//Users",
        "/Users//",
        f"/users/{ADA}",
        "/Users;x=1",
    ),
    *(f"/Users/{ADA.upper()}", f"/Users/{ADA}/emails", "/Users/" + "9" * 3000, "/Users/💥", "/Users/%F0%9F%92%A5"),
)
ATTRIBUTES = (
    *(
        "userName",
        "externalId",
        "id",
        "active",
        "displayName",
        "title",
        "name.givenName",
        "name",
        "emails",
        "emails.value",
    ),
    *(
        "emails.primary",
        "emails.type",
        "roles.value",
        "roles",
        "addresses.country",
        "groups",
        "members",
        "members.value",
    ),
    *("meta.lastModified", "meta.created", "meta", "meta.version", "schemas", "password", "manager", "USERNAME"),
    *(f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:department", ENTERPRISE, f"{ENTERPRISE}:"),
    *(
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "nobody",
        "a.b.c",
        "x509Certificates.value",
        "é",
        "",
        "1a",
    ),
)
LITERALS = (
    *('"ada@example.com"', '"ADA@example.com"', '"work"', '"True"', "true", "false", "null", "TRUE", "0", "-1", "1.5"),
    *(
        "1e400",
        str(2**70),
        '""',
        '"%"',
        '"\\u0000"',
        '"\\ud800"',
        '"\\"',
        '"a',
        "'a'",
        "bare",
        '"2026-11-25T12:00:00Z"',
    ),
    *('"2026-99-99"', f'"{ADA}"', f'"{ENG}"', "[]", "{}", f'"{"a" * 3000}"', '"é"', '"💥"', ""),
)
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "EQ", "Co", "regex", "=", "in", "not", "")
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get", "X" * 300)

_compare = st.builds(
    lambda name, op, value: f"{name} {op}" if op == "pr" else f"{name} {op} {value}",
    st.sampled_from(ATTRIBUTES),
    st.sampled_from(OPERATORS),
    st.sampled_from(LITERALS),
)
_filter = st.recursive(
    _compare,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or", "AND", "xor", ""]), inner),
        st.builds("{}({})".format, st.sampled_from(["", "not ", "not", "NOT "]), inner),
        st.builds("{}[{}]{}".format, st.sampled_from(ATTRIBUTES), inner, st.sampled_from(["", ".value", ".x eq 1"])),
    ),
    max_leaves=6,
)
filters = st.one_of(
    _filter,
    st.builds(lambda text, at, noise: text[:at] + noise + text[at:], _filter, st.integers(0, 60), st.text(max_size=3)),
    st.builds(
        lambda opening, times: opening * times, st.sampled_from(["(", "not (", "emails[", '"', "a and "]), st.just(800)
    ),
)
patch_paths = st.one_of(
    st.sampled_from(ATTRIBUTES),
    st.builds(
        "{}[{}]{}".format, st.sampled_from(ATTRIBUTES), _filter, st.sampled_from(["", ".value", ".type", "[x]", "."])
    ),
    st.sampled_from([f'members[value eq "{ADA}"]', 'emails[type eq "work"].value', 'roles[primary eq "True"].value']),
    filters,
)
headers = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Accept", "If-Match", "If-None-Match", "Prefer", "Accept-Charset", "Content-Encoding"]
    ),
    st.sampled_from(
        [
            *(
                _JSON,
                "application/json",
                f"{_JSON}; charset=utf-16",
                f"{_JSON};charset=latin-1",
                "text/plain",
                "",
                "*/*",
            ),
            *(
                'W/"1"',
                'W/"0"',
                '"1"',
                "*",
                "1",
                'W/"' + "9" * 400 + '"',
                ",,",
                "application/xml;q=x",
                "gzip",
                "respond-async",
            ),
            *("multipart/form-data", "application/x-www-form-urlencoded", "\xff", f"{_JSON}; charset=nothing"),
        ]
    ),
    max_size=2,
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A query string: what lists take, and what they do not."""
    numbers = st.sampled_from(["0", "1", "-1", "2", "x", "1.5", "", "9" * 30, "+1", " 1", "0x1", "١", "1e3", "null"])
    names = st.lists(st.sampled_from(ATTRIBUTES), max_size=4).map(",".join)
    parts = draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("filter"), filters),
                st.tuples(st.sampled_from(["startIndex", "count", "cursor"]), numbers),
                st.tuples(st.sampled_from(["attributes", "excludedAttributes", "sortBy"]), names),
                st.tuples(st.just("sortOrder"), st.sampled_from(["ascending", "descending", "up", ""])),
                st.tuples(st.sampled_from(["aadOptscim062020", "é", "\ud800", ""]), st.text(max_size=5)),
            ),
            max_size=3,
        )
    )
    joined = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in parts)
    return draw(st.sampled_from([joined] * 8 + [joined + "&%ff=%", joined + "&&=&filter"]))


@st.composite
def bent_vector(draw: st.DrawFn) -> Request:
    """A request of a vector with a bent body, at somebody who is there."""
    step = draw(st.sampled_from(STEPS))
    path, _, query = step["path"].partition("?")
    if "${" in path:
        path = (
            f"/Users/{draw(st.sampled_from(USERS))}" if "/Users" in path else f"/Groups/{draw(st.sampled_from(GROUPS))}"
        )
    text = json.dumps(step["body"])
    for name in sorted({part.partition("}")[0] for part in text.split("${")[1:]}):
        text = text.replace("${" + name + "}", draw(st.sampled_from((*USERS, *GROUPS, EVE, "nobody"))))
    raw = draw(written(draw(bent(json.loads(text)))))
    return Request(step["method"], path, query, raw.decode("latin-1"), draw(st.sampled_from([{}] * 5) | headers))


@st.composite
def patch(draw: st.DrawFn) -> Request:
    """A PATCH of made-up operations."""
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "Replace", "remove"] * 8 + ["move", None])},
        optional={
            "path": patch_paths,
            "value": NASTY
            | st.sampled_from([[{"value": user}] for user in (*USERS, *GROUPS, EVE, "nobody")])
            | st.dictionaries(patch_paths, NASTY, max_size=3),
        },
    )
    body = {"Operations": draw(st.lists(operation, max_size=4))}
    path = draw(st.sampled_from([f"/Users/{user}" for user in USERS] + [f"/Groups/{group}" for group in GROUPS]))
    return Request("PATCH", path, draw(st.just("") | queries()), json.dumps(body))


@st.composite
def search(draw: st.DrawFn) -> Request:
    """A GET, or a SearchRequest."""
    if draw(st.booleans()):
        path = draw(st.sampled_from(("/Users",) * 20 + ("/Groups",) * 20 + PATHS))
        query = f"filter={quote(draw(filters), errors='replace')}"
        return Request("GET", path, draw(st.just(query) | queries()), None, draw(headers))
    body = {"filter": draw(filters), "count": draw(NASTY), "startIndex": draw(NASTY), "attributes": draw(NASTY)}
    kept = {name: body[name] for name in draw(st.sets(st.sampled_from(sorted(body))))}
    kept["schemas"] = ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]
    path = draw(st.sampled_from(["/.search", "/Users/.search", "/Groups/.search"]))
    return Request("POST", path, "", json.dumps(kept))


@st.composite
def bulk(draw: st.DrawFn) -> Request:
    """A Bulk of bent vectors, with bulkIds that may point anywhere."""
    operations = []
    for step in draw(st.lists(bent_vector(), max_size=4)):
        try:
            data = json.loads(step.body or "")
        except (ValueError, RecursionError):
            data = step.body
        ids = st.sampled_from(["a", "b", "bulkId:a", "", None, 7])
        operations.append({"method": step.method, "path": step.path, "bulkId": draw(ids), "data": data})
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    raw = draw(written(draw(st.just(body) | bent(body))))
    return Request("POST", "/Bulk", "", raw.decode("latin-1"))


@st.composite
def wild(draw: st.DrawFn) -> Request:
    """Any verb at any path with any query, body and headers."""
    step = draw(st.sampled_from(STEPS))
    raw = draw(st.none() | written(step["body"]) | written(draw(NASTY)))
    body = None if raw is None else raw.decode("latin-1")
    query = draw(st.just("") | queries())
    verb = draw(st.sampled_from(VERBS))
    return Request(verb, draw(st.sampled_from(PATHS)), query, body, draw(headers))


cases = st.lists(st.one_of(bent_vector(), patch(), search(), bulk(), wild()), min_size=1, max_size=3)
"""A case: requests one after another, beginning at the same directory each time."""
