"""The mapping format as a JSON Schema, so that an editor completes, explains and underlines. Pure.

Draft 7, which is what VS Code's YAML extension takes whole, and its `errorMessage` and `patternErrorMessage` where its
own words would not help. What every mapping has stands at the top; what an app adds (its settings, roles, types of
assets, and what it cannot do) stands under an `if` on `app`, made from the adapter's catalogue. The lint knows more:
filters, captures, other files. The schema must never refuse what the lint takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scim_bridge.contract.protocol import Abilities, AssetType
from scim_bridge.mapping.model import HUB_ROLES
from scim_bridge.mapping.schema_words import WORDS

Schema = dict[str, Any]

_STEPS: Final = ("remove_assets", "suspend", "remove", "nothing")
_PARTNER: Final = ("id", "name", "owner")
_TEXT: Final[Schema] = {"type": ["string", "number"], "pattern": r"\S"}
_WRITE_DURATION: Final = "write an integer with s, m, h or d (90s, 7d), or 0"
_DURATION: Final[Schema] = {
    "type": ["string", "integer"],
    "pattern": "^(0|[0-9]{1,9}[smhd])$",
    "patternErrorMessage": _WRITE_DURATION,
    "if": {"type": "integer"},
    "then": {"const": 0, "errorMessage": _WRITE_DURATION},
}
_SECRET: Final[Schema] = {
    "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$",
    "patternErrorMessage": "a secret must not stand here: write env:NAME or file:/path",
}
_NO_SECRET: Final[Schema] = {
    "pattern": r"^(?!env:|file:).*\S",
    "patternErrorMessage": "this is no secret: write the value itself",
}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_DAY: Final[Schema] = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "patternErrorMessage": "write YYYY-MM-DD",
}
_BY_PEOPLE: Final[Schema] = {
    "properties": {"connect": {"properties": {"fallback": {"const": "manual"}}, "required": ["fallback"]}},
    "required": ["connect"],
}
_MANUAL: Final[Schema] = {
    "anyOf": [
        _BY_PEOPLE,
        {  # in some environment
            "properties": {"environments": {"not": {"additionalProperties": {"not": _BY_PEOPLE}}}},
            "required": ["environments"],
        },
    ]
}
"""People do what the app cannot."""


def mapping_schema(apps: Mapping[str, Abilities | None]) -> Schema:
    """The schema for these apps; None: an adapter that cannot be loaded, of which only the name is known."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "scim_bridge mapping",
        "description": WORDS[""],
        "type": "object",
        "required": ["app", "roles", "grants"],
        "additionalProperties": False,
        "properties": {"app": _said("app", {"type": "string", "enum": list(apps)}), **_common()},
        "definitions": {"rule": _rule(), "step": _step(), "test": _test()},
        "allOf": [
            {"if": {"properties": {"app": {"const": app}}, "required": ["app"]}, "then": _of_app(abilities)}
            for app, abilities in apps.items()
            if abilities
        ],
    }


def _common() -> Schema:
    shared = {
        "connect": {"type": "object"},
        "limits": _table("limits", {"concurrency": _above_0(), "rate": _above_0("number"), "burst": _above_0()}),
        "login": _login(),
        "safety": _safety(),
        "check": _DURATION,
    }
    named = {key: _said(key, value) for key, value in shared.items()}
    others = {
        "scope": _TEXT,
        "roles": _one_or_more(_TEXT),
        "asset_roles": {"type": "object", "additionalProperties": _one_or_more(_TEXT)},
        "grants": _list_of({"$ref": "#/definitions/rule"}),
        "profile": {"type": "object", "additionalProperties": _TEXT},
        "match": _list_of(
            _table(
                "match",
                {"account": _words("email", "login", "name"), "person": _TEXT, "review": {"type": "boolean"}},
                required=("account", "person"),
            )
        ),
        "leave": _table("leave", dict.fromkeys(("lost_access", "disabled"), _list_of({"$ref": "#/definitions/step"}))),
        "environments": {"type": "object", "additionalProperties": _closed(named)},
        "tests": _list_of({"$ref": "#/definitions/test"}),
    }
    return {**named, **{key: _said(key, value) for key, value in others.items()}}


