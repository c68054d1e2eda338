"""What proves that an app's lists were read to their end."""

from __future__ import annotations

import pytest

from scim_bridge.contract.proof import Proof
from scim_bridge.contract.state import Page


def page(
    number: int, *, items: int = 2, last: bool = False, pages: int | None = None, total: int | None = None
) -> Page:
    return Page("members", number, items, last, pages, total)


@pytest.mark.parametrize(
    ("pages", "lack"),
    [
        pytest.param([page(1, last=True)], None, id="one-page-with-its-end"),
        pytest.param([page(1), page(2, last=True)], None, id="two-pages"),
        pytest.param([page(1, pages=2), page(2, last=True)], None, id="as-many-pages-as-the-app-says"),
        pytest.param([page(1, total=4), page(2, last=True)], None, id="as-many-items-as-the-app-counts"),
        pytest.param([page(1, items=0, last=True, total=0)], None, id="an-empty-list"),
        pytest.param([page(1, pages=3), page(2, last=True, pages=2)], None, id="it-shrank-while-it-was-read"),
        pytest.param([page(1, total=3), page(2, last=True, total=4)], None, id="it-grew-while-it-was-read"),
        pytest.param([], "the adapter proved nothing", id="no-proof-at-all"),
        pytest.param([page(1)], "members: it broke off after page 1", id="no-end-marker"),
        pytest.param([page(1, pages=3), page(2, last=True)], "members: 2 of 3 pages came", id="too-few-pages"),
        pytest.param([page(1, total=9), page(2, last=True)], "members: 4 of 9 came", id="too-few-items"),
        pytest.param([page(1), page(3, last=True)], "members: page 2 is missing", id="a-page-was-left-out"),
        pytest.param([page(2, last=True)], "members: page 1 is missing", id="the-first-was-left-out"),
        pytest.param(
            [page(1, pages=2, last=True), Page("teams", 1, 0, is_last=True)],
            "members: 1 of 2 pages came",
            id="a-later-list-mends-nothing",
        ),
        pytest.param(
            [page(1), Page("teams", 1, 0, is_last=True), page(2, last=True)], None, id="lists-may-be-read-in-turns"
        ),
        pytest.param(
            [page(1, last=True, pages=2), page(1, last=True, total=3)],
            "members: 1 of 2 pages came",
            id="the-first-lack",
        ),
        pytest.param(
            [page(1, total=3, last=True), page(2, pages=3, last=True)],
            "members: 2 of 3 came",
            id="lack-stays",
        ),
        pytest.param([page(2), page(4, last=True)], "members: page 1 is missing", id="the-first-gap-is-told"),
    ],
)
def test_proof(pages: list[Page], lack: str | None) -> None:
    proof = Proof()
    for each in pages:
        proof.take(each)
    assert (proof.lack(), proof.pages) == (lack, len(pages))


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        pytest.param([], page(1, pages=40), "members, page 1 of 40", id="the-app-says-how-many"),
        pytest.param([], page(1), "members, page 1", id="it-does-not"),
        pytest.param([page(1, pages=40)], page(2, pages=40), "members, page 2 of 40", id="on-the-way"),
        pytest.param([page(1, pages=2)], page(2, last=True), "members, page 2 of 2", id="at-the-end"),
    ],
)
def test_how_far_it_is(before: list[Page], now: Page, words: str) -> None:
    proof = Proof()
    for each in before:
        proof.take(each)
    assert proof.step(now) == words
