"""What Entra ID sends, in both of its dialects (SCIM notes, section 2): people, groups, and how it finds them.

How it writes single attributes is in ``entra_values``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus
from uuid import uuid4

from scim_bridge.doctor.checks import Visit
from scim_bridge.doctor.dialects import EntraFamily, new_user
from scim_bridge.doctor.wire import need, need_list
from scim_bridge.local.entra import EntraClient

entra = EntraFamily()
_E = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_WORK = 'emails[type eq "work"].value'


@entra(
    "test_connection",
    "Test Connection asks for somebody with a random name; a job that gets 404 instead of an empty list is quarantined",
    advice="let GET with a filter through to the bridge: an empty list is 200, never 404",
)
def _test_connection(visit: Visit) -> None:
    for attribute in ("userName", "externalId", _WORK):
        need_list(visit.search("Users", f'{attribute} eq "{uuid4()}"'), total=0)
    need_list(visit.search("Groups", f'displayName eq "{uuid4()}"'), total=0)


@entra(
    "match_user",
    "each cycle matches people by userName, externalId or e-mail; whoever is not matched is made a second time",
    advice="let the query string through as it was sent: +, %20, %22 and %40 must arrive",
)
def _match_user(visit: Visit) -> None:
    name = visit.name()
    made = visit.legacy.create(name, "Ada", "Byron")
    external = made["externalId"]
    for text in (f'userName eq "{name}"', f'externalId eq "{external}"', f'{_WORK} eq "{name}"'):
        for encode in (quote, quote_plus):
            found = visit.search("Users", text, encode=encode)
            need_list(found, total=1)
            need(found["Resources"][0]["id"] == made["id"], f"{text} found somebody else")
    need_list(visit.search("Users", f'userName eq "{name}" and externalId eq "{external}"'), total=1)


@entra.both("create", "Entra posts null for what is unset, roles [], meta and, in the older dialect, active as text")
def _create(visit: Visit, client: EntraClient) -> None:
    name = visit.name()
    made = client.create(name, "Ada", "Byron", nickName=None, phoneNumbers=None)
    need(made.get("userName") == name, f"userName came back as {made.get('userName')!r}")
    need(made.get("active") is True, f"active came back as {made.get('active')!r}, not true")
    _has_no_null(made)
    need(visit.read(f"/Users/{made['id']}")["externalId"] == made["externalId"], "externalId did not stay")


@entra("created_inactive", "in the older dialect somebody who is switched off comes with active as the text False")
def _created_inactive(visit: Visit) -> None:
    made = visit.legacy.create(visit.name(), "Ada", "Byron", active="False")
    need(made.get("active") is False, f"active came back as {made.get('active')!r}: a leaver would get seats")


@entra("current_state", "before each update Entra reads the user; one who is gone must be 404 with an Error body")
def _current_state(visit: Visit) -> None:
    visit.ask("GET", f"/Users/{uuid4()}").must_be_error(404)


@entra.both("update", "Entra changes single attributes by path, by filter path, and as flat keys with dots and URNs")
def _update(visit: Visit, client: EntraClient) -> None:
    user_id, mail = new_user(visit), visit.name()
    client.update(
        user_id,
        {
            _WORK: mail,
            "displayName": "Countess",
            "name.givenName": "Augusta",
            "name.familyName": "King",
            f"{_E}:employeeNumber": "7",
            f"{_E}:department": "Engines",
        },
    )
    now = visit.read(f"/Users/{user_id}")
    need([each["value"] for each in now["emails"]] == [mail], "the e-mail address did not change")
    need(now["displayName"] == "Countess", "displayName did not change")
    need((now["name"]["givenName"], now["name"]["familyName"]) == ("Augusta", "King"), "the name did not change")
    need(now.get(_E, {}).get("employeeNumber") == "7", "employeeNumber did not change")
    need(now.get(_E, {}).get("department") == "Engines", "department did not change")
    need(_E in now["schemas"], "the enterprise extension is used, but not named in schemas")


@entra.both(
    "disable",
    "a leaver is a PATCH of active, in the older dialect to the text False; without effect leavers keep seats",
)
def _disable(visit: Visit, client: EntraClient) -> None:
    made = client.create(visit.name(), "Ada", "Byron")
    client.disable(made["id"])
    now = visit.read(f"/Users/{made['id']}")
    need(now.get("active") is False, f"the request was answered, but active is {now.get('active')!r}")
    found = client.match("Users", f'userName eq "{made["userName"]}"')
    need(found is not None and found["id"] == made["id"], "the disabled user is not found by userName")
    client.restore(made["id"])
    need(visit.read(f"/Users/{made['id']}").get("active") is True, "the restored user is not active")


@entra("hard_delete", "30 days after the soft delete the user is deleted; afterwards id and filter must find nobody")
def _hard_delete(visit: Visit) -> None:
    name = visit.name()
    first = visit.legacy.create(name, "Ada", "Byron")
    visit.legacy.delete(first["id"])
    visit.ask("GET", f"/Users/{first['id']}").must_be_error(404)
    need(visit.legacy.match("Users", f'userName eq "{name}"') is None, "the deleted user is still found by userName")
    again = visit.legacy.create(name, "Ada", "Byron")
    need(again["id"] != first["id"], "whoever was created anew got the deleted user's id")


@entra.both(
    "group_members",
    "members are added by value and leave one by one; read literally the older remove empties the group",
)
def _group_members(visit: Visit, client: EntraClient) -> None:
    first, second, third = new_user(visit), new_user(visit), new_user(visit)
    group_id = _group(visit, client, first, second, third)
    need(sorted(visit.members(group_id)) == sorted([first, second, third]), "not every member was added")
    client.remove_members(group_id, [second])
    now = visit.members(group_id)
    need(second not in now, "the removed member is still in the group")
    need(sorted(now) == sorted([first, third]), f"removing one member left {len(now)} of the two others")


@entra("group_match", "groups are matched by name without their members, which would be a dump with each cycle")
def _group_match(visit: Visit) -> None:
    title, member = visit.title(), new_user(visit)
    group_id = visit.legacy.push_group(title, [member])
    found = visit.legacy.match("Groups", f'displayName eq "{title}"', "&excludedAttributes=members")
    need(found is not None and found["id"] == group_id, "the group is not found by its name")
    need(found is not None and "members" not in found, "members came along though excludedAttributes names them")
    one = visit.read(f"/Groups/{group_id}?excludedAttributes=members")
    need("members" not in one, "members came along though excludedAttributes names them")


@entra.both("group_rename", "a rename names displayName alone; the members must stay")
def _group_rename(visit: Visit, client: EntraClient) -> None:
    title, member = visit.title(), new_user(visit)
    group_id = _group(visit, client, member)
    client.rename_group(group_id, title)
    need(visit.read(f"/Groups/{group_id}")["displayName"] == title, "the new name did not stay")
    need(visit.members(group_id) == [member], "the rename emptied the group: everybody in it would lose access")


@entra("reference_check", "before it changes a manager or a member Entra asks whether the reference is there already")
def _reference_check(visit: Visit) -> None:
    boss, user_id, other = new_user(visit), new_user(visit), new_user(visit)
    visit.legacy.add(user_id, {f"{_E}:manager": boss})
    group_id = _group(visit, visit.legacy, user_id)
    for kind, owner, name, there in (("Users", user_id, "manager", boss), ("Groups", group_id, "members", user_id)):
        for value, total in ((there, 1), (other, 0)):
            terms = [f'id eq "{owner}"', f'{name} eq "{value}"']
            for text in (" and ".join(terms), " and ".join(reversed(terms))):
                need_list(visit.search(kind, text, more="&attributes=id"), total=total)


@entra(
    "discovery",
    "Entra reads /Schemas when the provisioning page is opened; a null, or no Group schema, and the page stays empty",
    advice="let /Schemas, /ResourceTypes and /ServiceProviderConfig through, too",
)
def _discovery(visit: Visit) -> None:
    found = visit.read("/Schemas")
    need_list(found)
    _has_no_null(found)
    known = {each["id"] for each in found["Resources"]}
    for urn in ("urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group", _E):
        need(urn in known, f"/Schemas has no {urn}")


@entra(
    "no_operations",
    "an older validator of Microsoft's sends a PATCH without operations: 2xx or 400, never an error of ours",
)
def _no_operations(visit: Visit) -> None:
    visit.patch(f"/Users/{new_user(visit)}").must_be(200, 204, 400)


@entra("unknown_query", "the flag of the tenant URL stays in the query string of every request")
def _unknown_query(visit: Visit) -> None:
    need(visit.flagged.match("Users", f'userName eq "{uuid4()}"') is None, "a random name was found")
    need_list(visit.read("/Users?aadOptscim062020&AzureAdScimPatch2017&count=1"))


@entra("paging", "Entra's validator reads 11 users in pages of five, and wants to see the startIndex that it asked for")
def _paging(visit: Visit) -> None:
    made = {new_user(visit) for _ in range(11)}
    visit.walk(made, count=5)


@entra(
    "bad_token", "a token that is none must be 401: Entra then quarantines the job at once and tells its administrator"
)
def _bad_token(visit: Visit) -> None:
    visit.ask("GET", "/Users?count=1", Authorization="Bearer none").must_be_error(401)


def _has_no_null(value: Any) -> None:
    if isinstance(value, dict):
        for part in value.values():
            need(part is not None, "there is a null in the answer")
            _has_no_null(part)
    elif isinstance(value, list):
        for part in value:
            _has_no_null(part)


def _group(visit: Visit, client: EntraClient, *members: str) -> str:
    group_id = client.create_group(visit.title())
    client.add_members(group_id, list(members))
    return group_id
