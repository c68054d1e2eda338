"""Bend JSON that a client really sends: near misses find more than noise, since noise dies in the parser.

Every choice is drawn from Hypothesis, so that a failing body shrinks to the one bend that matters.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
NAMES = (
    *("schemas", "id", "externalId", "meta", "userName", "name", "displayName", "nickName", "profileUrl", "title"),
    *("userType", "preferredLanguage", "locale", "timezone", "active", "password", "emails", "phoneNumbers", "ims"),
    *("photos", "addresses", "groups", "entitlements", "roles", "x509Certificates", "members", "manager"),
    *("value", "type", "primary", "display", "$ref", "givenName", "formatted", "resourceType", "Operations", "op"),
    *("path", ENTERPRISE, f"{ENTERPRISE}:manager", "urn:x", "", ".", "name.givenName", "emails.value", "Ünknown"),
    *("USERNAME", 'emails[type eq "work"].value', "user\u0000Name", "\ud800", "__proto__", "n" * 3000),
)
NASTY = st.sampled_from(
    [
        *(
            None,
            True,
            False,
            0,
            -1,
            1,
            2**31,
            2**63,
            2**63 - 1,
            -(2**70),
            10**400,
            0.1,
            1e308,
            [],
            {},
            [[]],
            [{}],
            [None],
        ),
        *(
            "",
            " ",
            "True",
            "false",
            "null",
            "1",
            "\u0000",
            "a\u001bb",
            "\ud800",
            "\ufeff",
            "\u202e",
            "é",
            "e\u0301",
            "ß",
        ),
        *("a" * 600, "a" * 70_000, "💥" * 300, "%", "_", "'", '"', "\\", "'; DROP TABLE users; --", "${x}", "{{x}}"),
        *("2026-11-25T12:00:00Z", "2026-13-45T99:00:00Z", "not-base64!", "AAAA", "https://example.com/x", "../../x"),
        *('{"id":"1","value":"Admin"}', '{"value":', "[" * 2000, {"value": "x"}, [{"value": "x"}], {"value": None}),
        *([{"value": "x", "primary": True}, {"value": "y", "primary": True}], [{"value": "x"}] * 40, ["x", "x"]),
        *({"type": "work"}, {"value": {"value": "x"}}, [[{"value": "x"}]], {ENTERPRISE: {"manager": "x"}}),
        *({"a": {"a": {"a": {"a": {"a": 1}}}}}, [1, "1", True, None]),
    ]
).map(copy.deepcopy)  # bends change what was drawn


@st.composite
def bent(draw: st.DrawFn, body: Any) -> Any:
    """``body`` after one to four bends."""
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(body))
        if not places:
            return draw(NASTY)
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        draw(st.sampled_from(BENDS))(draw, holder, key)
    return body


@st.composite
def written(draw: st.DrawFn, body: Any) -> bytes:
    """``body`` as bytes; now and then as no JSON parser wants them."""
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    raw = text.encode("utf-8", "surrogatepass")
    middle = draw(st.integers(0, len(raw)))
    match draw(
        st.sampled_from(
            ["plain"] * 12 + ["cut", "twice", "key", "byte", "utf-16", "latin-1", "bom", "nan", "deep", "bottomless"]
        )
    ):
        case "cut":
            return raw[:middle]
        case "twice":
            return raw + raw
        case "key":  # the first name of the object again
            name = draw(st.sampled_from(NAMES))
            return raw.replace(b"{", b"{" + json.dumps({name: draw(NASTY)})[1:-1].encode() + b",", 1)
        case "byte":
            return raw[:middle] + draw(st.binary(min_size=1, max_size=3)) + raw[middle:]
        case "utf-16" | "latin-1" as charset:
            return text.encode(charset, "replace")
        case "bom":
            return b"\xef\xbb\xbf" + raw
        case "nan":
            return raw.replace(b"true", b"NaN").replace(b"false", b"-Infinity")
        case "deep":
            levels = draw(st.sampled_from([20, 31, 200]))
            return b'{"a":' * levels + raw + b"}" * levels
        case "bottomless":
            return b'{"a":[' * 50_000
    return raw


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every value inside ``value``: what holds it, and under which key or index."""
    for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(part, dict | list) and depth < 8:
            yield from _places(part, depth + 1)


def _replace(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(NASTY)


def _remove(draw: st.DrawFn, holder: Any, key: Any) -> None:
    del holder[key]


def _rename(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        name = draw(st.sampled_from([*NAMES, key.upper(), key.swapcase(), f"{key}.value", f"{ENTERPRISE}:{key}"]))
        holder[name] = holder.pop(key)


def _add(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict):
        holder[draw(st.sampled_from(NAMES))] = draw(NASTY)
    else:
        holder.append(draw(NASTY))


def _wrap(draw: st.DrawFn, holder: Any, key: Any) -> None:
    holder[key] = draw(st.sampled_from([[holder[key]], {"value": holder[key]}, [[holder[key]]]]))


def _unwrap(draw: st.DrawFn, holder: Any, key: Any) -> None:
    part = holder[key]
    if isinstance(part, dict | list) and part:
        holder[key] = next(iter(part.values() if isinstance(part, dict) else part))


def _again(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.extend(copy.deepcopy(holder[key]) for _ in range(draw(st.sampled_from([1, 3, 50]))))


def _swap(draw: st.DrawFn, holder: Any, key: Any) -> None:
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = keys[draw(st.integers(0, len(keys) - 1))]
    holder[key], holder[other] = holder[other], holder[key]


def _twist(draw: st.DrawFn, holder: Any, key: Any) -> None:
    part = holder[key]
    text = part if isinstance(part, str) else json.dumps(part)
    cut = draw(st.integers(0, len(text)))
    holder[key] = draw(
        st.sampled_from(
            [text.upper(), text.swapcase(), text[:cut], text[cut:], f" {text} ", text * 40, f'{text}"', f"{text}]"]
        )
    )


BENDS: tuple[Callable[[st.DrawFn, Any, Any], None], ...] = (
    *(_replace, _remove, _rename, _add, _wrap, _unwrap, _again, _swap, _twist),
)