def _rule() -> Schema:
    by_id = _table("grants.group", {"id": _TEXT}, required=("id",))
    group = {"anyOf": [_TEXT, by_id]}
    return {
        **_table(
            "grants",
            {
                "name": _TEXT | {"maxLength": 200},
                "group": {"anyOf": [_TEXT, by_id, {"type": "array", "items": group, "minItems": 1}]},
                "where": _TEXT,
                "partner": _table("grants.partner", dict.fromkeys(_PARTNER, _TEXT), required=_PARTNER),
                "except": _TEXT,
                "source": _TEXT,
                "until": _DAY,
                "role": _TEXT,
                "assets": {"type": "object", "minProperties": 1, "additionalProperties": _one_or_more(_TEXT)},
                "hub_role": _words(*HUB_ROLES),
            },
            required=("name",),
        ),
        "allOf": [_any_key("group", "where", "partner"), _any_key("role", "assets", "hub_role")],
        "if": {"required": ["partner"]},
        "then": {"required": ["until"], "not": _any_key("group", "where", "except", "source", "role", "hub_role")},
    }


def _safety() -> Schema:
    removals = _table(
        "safety.max_removals",
        {"count": _COUNT, "percent": {"type": "number", "minimum": 0, "maximum": 100}},
    )
    return _table(
        "safety",
        {
            "start": _words("plan", "apply"),
            "settle": _DURATION,
            "max_removals": removals | {"minProperties": 1},
            "approve_roles": _one_or_more(_TEXT),
            "keep_at_least": {"type": "object", "additionalProperties": _COUNT},
            "protect": _one_or_more(_TEXT),
            "ignore": _one_or_more(_TEXT),
            "unmanaged": _words("report", "hold"),
            "drift": _words("report", "fix"),
            "create_assets": _one_or_more(_TEXT),
        },
    )


def _login() -> Schema:
    whole = _table(
        "login",
        {"method": _words("sso", "vault"), "mfa": _words("totp"), "rotate": _DURATION},
        required=("method",),
    )
    by_sso = {"if": {"properties": {"method": {"const": "sso"}}}, "then": {"not": _any_key("mfa", "rotate")}}
    return {"anyOf": [_words("sso", "vault"), whole | by_sso]}


def _step() -> Schema:
    return _table("leave", {"after": _DURATION, "do": _words(*_STEPS)}, required=("after", "do"))


def _test() -> Schema:
    groups = {"anyOf": [_TEXT, _table("grants.group", {"id": _TEXT}, required=("id",))]}
    person = {
        "groups": _said("tests.person.groups", {"anyOf": [groups, {"type": "array", "items": groups}]}),
        "active": {"type": "boolean"},
    }
    expect = _table(
        "tests.expect",
        {
            "role": _TEXT,
            "because": _TEXT,
            "hub_role": _words(*HUB_ROLES, "nothing"),
            "assets": {"type": "object", "additionalProperties": _one_or_more(_TEXT)},
        },
    )
    return _table(
        "tests",
        {
            "person": {"type": "object", "properties": person},
            "source": _TEXT,
            "expect": {"anyOf": [_words("nothing"), expect | {"minProperties": 1}]},
        },
        required=("person", "expect"),
    )


def _of_app(app: Abilities) -> Schema:
    """What one app adds. What it cannot do is refused, unless people do it instead (`fallback: manual`)."""
    assets, safety, connect = _assets(app.asset_types), _safety_of(app), _connect(app)
    rule = {"properties": {"role": _role_of(app), "assets": assets}}
    outcome = {"properties": {"role": {"anyOf": [_role_of(app), _words("nothing")]}, "assets": assets}}
    expected = {"properties": {"expect": {"if": {"type": "object"}, "then": outcome}}}
    properties = {
        "connect": connect,
        "roles": _roles_of(app),
        "asset_roles": _closed({kind: _one_or_more(_words(*of.roles)) for kind, of in app.asset_types.items()}),
        "grants": _each(rule),
        "safety": safety,
        "environments": {"additionalProperties": {"properties": {"connect": connect, "safety": safety}}},
        "tests": _each(expected),
    }
    if not app.asset_types:
        properties["leave"] = _steps(step for step in _STEPS if step != "remove_assets")
    return {
        "properties": properties,
        "allOf": [
            {"if": _MANUAL, "else": {"properties": _abilities(app)}},
            {"if": {"required": ["environments"]}, "else": _complete(app)},  # an environment may bring what is missing
        ],
    }


