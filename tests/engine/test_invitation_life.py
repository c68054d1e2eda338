"""An invitation of ours, from before its call to the day nobody waits for it any more."""

from __future__ import annotations

from engine_kit import World


def test_a_push_invites_with_role_and_assets(live: World) -> None:
    ana = live.push("ana", "Staff", "Core")
    live.run()
    assert live.calls() == [("invite", "ana@acme.example", "member", "core")]
    assert live.ours(ana) == {("seat", "member"), ("team/7", "member")}
    assert live.tasks() == [("invite", "seat", "done")]
    assert live.invitations() == ["pending"]


def test_the_same_push_again_calls_nothing(live: World) -> None:
    live.push("ana", "Staff", "Core")
    live.run()
    live.calls()
    live.push("ana", "Staff", "Core")
    live.run()
    assert live.calls() == []
