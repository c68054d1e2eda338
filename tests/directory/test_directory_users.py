"""Users and people: who is the same human, what a write leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from databases import NOON, sent

from scim_bridge.audit.tables import AuditRow
from scim_bridge.db import Database, Tx
from scim_bridge.directory import people, users
from scim_bridge.directory.people import find_people, load_people
from scim_bridge.directory.snapshot import PersonFact, UserFact
from scim_bridge.directory.sources import SourceRef
from scim_bridge.directory.tables import DeletedUser, Person, PersonChange, User, UserEmail
from scim_bridge.directory.users import StoredUser, UserNameTaken
from scim_bridge.errors import InvalidInput, NotFound


def document(name: str = "ada@x.org", **more: Any) -> dict[str, Any]:
    return {"schemas": [], "userName": name, "active": True, **more}


def email(value: str, **more: Any) -> dict[str, Any]:
    return {"value": value, **more}


def create(db: Database, source: SourceRef, **body: Any) -> StoredUser:
    with db.write() as tx:
        return users.create_user(tx, source, document(**body), now=NOON)


def change(db: Database, source: SourceRef, user: StoredUser, *, linked: bool = False, **body: Any) -> StoredUser:
    def is_linked(tx: Tx, person_id: int) -> bool:
        return linked

    with db.write() as tx:
        stored = users.get_user(tx, source.id, user.scim_id, lock=True)
        new = {**stored.document, **body}
        return users.change_user(tx, source, stored, new, now=NOON, is_linked=is_linked)


def delete(db: Database, source: SourceRef, user: StoredUser) -> None:
    with db.write() as tx:
        users.delete_user(tx, source, user.scim_id, now=NOON)


def attention(db: Database, person_id: int) -> str | None:
    with db.read() as tx:
        return tx.execute(sa.select(Person.attention).where(Person.id == person_id)).scalar_one()


def generations(db: Database, person_id: int) -> tuple[int, int]:
    """The person's generation and that of its change row."""
    with db.read() as tx:
        row = tx.execute(
            sa.select(Person.generation, PersonChange.generation)
            .join(PersonChange, PersonChange.person_id == Person.id)
            .where(Person.id == person_id)
        ).one()
        return row[0], row[1]


def audit(db: Database) -> list[tuple[str, Any]]:
    with db.read() as tx:
        rows = tx.execute(sa.select(AuditRow.action, AuditRow.detail).order_by(AuditRow.id))
        return [(action, detail) for action, detail in rows if action.startswith("user.")]


