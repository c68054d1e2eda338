"""What holds in the database whatever was sent. One function, one law; each yields a line for each breach.

A law that needs the state before sees it as well: ``Rows`` maps a table's name to its rows by primary key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scim_bridge.folding import fold

Row = Mapping[str, Any]
Rows = Mapping[str, Mapping[Any, Row]]


def members_are_of_the_groups_own_source(before: Rows, after: Rows) -> Iterator[str]:
    for row in after["memberships"].values():
        user, group = after["users"].get(row["user_id"]), after["groups"].get(row["group_id"])
        if user is None or group is None or user["source_id"] != group["source_id"]:
            yield f"membership {dict(row)} joins {user} and {group}"
    for row in after["nested_groups"].values():
        child, group = after["groups"].get(row["child_id"]), after["groups"].get(row["group_id"])
        if child is None or group is None or child["source_id"] != group["source_id"] or child is group:
            yield f"nested group {dict(row)} joins {child} and {group}"


def nobody_waits_who_is_there(before: Rows, after: Rows) -> Iterator[str]:
    known = {
        (row["source_id"], name)
        for table in ("users", "groups")
        for row in after[table].values()
        for name in (row["scim_id"], row["external_id"])
    }
    for row in after["pending_members"].values():
        if (row["source_id"], row["value"]) in known:
            yield f"pending member {dict(row)} is there"


def columns_say_what_the_document_says(before: Rows, after: Rows) -> Iterator[str]:
    for row in after["users"].values():
        document = row["document"]
        said = (fold(document["userName"]), document.get("externalId"), document.get("active", row["active"]))
        if said != (row["user_name_key"], row["external_id"], row["active"]):
            yield f"user {row['scim_id']}: the columns are {dict(row)}"
    for row in after["groups"].values():
        document = row["document"]
        said = (document["displayName"], fold(document["displayName"]), document.get("externalId"))
        if said != (row["display_name"], row["display_name_key"], row["external_id"]):
            yield f"group {row['scim_id']}: the columns are {dict(row)}"


def emails_are_those_of_the_document(before: Rows, after: Rows) -> Iterator[str]:
    stored: dict[int, list[tuple[str, bool]]] = {}
    for row in sorted(after["user_emails"].values(), key=lambda row: row["position"]):
        stored.setdefault(row["user_id"], []).append((row["value_key"], row["is_primary"]))
    for user_id, row in after["users"].items():
        emails = [email for email in row["document"].get("emails", ()) if email.get("value")]
        said = [(fold(email["value"]), email.get("primary") is True) for email in emails]
        if said != stored.pop(user_id, []):
            yield f"user {row['scim_id']}: the document says {said}"
    for user_id in stored:
        yield f"e-mails of a user {user_id} who is not there"


def a_document_holds_what_a_client_owns(before: Rows, after: Rows) -> Iterator[str]:
    for table in ("users", "groups"):
        for row in after[table].values():
            kept = {"id", "meta", "groups", "members", "password"} & set(row["document"])
            if kept:
                yield f"{table} {row['scim_id']}: the document holds {kept}"
            yield from (f"{table} {row['scim_id']}: {line}" for line in _oddities(row["document"], ""))


def _oddities(value: Any, where: str) -> Iterator[str]:
    """Nothing unassigned is stored (RFC 7643 section 2.5), and one element at most is primary (section 2.4)."""
    if value is None or value in ("", [], {}):
        yield f"{where} is unassigned: {value!r}"
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _oddities(part, f"{where}.{key}")
    elif isinstance(value, list):
        if sum(isinstance(part, dict) and part.get("primary") is True for part in value) > 1:
            yield f"{where} has two primaries"
        for part in value:
            yield from _oddities(part, f"{where}[]")


def a_change_raises_the_version(before: Rows, after: Rows) -> Iterator[str]:
    for table in ("users", "groups"):
        for key in before[table].keys() & after[table].keys():
            old, new = before[table][key], after[table][key]
            if old["scim_id"] != new["scim_id"] or old["created_at"] != new["created_at"]:
                yield f"{table} {old['scim_id']} is somebody else now: {new}"
            if new["version"] < old["version"] or (
                new["document"] != old["document"] and new["version"] == old["version"]
            ):
                yield f"{table} {old['scim_id']}: version {old['version']} became {new['version']}"


def generations_never_fall(before: Rows, after: Rows) -> Iterator[str]:
    for key in before["people"].keys() & after["people"].keys():
        old, new = before["people"][key]["generation"], after["people"][key]["generation"]
        if new < old:
            yield f"person {key}: generation {old} became {new}"
    for row in after["person_changes"].values():
        if row["generation"] > after["people"][row["person_id"]]["generation"]:
            yield f"person change {dict(row)} is ahead of its person"


def whoever_changed_is_noted_for_fan_out(before: Rows, after: Rows) -> Iterator[str]:
    for key, row in after["users"].items():
        old = before["users"].get(key)
        if (old is None or old["document"] != row["document"]) and row["person_id"] not in after["person_changes"]:
            yield f"user {row['scim_id']} changed, and no row says so to fan-out"
    noted = {row["group_id"] for row in after["group_changes"].values()}
    for group_id, user_id in before["memberships"].keys() ^ after["memberships"].keys():
        user = after["users"].get(user_id)
        if (
            group_id not in noted
            and group_id in after["groups"]
            and user
            and user["person_id"] not in after["person_changes"]
        ):
            yield f"membership of {user['scim_id']} in {group_id} changed, and no row says so to fan-out"


def other_sources_are_left_alone(before: Rows, after: Rows) -> Iterator[str]:
    for table in ("users", "groups"):
        of = [{k: r for k, r in rows[table].items() if r["source_id"] != 1} for rows in (before, after)]
        if of[0] != of[1]:
            yield f"{table} of another source changed"


INVARIANTS: tuple[Callable[[Rows, Rows], Iterator[str]], ...] = (
    members_are_of_the_groups_own_source,
    nobody_waits_who_is_there,
    columns_say_what_the_document_says,
    emails_are_those_of_the_document,
    a_document_holds_what_a_client_owns,
    a_change_raises_the_version,
    generations_never_fall,
    whoever_changed_is_noted_for_fan_out,
    other_sources_are_left_alone,
)


def breaches(before: Rows, after: Rows) -> list[str]:
    """Every breach of a law by the step from ``before`` to ``after``."""
    return [f"{law.__name__}: {line}" for law in INVARIANTS for line in law(before, after)]