def _abilities(app: Abilities) -> Schema:
    """Keys that need what an app may lack."""
    found: Schema = {}
    if not app.suspend:
        found["leave"] = _steps(step for step in _STEPS if step != "suspend")
    if not app.partners:
        found["grants"] = _each({"properties": {"partner": False}})
    if not app.profile:
        found["profile"] = False
    creates = _one_or_more(_words(*app.create_assets)) if app.create_assets else {"maxItems": 0, "type": "array"}
    found["safety"] = {"properties": {"create_assets": creates}}
    return found


def _steps(steps: Iterable[str]) -> Schema:
    step = _each({"properties": {"do": _words(*steps)}})
    return {"properties": {"lost_access": step, "disabled": step}}


def _connect(app: Abilities) -> Schema:
    own: Schema = {"fallback": _said("connect.fallback", _words("manual"))}
    for key in app.connect:
        shape = _SECRET if key.secret else _NO_SECRET
        note = "A secret: env:NAME or file:/path." if key.secret else ""
        own[key.name] = {**_TEXT, **shape, "description": " ".join(part for part in (key.help, note) if part)}
    return _closed(own)


def _complete(app: Abilities) -> Schema:
    """Which settings there must be; of the sets in ``connect_one_of`` just one, whole."""
    needed: Schema = {"required": [key.name for key in app.connect if key.required]}
    names = {name for way in app.connect_one_of for name in way}
    if app.connect_one_of:
        needed["anyOf"] = [
            {"required": list(way), "not": {"anyOf": [{"required": [name]} for name in sorted(names - set(way))]}}
            for way in app.connect_one_of
        ]
    is_needed = needed["required"] or app.connect_one_of
    return {"required": ["connect"], "properties": {"connect": needed}} if is_needed else {}


def _roles_of(app: Abilities) -> Schema:
    item = _role_of(app)
    return {"anyOf": [item, {"type": "array", "items": item, **({"minItems": 1} if len(app.roles) > 1 else {})}]}


def _role_of(app: Abilities) -> Schema:
    return _words(*app.roles) if app.roles else _TEXT  # some targets have whatever roles somebody gave them


def _assets(types: Mapping[str, AssetType]) -> Schema:
    patterns = {}
    for name, kind in types.items():
        word = _words(*kind.roles)
        patterns[f"^{_escape(name)}/."] = _just_one(word) if kind.exclusive else _one_or_more(word)
    return {"patternProperties": patterns, "additionalProperties": False}


def _escape(name: str) -> str:
    """As JavaScript reads it, which refuses an escape that is not needed."""
    return re.sub(r"[.^$*+?()[\]{}|\\/]", r"\\\g<0>", name)


def _safety_of(app: Abilities) -> Schema:
    role = _role_of(app)
    found: Schema = {"approve_roles": _one_or_more(role)}
    if app.roles:
        found["keep_at_least"] = {"propertyNames": {"enum": list(app.roles)}}
    return {"properties": found}


# Shapes


def _said(key: str, schema: Schema) -> Schema:
    """With what an editor says of ``key``; a default is said as well as written, for not every editor shows both."""
    return {"description": WORDS[key], **schema}


def _table(path: str, keys: Mapping[str, Schema], *, required: Sequence[str] = ()) -> Schema:
    """A mapping with these keys and no other; ``path`` finds what is said of each."""
    found = _closed({key: _said(f"{path}.{key}", value) for key, value in keys.items()})
    return {**found, **({"required": list(required)} if required else {})}


def _closed(keys: Schema) -> Schema:
    return {"type": "object", "properties": keys, "additionalProperties": False}


def _words(*words: str) -> Schema:
    return {"enum": list(words)}


def _above_0(kind: str = "integer") -> Schema:
    return {"type": kind, "exclusiveMinimum": 0}


def _any_key(*keys: str) -> Schema:
    return {"anyOf": [{"required": [key]} for key in keys]}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "uniqueItems": True}]}


def _just_one(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "maxItems": 1}]}


def _list_of(item: Schema) -> Schema:
    """A list; a mapping where a list may stand is a list of one."""
    return {"type": ["array", "object"], **_each(item)}


def _each(item: Schema) -> Schema:
    return {"items": item, "if": {"type": "object"}, "then": item}