def test_users_of_two_sources_join_over_the_primary_address(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    first = create(db, okta, name="a1", emails=[email("other@x.org"), email("Ada@X.org", primary=True)])
    second = create(db, entra, name="a2", emails=[email("ada@x.org")])
    assert first.person_id == second.person_id


def test_a_user_name_with_an_at_sign_joins_where_there_is_no_address(
    db: Database, okta: SourceRef, entra: SourceRef
) -> None:
    assert create(db, okta, name="ADA@x.org").person_id == create(db, entra, name="ada@x.org").person_id
    assert create(db, okta, name="bob").person_id != create(db, entra, name="bob").person_id


def test_users_of_one_source_never_join(db: Database, okta: SourceRef) -> None:
    same = [email("team@x.org")]
    assert create(db, okta, name="a", emails=same).person_id != create(db, okta, name="b", emails=same).person_id


def test_a_source_may_stay_apart(db: Database, okta: SourceRef, apart: SourceRef) -> None:
    assert create(db, okta).person_id != create(db, apart).person_id
    assert create(db, apart, name="bob@x.org").person_id != create(db, okta, name="bob@x.org").person_id


def test_two_people_with_one_address_are_never_merged(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    same = [email("team@x.org")]
    two = {create(db, okta, name="a", emails=same).person_id, create(db, okta, name="b", emails=same).person_id}
    third = create(db, entra, name="c", emails=same).person_id
    assert third not in two
    assert "was not joined" in str(attention(db, third))
    assert "team@x.org" not in str(attention(db, third))


def test_a_person_that_has_a_user_of_the_source_takes_no_second(
    db: Database, okta: SourceRef, entra: SourceRef
) -> None:
    first = create(db, okta, name="a@x.org")
    create(db, entra, name="a@x.org")
    second = create(db, okta, name="b", emails=[email("a@x.org")])
    assert second.person_id != first.person_id
    assert attention(db, second.person_id) is not None


def test_whoever_comes_back_is_the_same_person(db: Database, okta: SourceRef) -> None:
    first = create(db, okta, externalId="E1")
    delete(db, okta, first)
    again = create(db, okta, externalId="E1")
    assert (again.person_id, again.scim_id != first.scim_id) == (first.person_id, True)
    with db.read() as tx:
        assert tx.execute(sa.select(DeletedUser)).all() == []


def test_coming_back_needs_the_address_or_the_name_as_well(db: Database, okta: SourceRef) -> None:
    first = create(db, okta, name="a", externalId="E1", emails=[email("a@x.org")])
    delete(db, okta, first)
    assert create(db, okta, name="b", externalId="E1").person_id != first.person_id
    assert create(db, okta, name="c", externalId="E1", emails=[email("A@x.org")]).person_id == first.person_id


def test_coming_back_is_within_the_source(db: Database, okta: SourceRef, apart: SourceRef) -> None:
    first = create(db, okta, externalId="E1")
    delete(db, okta, first)
    assert create(db, apart, externalId="E1").person_id != first.person_id


def test_a_changed_address_joins_whoever_is_alone_and_unlinked(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    ada = create(db, okta, name="ada@x.org")
    new = create(db, entra, name="tmp")
    moved = change(db, entra, new, emails=[email("ada@x.org")])
    assert moved.person_id == ada.person_id
    assert generations(db, new.person_id) == (2, 2)
    assert generations(db, ada.person_id) == (2, 2)


def test_a_changed_address_never_takes_over_an_account(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    director = create(db, okta, name="director@x.org")
    new = create(db, entra, name="tmp")
    stayed = change(db, entra, new, linked=True, emails=[email("director@x.org")])
    assert stayed.person_id == new.person_id != director.person_id
    assert f"p{director.person_id}" in str(attention(db, new.person_id))
    change(db, entra, new, linked=True, emails=[email("tmp@x.org")])
    assert attention(db, new.person_id) is None


def test_a_changed_address_of_one_of_two_users_does_not_move_it(
    db: Database, okta: SourceRef, entra: SourceRef
) -> None:
    create(db, okta, name="ada@x.org")
    second = create(db, entra, name="ada@x.org")
    other = create(db, okta, name="bob@x.org")
    assert change(db, entra, second, emails=[email("bob@x.org")]).person_id == second.person_id != other.person_id


def test_attention_goes_when_the_address_no_longer_meets(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    create(db, okta, name="ada", emails=[email("a@x.org")])
    create(db, entra, name="ada", emails=[email("a@x.org")])
    third = create(db, okta, name="third", emails=[email("a@x.org")])
    assert attention(db, third.person_id) is not None
    change(db, okta, third, emails=[email("third@x.org")])
    assert attention(db, third.person_id) is None


def test_attention_goes_when_the_other_moves_or_is_deleted(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    first = create(db, okta, name="ada", emails=[email("a@x.org")])
    other = create(db, entra, name="ada", emails=[email("a@x.org")])
    third = create(db, okta, name="third", emails=[email("a@x.org")])
    delete(db, okta, first)
    assert attention(db, third.person_id) is not None
    change(db, entra, other, emails=[email("other@x.org")])
    assert attention(db, third.person_id) is None


def test_the_audit_says_that_somebody_must_look_without_names(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    create(db, okta, name="ada", emails=[email("a@x.org")])
    create(db, entra, name="ada", emails=[email("a@x.org")])
    third = create(db, okta, name="third", emails=[email("a@x.org")])
    change(db, okta, third, emails=[email("third@x.org")])
    change(db, okta, third, emails=[email("a@x.org")])
    assert audit(db)[2:] == [
        ("user.created", {"person": "new", "active": True, "attention": "same_address"}),
        ("user.changed", {"attributes": ["emails"]}),
        ("user.changed", {"attributes": ["emails"], "attention": "same_address"}),
    ]


def test_a_write_raises_the_generation_and_leaves_one_row(db: Database, okta: SourceRef) -> None:
    user = create(db, okta)
    assert generations(db, user.person_id) == (1, 1)
    change(db, okta, user, title="x")
    change(db, okta, user, title="y")
    assert generations(db, user.person_id) == (3, 3)


def test_a_write_that_changes_nothing_leaves_nothing(db: Database, okta: SourceRef) -> None:
    user = create(db, okta)
    assert change(db, okta, user, userName="ada@x.org").version == 1
    assert generations(db, user.person_id) == (1, 1)
    assert [action for action, _ in audit(db)] == ["user.created"]


def test_the_audit_tells_what_happened_without_names(db: Database, okta: SourceRef) -> None:
    user = create(db, okta)
    change(db, okta, user, active=False)
    change(db, okta, user, active=True)
    change(db, okta, user, title="Countess")
    delete(db, okta, user)
    assert audit(db) == [
        ("user.created", {"person": "new", "active": True}),
        ("user.deactivated", {"attributes": ["active"]}),
        ("user.reactivated", {"attributes": ["active"]}),
        ("user.changed", {"attributes": ["title"]}),
        ("user.deleted", {"groups": 0}),
    ]


def test_a_taken_user_name_is_refused_in_any_case(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    create(db, okta, name="straße")
    with pytest.raises(UserNameTaken):
        create(db, okta, name="STRASSE")
    create(db, entra, name="straße")
    other = create(db, okta, name="b")
    with pytest.raises(UserNameTaken):
        change(db, okta, other, userName="Straße")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "ß" * 300},
        {"externalId": "x" * 513},
        {"displayName": "x" * 513},
        {"emails": [{"value": "x" * 513}]},
        {"emails": [{"value": "x", "type": "x" * 101}]},
    ],
)
def test_keys_that_do_not_fit_are_refused(db: Database, okta: SourceRef, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        create(db, okta, **body)


def test_users_of_others_are_not_there(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    user = create(db, okta)
    with db.read() as tx, pytest.raises(NotFound):
        users.get_user(tx, entra.id, user.scim_id)


def test_addresses_follow_the_document(db: Database, okta: SourceRef) -> None:
    user = create(db, okta, emails=[email("A@x.org", type="Work", primary=True), {"type": "home"}])
    with db.read() as tx:
        assert tx.execute(sa.select(UserEmail.value_key, UserEmail.type_key, UserEmail.is_primary)).all() == [
            ("a@x.org", "work", True)
        ]
    change(db, okta, user, emails=[])
    with db.read() as tx:
        assert tx.execute(sa.select(UserEmail.value_key)).all() == []


def test_people_are_read_with_a_constant_number_of_statements(db: Database, okta: SourceRef) -> None:
    ids = [create(db, okta, name=f"u{number}").person_id for number in range(30)]
    with db.read() as tx:
        load_people(tx, ids[:1])  # opens the transaction
        with sent(tx) as seen:
            found = load_people(tx, ids)
    assert (len(found), len(seen)) == (30, 2)


def test_what_is_read_in_one_moment_stands_still(db: Database, okta: SourceRef) -> None:
    count = sa.select(sa.func.count()).select_from(User)
    with db.moment() as tx:
        before = tx.scalar(count)
        create(db, okta)
        assert tx.scalar(count) == before
    with db.moment() as tx:
        assert tx.scalar(count) == before + 1


def test_a_person_without_users_is_a_leaver(db: Database, okta: SourceRef) -> None:
    user = create(db, okta)
    delete(db, okta, user)
    with db.read() as tx:
        assert load_people(tx, [user.person_id, 999_999]) == {user.person_id: PersonFact(user.person_id)}
        assert load_people(tx, []) == {}
    assert PersonFact(1).is_disabled


def test_a_person_is_disabled_when_every_user_is() -> None:
    active, inactive = (UserFact(1, 1, "okta", flag, {}) for flag in (True, False))
    assert not PersonFact(1, (inactive, active)).is_disabled
    assert PersonFact(1, (inactive,)).is_disabled


def test_people_are_found_by_id_name_or_address(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    user = create(db, okta, name="Ada", emails=[email("ada@x.org")])
    create(db, entra, name="lovelace", emails=[email("ada@x.org")], active=False)
    view = people.PersonView(user.person_id, ("Ada", "lovelace"), ("okta", "entra"), True)
    with db.read() as tx:
        for text in (f"p{user.person_id}", f"P{user.person_id}", "ADA", " ada@X.org ", "lovelace"):
            assert find_people(tx, text) == [view]
        assert find_people(tx, "nobody") == find_people(tx, "p99999") == []


def test_people_are_found_by_the_scim_id_of_a_user(db: Database, okta: SourceRef) -> None:
    user = create(db, okta, name="Ada")
    with db.read() as tx:
        assert [found.id for found in find_people(tx, user.scim_id.upper())] == [user.person_id]


def test_a_leaver_is_found_after_the_last_user_is_deleted(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    user = create(db, okta, name="Ada", emails=[email("ada@x.org"), email("ADA@x.org")])
    second = create(db, entra, name="lovelace", emails=[email("ada@x.org")])
    delete(db, okta, user)
    delete(db, entra, second)
    view = people.PersonView(user.person_id, ("ada", "lovelace"), ("okta", "entra"), False)
    with db.read() as tx:
        for text in (f"p{user.person_id}", "ADA", "ada@x.org", "Lovelace", user.scim_id, second.scim_id):
            assert find_people(tx, text) == [view]
        assert people.user_names(tx, [user.person_id, 999_999]) == {user.person_id: "lovelace"}


def test_a_deleted_name_leads_to_the_person_who_is_still_there(db: Database, okta: SourceRef, entra: SourceRef) -> None:
    user = create(db, okta, name="Ada", emails=[email("ada@x.org")])
    create(db, entra, name="Lovelace", emails=[email("ada@x.org")])
    delete(db, okta, user)
    with db.read() as tx:
        assert find_people(tx, "ada") == [people.PersonView(user.person_id, ("Lovelace",), ("entra",), True)]
