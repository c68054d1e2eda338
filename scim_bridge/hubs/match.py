"""Whose account is it? Pure: rules in order, each compares an attribute of accounts with one of people.

    a rule finds                     | the account is
    ---------------------------------+------------------------------------------------------------
    one person, by an e-mail address | linked
    one person, by anything else     | proposed, as with `review: true`: a person accepts or refuses
    two people or more               | nobody's, and no weaker rule is asked
    nobody                           | what the next rule says

Logins and names are not proof: whoever may choose a login could choose the director's nickname. One address that
points to two people points to nobody: a wrong link takes a stranger's seat away, a missing one is shown and mended
by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROVES_BY_ITSELF = ("email", "id")
"""Attributes of an account that nobody can choose: the app vouches for the one and gives the other."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``account``: ``email``, ``login``, ``name`` or ``id``; ``person``: an attribute's path (``emails.value``)."""

    account: str
    person: str
    review: bool = False

    def __str__(self) -> str:
        return f"{self.account} = {self.person}"


DEFAULT = (Rule("email", "emails.value"), Rule("email", "userName"))
"""What holds where a mapping says nothing: the person's e-mails, then a userName that is one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Rule number ``rule`` finds that an account and a person have the same ``value``."""

    rule: int
    account_id: int
    person_id: int
    value: str


@dataclass(frozen=True, slots=True)
class Match:
    """Whose an account is: surely, or only perhaps; ``rule`` is the number of the rule that says so."""

    person_id: int
    is_sure: bool
    rule: int


def match(
    rules: Sequence[Rule], hits: Iterable[Hit], refused: Collection[tuple[int, int]] = frozenset()
) -> Mapping[int, Match]:
    """Which account is whose, out of everything that the rules hit; the order of the hits does not matter.

    ``refused``: ``(account, person)`` of which a person said no; they count as if they had not been hit.
    """
    first: dict[int, list[Hit]] = {}
    for hit in hits:
        if (hit.account_id, hit.person_id) in refused:
            continue
        known = first.get(hit.account_id)
        if known is None or hit.rule < known[0].rule:
            first[hit.account_id] = [hit]
        elif hit.rule == known[0].rule:
            known.append(hit)
    return {
        account_id: Match(best[0].person_id, any(_proves(rules[one.rule], one.value) for one in best), best[0].rule)
        for account_id, best in first.items()
        if len({one.person_id for one in best}) == 1
    }


def _proves(rule: Rule, value: str) -> bool:
    return not rule.review and (rule.account in PROVES_BY_ITSELF or is_address(value))


def is_address(text: str) -> bool:
    """Whether a text is an e-mail address, as far as looks go."""
    local, at, domain = text.rpartition("@")
    return bool(at and local and "." in domain and not any(char.isspace() for char in text))


def values_at(document: Mapping[str, Any], path: str) -> list[str]:
    """The texts at a path of a SCIM document: ``nickName``, ``name.formatted``, ``emails.value``, ``urn:...:User:x``.

    Names ignore case; of a complex attribute without a sub-attribute it is the ``value``. Empty texts are left out.
    """
    urn, colon, rest = path.rpartition(":")
    steps = [*([urn] if colon else []), *rest.split(".")]
    found: list[Any] = [document]
    for step in steps:
        found = [value for one in found for value in _below(one, step)]
    leaves = [one.get("value") if isinstance(one, Mapping) else one for one in found]
    return [str(leaf) for leaf in leaves if isinstance(leaf, str | int) and not isinstance(leaf, bool) and leaf != ""]


def _below(value: Any, name: str) -> list[Any]:
    if not isinstance(value, Mapping):
        return []
    key = next((key for key in value if key.casefold() == name.casefold()), None)
    below = value[key] if key is not None else []
    return list(below) if isinstance(below, list) else [below]
