"""May a reading say that something is gone?"""

from __future__ import annotations

import pytest

from scim_bridge.hubs.trust import Baseline, Doubt, doubt, on_a_word, untrusted

CUT = "members: it broke off after page 3"


@pytest.mark.parametrize(
    ("lack", "accounts", "before", "kind"),
    [
        pytest.param(None, 0, Baseline(), None, id="the-first-reading-has-nothing-to-compare"),
        pytest.param(None, 100, Baseline(100), None, id="as-many-as-before"),
        pytest.param(None, 150, Baseline(100), None, id="more-than-before"),
        pytest.param(None, 80, Baseline(100), None, id="a-fifth-less-is-believed"),
        pytest.param(None, 79, Baseline(100), "shrunken", id="more-than-a-fifth-less-is-not"),
        pytest.param(None, 0, Baseline(100), "shrunken", id="nobody-left"),
        pytest.param(None, 60, Baseline(100, taken=30), None, id="those-we-took-away-are-not-missed"),
        pytest.param(None, 55, Baseline(100, taken=30), "shrunken", id="others-are"),
        pytest.param(None, 4, Baseline(5), None, id="five-accounts-count"),
        pytest.param(None, 3, Baseline(5), "shrunken", id="five-accounts-and-two-less"),
        pytest.param(None, 0, Baseline(4), None, id="four-are-too-few-to-say"),
        pytest.param(None, 0, Baseline(100, taken=96), None, id="four-are-left-to-expect"),
        pytest.param(None, 0, Baseline(3, taken=9), None, id="we-took-away-more-than-there-were"),
        pytest.param(CUT, 100, Baseline(100), "unproven", id="an-open-end-outweighs-the-number"),
        pytest.param(CUT, 0, Baseline(), "unproven", id="an-open-end-in-the-first-reading"),
    ],
)
def test_doubt(lack: str | None, accounts: int, before: Baseline, kind: str | None) -> None:
    found = doubt(lack, accounts, before, loss_percent=20)
    assert (found.kind if found else None) == kind


@pytest.mark.parametrize(
    ("percent", "accounts", "kind"),
    [
        pytest.param(0, 99, "shrunken", id="none-may-be-missing"),
        pytest.param(0, 100, None, id="none-is"),
        pytest.param(100, 0, None, id="all-may"),
    ],
)
def test_the_setting_decides(percent: float, accounts: int, kind: str | None) -> None:
    found = doubt(None, accounts, Baseline(100), loss_percent=percent)
    assert (found.kind if found else None) == kind


def test_a_doubt_says_what_was_seen() -> None:
    assert doubt(None, 3, Baseline(100, taken=20), loss_percent=20) == Doubt(
        "shrunken", "3 accounts where 80 were expected"
    )
    assert doubt(CUT, 3, Baseline(), loss_percent=20) == Doubt(
        "unproven", f"the app's lists were not read to their end: {CUT}"
    )


SEEN = Doubt("shrunken", "60 accounts where 100 were expected")


@pytest.mark.parametrize(
    ("found", "accounts", "shown", "is_trusted"),
    [
        pytest.param(None, 100, None, True, id="nothing-to-doubt"),
        pytest.param(SEEN, 60, None, True, id="a-word-beforehand-holds-for-whatever-comes"),
        pytest.param(SEEN, 60, 60, True, id="as-the-person-saw-it"),
        pytest.param(SEEN, 50, 60, True, id="about-as-the-person-saw-it"),
        pytest.param(SEEN, 10, 60, False, id="nobody-said-yes-to-that"),
    ],
)
def test_a_persons_word(found: Doubt | None, accounts: int, shown: int | None, is_trusted: bool) -> None:
    assert (on_a_word(found, accounts, shown, loss_percent=20) is None) is is_trusted


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        pytest.param(None, None, None, id="trusted"),
        pytest.param("failed", "the reading broke off: 503", "read again by itself", id="failed"),
        pytest.param("shrunken", "3 accounts where 9 were expected", "hub check acme --trust", id="shrunken"),
    ],
)
def test_the_way_out_is_told(kind: str | None, text: str | None, words: str | None) -> None:
    told = untrusted("acme", kind, text)
    assert (told is None) if words is None else (told is not None and told.startswith(str(text)) and words in told)
