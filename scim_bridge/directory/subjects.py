"""Users and groups as the journal names them: ``user:<SCIM id>``, ``group:<SCIM id>``."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa

from scim_bridge.db import Tx
from scim_bridge.directory.tables import DeletedEmail, DeletedUser, Group, User, UserEmail
from scim_bridge.folding import fold, name_key

_SUBJECT = re.compile(r"(?:user|group):[0-9a-f-]{36}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def find_subjects(tx: Tx, text: str) -> list[str]:
    """Everything that ``text`` may mean, deleted users included.

    A person (``p42``), a user's userName, e-mail address, SCIM id or externalId; a group's name, SCIM id or externalId;
    a subject as it is printed.
    """
    text = text.strip()
    key = fold(text)
    if _SUBJECT.fullmatch(key):
        return [key]
    if re.fullmatch(r"p[0-9]{1,9}", key):
        users = tx.execute(_OF_PERSON, {"person": int(key[1:])}).scalars()
        return sorted(f"user:{each}" for each in users)
    named = {"key": key, "text": text, "name": name_key(text)}
    found = {f"user:{each}" for each in tx.execute(_USERS, named).scalars()}
    found |= {f"group:{each}" for each in tx.execute(_GROUPS, named).scalars()}
    if not found and _ID.fullmatch(key):  # of a group that was deleted, perhaps
        found = {f"user:{key}", f"group:{key}"}
    return sorted(found)


def subject_names(tx: Tx, subjects: Iterable[str]) -> dict[str, str]:
    """The userName or the group's name of each; those that are gone are left out, or by their last name."""
    split = [each.partition(":") for each in set(subjects)]
    users = [id_ for kind, _, id_ in split if kind == "user"]
    groups = [id_ for kind, _, id_ in split if kind == "group"]
    deleted = sa.select(DeletedUser.scim_id, DeletedUser.user_name_key).where(DeletedUser.scim_id.in_(users))
    names = {f"user:{id_}": name for id_, name in tx.execute(deleted)}
    present = sa.select(User.scim_id, User.document).where(User.scim_id.in_(users))
    names |= {f"user:{id_}": str(document["userName"]) for id_, document in tx.execute(present)}
    named = sa.select(Group.scim_id, Group.display_name).where(Group.scim_id.in_(groups))
    return names | {f"group:{id_}": name for id_, name in tx.execute(named)}


def scim_id_of(tx: Tx, user_id: int) -> str:
    """The SCIM id of a user that is there."""
    found: str = tx.execute(sa.select(User.scim_id).where(User.id == user_id)).scalar_one()
    return found


_KEY: sa.BindParameter[str] = sa.bindparam("key")
_AS_TYPED: sa.BindParameter[str] = sa.bindparam("text")
_NAME: sa.BindParameter[str] = sa.bindparam("name")
_PERSON: sa.BindParameter[int] = sa.bindparam("person")
_OF_PERSON = sa.union(
    sa.select(User.scim_id).where(User.person_id == _PERSON),
    sa.select(DeletedUser.scim_id).where(DeletedUser.person_id == _PERSON),
)
_USERS = sa.union(  # userNames and addresses by an index each, externalIds (rarely asked) without
    sa.select(User.scim_id).where(User.user_name_key == _KEY),
    sa.select(User.scim_id).where(User.scim_id == _KEY),
    sa.select(User.scim_id).where(User.external_id == _AS_TYPED),
    sa.select(User.scim_id).join(UserEmail, UserEmail.user_id == User.id).where(UserEmail.value_key == _KEY),
    sa.select(DeletedUser.scim_id).where(DeletedUser.user_name_key == _KEY),
    sa.select(DeletedUser.scim_id).where(DeletedUser.scim_id == _KEY),
    sa.select(DeletedUser.scim_id)
    .join(DeletedEmail, DeletedEmail.deleted_user_id == DeletedUser.id)
    .where(DeletedEmail.value_key == _KEY),
)
_GROUPS = sa.select(Group.scim_id).where(
    sa.or_(Group.display_name_key == _NAME, Group.scim_id == _KEY, Group.external_id == _AS_TYPED)
)
