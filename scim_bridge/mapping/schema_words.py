"""What an editor says of each key of a mapping, with its default, in the words of `docs/mapping.md`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "": "One connected tenant of an app: who gets what there. The file's name is the hub's id.",
    "app": "The adapter. Required.",
    "connect": "Where, and as whom: the adapter's own settings. Secrets only as env:NAME or file:/path.",
    "connect.fallback": "manual: what the app cannot do becomes a manual task instead of an error.",
    "limits": "Calls of all processes together. Default: the adapter's, for writes.",
    "limits.concurrency": "Calls at the same time.",
    "limits.rate": "Calls a second.",
    "limits.burst": "Calls that may come at once.",
    "scope": "A SCIM filter: nobody outside of it gets anything here. Default: everybody active.",
    "roles": "The seat roles in use, highest first: who comes out with several gets the first. Required.",
    "asset_roles": "The same for each type of asset.",
    "grants": "The rules. A person gets what every rule gives that holds: rules only add, in any order. Required.",
    "grants.name": "What plans and answers call this rule. Required, and unique in the file.",
    "grants.group": "A group's name, a pattern (* or {word}), {id: ...}, or a list of them: any of. A plain name holds "
    "on to its group when that is renamed.",
    "grants.group.id": "The bridge's id of the group (scim-bridge group list), or the source's externalId.",
    "grants.where": "A SCIM filter on the user's attributes; with group both must hold.",
    "grants.partner": "Another business inside the app, instead of a group.",
    "grants.partner.id": "The app's id of that business.",
    "grants.partner.name": "Its name, for people.",
    "grants.partner.owner": "The e-mail address of who answers for it here.",
    "grants.except": "A SCIM filter: who fits it gets nothing by this rule.",
    "grants.source": "The rule holds for users of this identity source only. Default: of every source.",
    "grants.until": "The last day that the rule holds, YYYY-MM-DD, UTC. Required with partner.",
    "grants.role": "The seat role that it gives.",
    "grants.assets": "type/name-or-id, or type/* for every asset of the type: the roles there. {word} comes from the "
    "pattern of the group. Without a role in this rule it waits for a rule that gives a seat.",
    "grants.hub_role": "What the person may do to the hub: owner, manager or collaborator.",
    "profile": "What the app is told of a person: target attribute: a template such as "
    '"{name.givenName} {name.familyName}", with the filters lower upper default local domain slug. Default: the '
    "adapter's.",
    "match": "Whose account is it: in order, the first hit wins. Default: the person's e-mails, then a userName that "
    "is an e-mail address.",
    "match.account": "The account's attribute.",
    "match.person": "The person's attribute, such as emails.value.",
    "match.review": "true only proposes. Forced where login or name is compared with anything but an e-mail address.",
    "leave": "What happens to those whose access ends; steps counted from that moment.",
    "leave.lost_access": "When no rule gives a seat any more. Default: [{after: 0, do: remove}]",
    "leave.disabled": "When somebody left the company. Default: [{after: 0, do: remove}]",
    "leave.after": "From the loss on. Until then everything stays; back in time, nothing happened.",
    "leave.do": "remove ends the seat, remove_assets takes assets only, suspend keeps the account, nothing waits.",
    "safety": "The brake. A key that is given replaces its default whole.",
    "safety.start": "plan gathers changes until scim-bridge apply; apply is live at once. Read once, when the hub is "
    "first seen. Default: plan",
    "safety.settle": "Wait until a person's changes have come to rest; leavers never wait. Default: 60s",
    "safety.max_removals": "Seats that may end in a sliding hour, the stricter of the two, from 5 accounts on; the "
    "rest is held. Default: {count: 10, percent: 20}",
    "safety.max_removals.count": "Seats.",
    "safety.max_removals.percent": "Of the accounts that are managed, without the % sign.",
    "safety.approve_roles": "Roles that an approval must come before. Default: none",
    "safety.keep_at_least": "Active holders of a role who must remain, by role. Default: {highest role: 1}",
    "safety.protect": "Logins or e-mails (* for any characters) that may gain and never lose. Default: none",
    "safety.ignore": "Accounts that are treated as if they did not exist; stands over everything. Default: none",
    "safety.unmanaged": "Accounts made by hand: report shows them, hold proposes to remove each. Default: report",
    "safety.drift": "Changes made by hand to ours: report shows them, fix brings back what was. Default: report",
    "safety.create_assets": "Types of assets that the bridge may create when a rule names one. Default: none",
    "login": "How a seat holder signs in. Default: sso",
    "login.method": "sso, or vault: the bridge keeps user name and password.",
    "login.mfa": "totp: the vault makes one-time codes, too.",
    "login.rotate": "How often the password is changed.",
    "check": "How often everything is read back from the app, 1m or more. Default: 24h",
    "environments": "By name of the setting `environment`: what is different there. Never who gets what.",
    "tests": "People, and what they must come out with: scim-bridge mapping test.",
    "tests.person": "A user by SCIM attributes; groups by display name or {id: ...}; active is true if not said.",
    "tests.person.groups": "Display names, or {id: ...} for rules by id.",
    "tests.source": "The identity source of the person, where rules ask for one. Default: one that no rule names",
    "tests.expect": "nothing; or role, because (a rule), assets, hub_role: only what is said is tested.",
    "tests.expect.role": "The seat role, or nothing.",
    "tests.expect.because": "A rule that gives the seat; without role, and with hub_role: one that gives the hub role.",
    "tests.expect.hub_role": "What the person may do to the hub: owner, manager, collaborator, or nothing.",
    "tests.expect.assets": "All assets and their roles, no more and no less.",
}
