"""What any SCIM client may rely on (RFC 7643, 7644, 9865), beyond what Okta and Entra send.

What ServiceProviderConfig says is taken at its word: a feature that it names must work, one that it denies may not.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from scim_bridge.doctor.checks import Family, Visit
from scim_bridge.doctor.wire import MEDIA_TYPE, need, need_list

rfc = Family("rfc")
_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@rfc("discovery", "clients learn from /ServiceProviderConfig, /ResourceTypes and /Schemas what they may send")
def _discovery(visit: Visit) -> None:
    config = visit.read("/ServiceProviderConfig")
    for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        need(type(config[feature]["supported"]) is bool, f"{feature} does not say whether it is supported")
    for kind, name in (("/ResourceTypes", "User"), ("/Schemas", _GROUP)):
        need_list(visit.read(kind))
        need(visit.read(f"{kind}/{name}")["id"] == name, f"{kind}/{name} is something else")
        visit.ask("GET", f"{kind}?filter=id%20eq%20%22x%22").must_be_error(403)
    verb = visit.ask("DELETE", "/Schemas")
    verb.must_be_error(405)
    need("GET" in verb.response.headers.get("Allow", ""), "405 came without Allow")


@rfc("errors", "a client decides by status and scimType whether to repeat, to mend or to give up")
def _errors(visit: Visit) -> None:
    user_id = _user(visit)
    path = f"/Users/{user_id}"
    visit.ask("GET", "/Users?filter=userName%20is%20%22x%22").must_be_error(400, "invalidFilter")
    visit.patch(path, {"op": "remove"}).must_be_error(400, "noTarget")
    visit.patch(path, {"op": "remove", "path": "userName"}).must_be_error(400, "mutability")
    visit.patch(path, {"op": "replace", "path": "meta.created", "value": "x"}).must_be_error(400, "mutability")
    visit.patch(path, {"op": "replace", "path": "emails[", "value": "x"}).must_be_error(400, "invalidPath")
    visit.ask("POST", "/Users", {"schemas": [_USER]}).must_be_error(400, "invalidValue")
    visit.ask("POST", "/Users", "no object").must_be_error(400, "invalidSyntax")
    visit.ask("PUT", f"/Users/{uuid4()}", {"schemas": [_USER], "userName": visit.name()}).must_be_error(404)


@rfc("password_filter", "a filter on password would let a client guess it letter by letter")
def _password_filter(visit: Visit) -> None:
    visit.ask("GET", "/Users?filter=password%20eq%20%22x%22").must_be(400, 403)


@rfc("media_type", "a body of another type must be refused before it is read")
def _media_type(visit: Visit) -> None:
    visit.ask("POST", "/Users", {"userName": "x"}, Content_Type="text/plain").must_be_error(415)


@rfc("atomic_patch", "a PATCH happens as a whole or not at all")
def _atomic_patch(visit: Visit) -> None:
    path = f"/Users/{_user(visit)}"
    first = {"op": "add", "path": "title", "value": "Countess"}
    visit.patch(path, first, {"op": "replace", "path": "id", "value": "x"}).must_be_error(400, "mutability")
    need("title" not in visit.read(path), "the first operation stayed though the second was refused")


@rfc("put", "PUT replaces: what is left out is cleared, what only we may write is ignored")
def _put(visit: Visit) -> None:
    name = visit.name()
    made = visit.ask("POST", "/Users", {"schemas": [_USER], "userName": name, "title": "Countess"}).must_be(201)
    body = {"schemas": [_USER], "userName": name, "id": "mine", "nickName": "Ada"}
    now = visit.ask("PUT", f"/Users/{made['id']}", body).must_be(200)
    need(now["id"] == made["id"] and now["nickName"] == "Ada", "PUT did not answer with the changed user")
    need("title" not in now, "PUT kept an attribute that was left out")


@rfc("projection", "attributes and excludedAttributes choose what comes back, with every verb")
def _projection(visit: Visit) -> None:
    name = visit.name()
    body = {"schemas": [_USER], "userName": name, "title": "Countess"}
    made = visit.ask("POST", "/Users?attributes=userName", body).must_be(201)
    need(set(made) == {"schemas", "id", "userName"}, f"POST with attributes=userName brought {sorted(made)}")
    one = visit.read(f"/Users/{made['id']}?excludedAttributes=title,id")
    need("title" not in one, "an attribute came though excludedAttributes names it")
    need("id" in one, "id was left out, which is always returned")
    group = visit.ask("POST", "/Groups", {"schemas": [_GROUP], "displayName": visit.title()}).must_be(201)
    operation = {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
    answer = visit.patch(f"/Groups/{group['id']}?attributes=displayName", operation).must_be(200)
    need(answer.get("displayName") == group["displayName"], "PATCH with attributes brought no body")


@rfc("paging", "count and startIndex out of range are read as the nearest that makes sense")
def _paging(visit: Visit) -> None:
    _user(visit)
    none = visit.read("/Users?count=0")
    need(none["totalResults"] > 0 and not none.get("Resources"), "count=0 did not bring the total alone")
    need(not visit.read("/Users?count=-1").get("Resources"), "count=-1 brought users")
    need_list(visit.read("/Users?startIndex=0&count=1"), start=1)


@rfc("filters", "the whole grammar: and binds before or, not, parentheses, every operator, paths through values")
def _filters(visit: Visit) -> None:
    name, title = visit.name(), visit.title()
    body = {
        "schemas": [_USER],
        "userName": name,
        "title": title,
        "active": True,
        "emails": [{"value": name, "type": "work", "primary": True}],
    }
    visit.ask("POST", "/Users", body).must_be(201)
    mine = f'title eq "{title}"'
    for text, total in (
        (f"{mine} and active eq true", 1),
        (f'TITLE EQ "{title}"', 1),
        (f'{_USER}:title eq "{title}"', 1),
        (f"{mine} and not (active eq false)", 1),
        (f'{mine} or userName eq "x" and active eq false', 1),
        (f'({mine} or userName eq "x") and active eq false', 0),
        (f'{mine} and userName co "{visit.domain[:-9]}" and userName sw "probe" and userName ew "{visit.domain}"', 1),
        (f'{mine} and emails[type eq "work" and value co "@"]', 1),
        (f'{mine} and emails[type eq "home"]', 0),
        (f'{mine} and emails eq "{name}"', 1),
        (f"{mine} and nickName pr", 0),
        (f'{mine} and meta.created gt "2020-01-01T00:00:00+01:00"', 1),
        (f'{mine} and meta.lastModified lt "2020-01-01T00:00:00Z"', 0),
    ):
        found = visit.search("Users", text)["totalResults"]
        need(found == total, f"the filter {text} found {found} instead of {total}")


@rfc("search", "POST .search asks what would be too long, or too private, for an address")
def _search(visit: Visit) -> None:
    name = visit.name()
    visit.ask("POST", "/Users", {"schemas": [_USER], "userName": name}).must_be(201)
    body = {"schemas": [_SEARCH], "filter": f'userName eq "{name}"', "attributes": ["userName"], "count": 5}
    for path in ("/Users/.search", "/.search"):
        found = visit.ask("POST", path, body).must_be(200)
        need_list(found, total=1)
        need("meta" not in found["Resources"][0], f"{path} brought attributes that were not asked for")


@rfc("sort", "a sorted list, where ServiceProviderConfig promises it")
def _sort(visit: Visit) -> None:
    if not _promises(visit, "sort"):
        return
    for path, is_reversed in (("/Users?sortBy=userName", False), ("/Users?sortBy=userName&sortOrder=descending", True)):
        names = [user["userName"].casefold() for user in visit.read(f"{path}&count=50")["Resources"]]
        need(names == sorted(names, reverse=is_reversed), f"{path} is not sorted")


@rfc("versions", "two writers of one user see each other by ETag, where ServiceProviderConfig promises it")
def _versions(visit: Visit) -> None:
    path = f"/Users/{_user(visit)}"
    answer = visit.ask("GET", path)
    version = answer.must_be(200)["meta"]["version"]
    if not _promises(visit, "etag"):
        return
    tag = answer.response.headers.get("ETag")
    need(tag == version, f"ETag is {tag!r}, meta.version is {version!r}: a proxy that compresses may change it")
    visit.ask("GET", path, If_None_Match=version).must_be(304)
    body = {"Operations": [{"op": "replace", "path": "title", "value": "Countess"}]}
    visit.ask("PATCH", path, body, If_Match=version).must_be(200, 204)
    visit.ask("PATCH", path, body, If_Match=version).must_be_error(412)
    visit.ask("GET", path, If_None_Match=version).must_be(200)


@rfc("bulk", "many operations in one request, where ServiceProviderConfig promises it; else a clear 501")
def _bulk(visit: Visit) -> None:
    user = {"schemas": [_USER], "userName": visit.name()}
    group = {"schemas": [_GROUP], "displayName": visit.title(), "members": [{"value": "bulkId:u"}]}
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": user},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
    ]
    answer = visit.ask("POST", "/Bulk", {"schemas": [_BULK], "Operations": operations})
    if not _promises(visit, "bulk"):
        answer.must_be_error(501)
        return
    done = answer.must_be(200)["Operations"]
    need([each["status"] for each in done] == ["201", "201"], f"the operations ended with {done!r}")
    made = {each["bulkId"]: each["location"].rpartition("/")[2] for each in done}
    need(visit.members(made["g"]) == [made["u"]], "bulkId was not replaced by the id of the new user")


@rfc("cursors", "a walk by cursor, where ServiceProviderConfig promises it (RFC 9865)")
def _cursors(visit: Visit) -> None:
    made = {_user(visit) for _ in range(3)}
    if not visit.read("/ServiceProviderConfig").get("pagination", {}).get("cursor"):
        return
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = visit.read(f"/Users?cursor={cursor}&count=20")
        seen += [user["id"] for user in page["Resources"]]
        cursor = page.get("nextCursor")
    need(len(seen) == len(set(seen)) and made <= set(seen), "the walk by cursor missed somebody, or met somebody twice")
    visit.ask("GET", "/Users?cursor=none-of-ours").must_be_error(400, "invalidCursor")


@rfc("nested_groups", "groups may be in groups, also in a circle")
def _nested_groups(visit: Visit) -> None:
    inner = _group(visit)
    outer = _group(visit, inner)
    visit.patch(f"/Groups/{inner}", {"op": "add", "path": "members", "value": [{"value": outer}]}).must_be(200, 204)
    need(visit.members(outer) == [inner], "the inner group is not in the outer one")
    need(visit.members(inner) == [outer], "the circle was not kept")


@rfc("me", "/Me is an alias that a token of a source has no use for: a clear answer is enough")
def _me(visit: Visit) -> None:
    visit.ask("GET", "/Me").must_be(200, 308, 501)


def _promises(visit: Visit, feature: str) -> bool:
    return visit.read("/ServiceProviderConfig")[feature]["supported"] is True


def _user(visit: Visit, **more: Any) -> str:
    body = {"schemas": [_USER], "userName": visit.name(), **more}
    return str(visit.ask("POST", "/Users", body, Content_Type=MEDIA_TYPE).must_be(201)["id"])


def _group(visit: Visit, *members: str) -> str:
    body = {"schemas": [_GROUP], "displayName": visit.title(), "members": [{"value": each} for each in members]}
    return str(visit.ask("POST", "/Groups", body).must_be(201)["id"])
