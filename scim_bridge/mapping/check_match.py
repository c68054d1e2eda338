"""``match``: whose account is it. Pure.

Only an address that an identity source vouches for may link an account by itself. A nickname or a display name is
often the person's own to choose, and would take the director's account by being called so: such a rule proposes.
"""

from __future__ import annotations

from typing import Final

from scim_bridge.filters import InvalidFilter, parse_path
from scim_bridge.mapping.check_conditions import is_known
from scim_bridge.mapping.model import MatchRule
from scim_bridge.mapping.nodes import Node, Table
from scim_bridge.mapping.reader import Reader
from scim_bridge.spelling import did_you_mean

_ACCOUNT: Final = ("email", "login", "name")
_ADDRESSES: Final = ("emails", "emails.value")
_NAMED: Final = ("emails.value", "userName", "nickName", "displayName", "externalId", "name.formatted")


def read_match(reader: Reader, node: Node | None) -> tuple[MatchRule, ...]:
    """How accounts find their people; empty: by the person's e-mails, then a userName that is one."""
    if node is None:
        return ()
    found = (_read_rule(reader, item) for item in reader.items(node, "match"))
    return tuple(rule for rule in found if rule is not None)


def _read_rule(reader: Reader, node: Node) -> MatchRule | None:
    given = reader.fields(node, "match", ("account", "person", "review"))
    if not isinstance(node, Table):
        return None
    for key in ("account", "person"):
        if key not in given:
            reader.error(node.place, f"`match` needs `{key}`", "write {account: email, person: emails.value}")
    account = reader.word(given["account"], "match.account", _ACCOUNT) if "account" in given else None
    person = _read_person(reader, given["person"]) if "person" in given else None
    review = reader.truth(given["review"], "match.review") if "review" in given else None
    if account is None or person is None:
        return None
    is_forced = not (person in _ADDRESSES or (account == "email" and person == "userName"))
    if is_forced and review is False:
        reader.warn(
            given["review"].place,
            f"`match`: {account} against {person} only proposes: an address is not compared with an address",
            "remove review: false; `scim-bridge account list HUB` shows what is proposed",
        )
    return MatchRule(account, person, review=is_forced or bool(review))


def _read_person(reader: Reader, node: Node) -> str | None:
    """An attribute of the person, as filters name it."""
    text = reader.text(node, "match.person")
    if text is None:
        return None
    try:
        path = parse_path(text)
    except InvalidFilter as error:
        reader.refuse(node.place, "match.person", error)
        return None
    if path.where is not None or not is_known(reader.traits, path.attribute):
        reader.error(node.place, f'`match.person` cannot be "{text}"', did_you_mean(text, _NAMED))
        return None
    return next((name for name in (*_ADDRESSES, *_NAMED) if name.lower() == text.lower()), text)
