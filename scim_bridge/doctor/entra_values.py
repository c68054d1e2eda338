"""How Entra ID writes single attributes (SCIM notes, sections 2.3 to 2.6): filter paths, manager, roles, nothing."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from scim_bridge.doctor.checks import Visit
from scim_bridge.doctor.dialects import EntraFamily, new_user
from scim_bridge.doctor.wire import need
from scim_bridge.local.entra import EntraClient

values = EntraFamily()
_E = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@values.both("add_by_filter_path", "an attribute that was unset comes as Add through a filter that matches nothing yet")
def _add_by_filter_path(visit: Visit, client: EntraClient) -> None:
    user_id = new_user(visit)
    client.add(
        user_id,
        {
            'addresses[type eq "work"].country': "GB",
            'addresses[type eq "work"].locality': "London",
            'phoneNumbers[type eq "mobile"].value': "+44 20 7946 0000",
            'emails[type eq "other"].value': f"other.{visit.name()}",
        },
    )
    now = visit.read(f"/Users/{user_id}")
    addresses = now.get("addresses", [])
    need(len(addresses) == 1, f"two paths with the same filter made {len(addresses)} addresses instead of one")
    wanted = {"type": "work", "country": "GB", "locality": "London"}
    need(addresses[0] == {**addresses[0], **wanted}, "the address did not get what was added to it")
    mobile = [(each.get("type"), each["value"]) for each in now.get("phoneNumbers", [])]
    need(mobile == [("mobile", "+44 20 7946 0000")], f"the phone number came back as {mobile!r}")
    client.add(user_id, {'phoneNumbers[type eq "mobile"].value': "+44 20 7946 0001"})
    phones = [each["value"] for each in visit.read(f"/Users/{user_id}").get("phoneNumbers", [])]
    need(phones == ["+44 20 7946 0001"], "a second Add did not change the element that was there")


@values.both(
    "replace_by_filter_path",
    "a Replace through a filter that matches nothing must make the element, or the value is lost",
)
def _replace_by_filter_path(visit: Visit, client: EntraClient) -> None:
    user_id = new_user(visit)
    client.update(user_id, {'phoneNumbers[type eq "work"].value': "+44 20 7946 0000"})
    phones = [each["value"] for each in visit.read(f"/Users/{user_id}").get("phoneNumbers", [])]
    need(phones == ["+44 20 7946 0000"], "the phone number was not made")


@values("remove_by_filter_path", "a Remove may carry the old value along; it must remove, not write")
def _remove_by_filter_path(visit: Visit) -> None:
    user_id = new_user(visit)
    path = 'phoneNumbers[type eq "mobile"].value'
    visit.legacy.add(user_id, {path: "+44 20 7946 0000"})
    visit.legacy.remove(user_id, path, "+44 20 7946 0000")
    found = [each.get("value") for each in visit.read(f"/Users/{user_id}").get("phoneNumbers", [])]
    need(not any(found), "the removed phone number is still there")


@values.both("every_default_attribute", "each attribute of Entra's default mapping must read back as it was sent")
def _every_default_attribute(visit: Visit, client: EntraClient) -> None:
    user_id, external = new_user(visit), str(uuid4())
    plain = {"title": "Countess", "preferredLanguage": "en-GB", "externalId": external, "nickName": "Ada"}
    enterprise = {"employeeNumber": "7", "department": "Engines"}
    address = {"streetAddress": "1 St James's Square", "postalCode": "SW1Y 4LE", "region": "London"}
    numbers = {kind: f"+44 20 7946 000{index}" for index, kind in enumerate(("work", "mobile", "fax"))}
    sent: dict[str, Any] = dict(plain)
    sent |= {f"{_E}:{key}": value for key, value in enterprise.items()}
    sent |= {f'addresses[type eq "work"].{key}': value for key, value in address.items()}
    sent |= {f'phoneNumbers[type eq "{kind}"].value': value for kind, value in numbers.items()}
    sent |= {'addresses[type eq "other"].formatted': "Marylebone", "name.formatted": "Lady Lovelace"}
    client.update(user_id, sent)
    now = visit.read(f"/Users/{user_id}")
    for key, value in plain.items():
        need(now.get(key) == value, f"{key} reads back as {now.get(key)!r}")
    for key, value in enterprise.items():
        need(now.get(_E, {}).get(key) == value, f"{key} reads back as {now.get(_E, {}).get(key)!r}")
    phones = {each.get("type"): each.get("value") for each in now.get("phoneNumbers", [])}
    need(phones == numbers, f"phoneNumbers read back as {phones!r}")
    places = {each.get("type"): each for each in now.get("addresses", [])}
    need(places["work"] == {**places["work"], **address}, f"the work address reads back as {places['work']!r}")
    need(places["other"]["formatted"] == "Marylebone", "the other address did not stay")
    need(now["name"]["formatted"] == "Lady Lovelace", "name.formatted did not stay")


@values.both(
    "manager", "the manager comes as plain text and must read back as an object, or Entra cannot read the user any more"
)
def _manager(visit: Visit, client: EntraClient) -> None:
    boss, user_id = new_user(visit), new_user(visit)
    client.add(user_id, {f"{_E}:manager": boss})
    _is_manager(visit, user_id, boss)
    nobody = str(uuid4())
    client.update(user_id, {f"{_E}:manager": nobody})  # may come before the manager does
    _is_manager(visit, user_id, nobody)
    client.update(user_id, {f"{_E}:manager": ""})
    need("manager" not in visit.read(f"/Users/{user_id}").get(_E, {}), "an empty value did not remove the manager")
    client.add(user_id, {f"{_E}:manager": boss})
    client.remove(user_id, f"{_E}:manager")
    need("manager" not in visit.read(f"/Users/{user_id}").get(_E, {}), "Remove did not remove the manager")


@values(
    "manager_in_create",
    "the manager comes as plain text in a create, too; an older sample sends a list to path manager",
)
def _manager_in_create(visit: Visit) -> None:
    boss = new_user(visit)
    made = visit.legacy.create(visit.name(), "Ada", "Byron", **{_E: {"manager": boss}})
    _is_manager(visit, made["id"], boss)
    other = new_user(visit)
    sample = {"op": "Add", "path": "manager", "value": [{"$ref": f"../Users/{boss}", "value": boss}]}
    visit.patch(f"/Users/{other}", sample).must_be(200, 204)
    _is_manager(visit, other, boss)


@values.both("one_role", "SingleAppRoleAssignment compares primary with the text True; rules read its role")
def _one_role(visit: Visit, client: EntraClient) -> None:
    user_id = new_user(visit)
    client.add(user_id, {'roles[primary eq "True"].value': "Admin"})
    _has_roles(visit, user_id, "Admin")


@values("roles_in_create", "roles come in a create as objects whose type is Entra's own; none may be refused or lost")
def _roles_in_create(visit: Visit) -> None:
    kind = "WindowsAzureActiveDirectoryRole"
    one = visit.legacy.create(visit.name(), "Ada", "B", roles=[{"primary": True, "type": kind, "value": "Admin"}])
    _has_roles(visit, one["id"], "Admin")
    many = [{"primary": False, "type": kind, "displayName": each, "value": each} for each in ("Admin", "User")]
    two = visit.legacy.create(visit.name(), "Ada", "B", roles=many)
    _has_roles(visit, two["id"], "Admin", "User")


@values("roles_as_text", "AppRoleAssignmentsComplex sends each role as JSON inside a text; rules read the value in it")
def _roles_as_text(visit: Visit) -> None:
    user_id = new_user(visit)
    for name in ("Admin", "User"):
        text = json.dumps({"id": str(uuid4()), "value": name, "displayName": name})
        visit.legacy.add(user_id, {"roles": [{"value": text}]})
    _has_roles(visit, user_id, "Admin", "User")


@values.both("roles_replaced", "AssertiveAppRoleAssignmentsComplex sends the whole list: a role left out is gone")
def _roles_replaced(visit: Visit, client: EntraClient) -> None:
    kind = "WindowsAzureActiveDirectoryRole"
    roles = [{"primary": False, "type": kind, "display": name, "value": name} for name in ("Admin", "User")]
    user_id = str(client.create(visit.name(), "Ada", "Byron", roles=roles)["id"])
    client.update(user_id, {"roles": roles[1:]})
    _has_roles(visit, user_id, "User")


@values.both(
    "null_update", "an attribute that was emptied in Entra is replaced by an empty text or null, by every kind of path"
)
def _null_update(visit: Visit, client: EntraClient) -> None:
    for empty in ("", None):
        user_id = new_user(visit)
        paths = ("title", "nickName", 'phoneNumbers[type eq "work"].value', f"{_E}:department")
        client.add(user_id, dict.fromkeys(paths, "x"))
        client.update(user_id, dict.fromkeys(paths, empty))
        now = visit.read(f"/Users/{user_id}")
        phones = [each.get("value") for each in now.get("phoneNumbers", [])]
        left = [now.get("title"), now.get("nickName"), now.get(_E, {}).get("department"), *phones]
        need(not any(left), f"an attribute that was replaced by {empty!r} kept its value")


@values("one_primary", "Entra's validator sets primary of several e-mail addresses in one PATCH; one may be left")
def _one_primary(visit: Visit) -> None:
    user_id = new_user(visit)
    sent: dict[str, Any] = {}
    for kind in ("work", "home", "other"):
        sent |= {
            f'emails[type eq "{kind}"].value': visit.name(),
            f'emails[type eq "{kind}"].display': kind,
            f'emails[type eq "{kind}"].primary': kind == "home",
        }
    visit.legacy.update(user_id, sent)
    emails = visit.read(f"/Users/{user_id}")["emails"]
    need(len(emails) == 3, f"three e-mail addresses were sent, {len(emails)} are there")
    primary = [each.get("type") for each in emails if each.get("primary") is True]
    need(primary == ["home"], f"primary are {primary!r} instead of the one that was set")


def _is_manager(visit: Visit, user_id: str, boss: str) -> None:
    manager = visit.read(f"/Users/{user_id}").get(_E, {}).get("manager")
    need(isinstance(manager, dict) and manager.get("value") == boss, f"the manager reads back as {manager!r}")


def _has_roles(visit: Visit, user_id: str, *wanted: str) -> None:
    found = [each.get("value") for each in visit.read(f"/Users/{user_id}").get("roles", [])]
    need(sorted(map(str, found)) == sorted(wanted), f"the roles read back as {found!r} instead of {list(wanted)!r}")
