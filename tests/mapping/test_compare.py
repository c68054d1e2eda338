"""What another set changes: by hub, rule and key; places and comments do not count."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scim_bridge.mapping.compare import HubChange, compare
from scim_bridge.mapping.load import MappingSet

Load = Callable[..., MappingSet]

HEAD = """\
app: forge
connect: {org: acme, token: "env:T"}
roles: [owner, member]
asset_roles: {team: [maintainer, member]}
"""
STAFF = '  - {name: staff, group: [Staff, "x-*"], where: active eq true, role: member, assets: {team/core: member}}\n'
LEADS = "  - {name: leads, group: Leads, role: owner}\n"
BEFORE = HEAD + "grants:\n" + STAFF + LEADS


@pytest.mark.parametrize(
    ("after", "change"),
    [
        pytest.param(BEFORE, None, id="the-same"),
        pytest.param("# a comment\n" + BEFORE, None, id="moved-down-by-a-comment"),
        pytest.param(HEAD + "grants:\n" + LEADS + STAFF, None, id="the-order-of-rules-does-not-matter"),
        pytest.param(BEFORE.replace("x-*", "y-*"), {"changed": ("staff",)}, id="another-pattern"),
        pytest.param(BEFORE.replace("active eq true", 'title eq "x"'), {"changed": ("staff",)}, id="a-condition"),
        pytest.param(BEFORE.replace("team/core", "team/web"), {"changed": ("staff",)}, id="another-asset"),
        pytest.param(HEAD + "grants:\n" + STAFF, {"removed": ("leads",)}, id="a-rule-is-gone"),
        pytest.param(BEFORE + "  - {name: more, group: More, role: member}\n", {"added": ("more",)}, id="a-rule-more"),
        pytest.param(
            BEFORE.replace("name: leads", "name: owners"),
            {"added": ("owners",), "removed": ("leads",)},
            id="a-rule-with-another-name",
        ),
        pytest.param(BEFORE + "safety: {settle: 5s}\n", {"keys": ("safety",)}, id="safety"),
        pytest.param(BEFORE + "check: 1h\nscope: active eq true\n", {"keys": ("scope", "check")}, id="two-keys"),
        pytest.param(BEFORE + "leave: {disabled: [{after: 1d, do: remove}]}\n", {"keys": ("leave",)}, id="leave"),
        pytest.param(BEFORE.replace("org: acme", "org: other"), {"keys": ("connect",)}, id="another-tenant"),
        pytest.param(BEFORE.replace("[owner, member]", "[member, owner]"), {"keys": ("roles", "safety")}, id="roles"),
    ],
)
def test_a_hub_that_changed(load: Load, after: str, change: dict[str, tuple[str, ...]] | None) -> None:
    expected = [] if change is None else [HubChange("acme", "changed", **change)]
    assert compare(load(acme=BEFORE).hubs, load(acme=after).hubs) == expected


def test_hubs_that_come_and_go(load: Load) -> None:
    other = BEFORE.replace("acme", "beta")
    assert compare(load(acme=BEFORE).hubs, load(beta=other).hubs) == [
        HubChange("acme", "detached"),
        HubChange("beta", "added", added=("staff", "leads")),
    ]
