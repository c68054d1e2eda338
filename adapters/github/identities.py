"""From e-mail to login: what the organization's SAML identity provider vouches for.

GitHub's lists of members bear no address, so this is the one proof that needs no hand: one paged query for all,
never one a person. An identity whose person has not signed in yet has no login and is passed over. SAML on the
enterprise instead of the organization is not visible here: the provider is null, as without SAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from adapters.github.client import GithubClient, graphql_errors
from scim_bridge.contract.state import Alias, Page
from scim_bridge.errors import Transient

QUERY = """
query($org: String!, $after: String) {
  organization(login: $org) {
    samlIdentityProvider {
      externalIdentities(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        edges {
          node {
            guid
            samlIdentity { nameId emails { value } }
            scimIdentity { username emails { value } }
            user { login databaseId }
          }
        }
      }
    }
  }
}
"""
UNSEEN = {"FORBIDDEN", "INSUFFICIENT_SCOPES"}


def aliases(client: GithubClient) -> Iterator[Alias | Page]:
    """Every address that SAML links to an account; none where there is no SAML, or none that we may see."""
    after: str | None = None
    for number in count(1):
        page = _page(client, after)
        if page is None:
            return
        rows, after = page
        yield from rows
        yield Page("SAML identities", number, len(rows), is_last=after is None)
        if after is None:
            return


def is_visible(client: GithubClient) -> bool:
    """Whether the organization has SAML and lets us see its identities."""
    return _page(client, None) is not None


def _page(client: GithubClient, after: str | None) -> tuple[list[Alias], str | None] | None:
    """One page and the cursor of the next, None at the end; None altogether where there is no provider."""
    answer = client.graphql(QUERY, {"org": client.org_name, "after": after})
    errors = graphql_errors(answer)
    if errors and {error.get("type") for error in errors} <= UNSEEN:
        return None
    if errors:
        raise Transient(
            f"{answer.step}: GitHub could not list the SAML identities ({errors[0].get('type', 'no type')})",
            advice="the next check asks again",
        )
    return answer.read(_identities)


def _identities(data: Any) -> tuple[list[Alias], str | None] | None:
    provider = data["data"]["organization"]["samlIdentityProvider"]
    if provider is None:
        return None
    found = provider["externalIdentities"]
    rows = [alias for edge in found["edges"] for alias in _aliases(edge["node"])]
    info = found["pageInfo"]
    return rows, str(info["endCursor"]) if info["hasNextPage"] else None


def _aliases(node: Mapping[str, Any]) -> Iterator[Alias]:
    if node["user"] is None:
        return
    saml, scim = node.get("samlIdentity") or {}, node.get("scimIdentity") or {}
    addresses = [saml.get("nameId"), scim.get("username")]
    addresses += [email["value"] for identity in (saml, scim) for email in identity.get("emails") or []]
    distinct = {address.casefold(): address for address in reversed(addresses) if address and "@" in address}
    for address in reversed(distinct.values()):
        yield Alias(str(int(node["user"]["databaseId"])), address)
