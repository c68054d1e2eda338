"""libyaml reads mappings because it is quick, ruamel because it is right: they must never tell two stories."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_findings import GOOD

from scim_bridge.mapping import nodes
from scim_bridge.mapping.findings import Finding
from scim_bridge.mapping.nodes import Node, Scalar, Table, parse_nodes

Read = Callable[[str], Node | Finding]

PIECES = [
    *("a", "b c", "team/x", "{team}", "NO", "1.5", "0x1f", "true", "~", "2027-03-31", "http://x", "é", "😀", "a|b"),
    *(": ", ":", "- ", "-", "? ", "{", "}", "[", "]", ", ", ",", "'", '"', "'it''s'", '"\\u00e9"', '"\\/"', '""'),
    *("\n", "\n  ", "\n    ", "\n- ", "\n\n", "\r\n", " # c", "#", "%", "@", "`", "\\", "&x", "*x", "!t", "<<", "="),
    *(
        "k: v\n",
        "k: [a, b]\n",
        "k: {a: b}\n",
        "|\n  l\n",
        ">-\n  f\n  g\n",
        "---\n",
        "...\n",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Read:
    """The same text read by ruamel alone."""

    def read(text: str) -> Node | Finding:
        with monkeypatch.context() as patch:
            patch.setattr(yaml, "__with_libyaml__", False)
            return parse_nodes("f.yaml", text)

    return read


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_any_text_is_read_the_same_by_both(judged: Read, text: str) -> None:
    assert parse_nodes("f.yaml", text) == judged(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: |\n\n# c\n\n", id="text-in-a-block"),
        pytest.param("|#\n", id="a-comment-where-none-may-be"),
        pytest.param("a: b\n...\n...\n", id="two-ends"),
        pytest.param("---\n # c", id="nothing-after-a-start"),
        pytest.param("a: 'x\u2028 y'\n", id="a-line-break-of-yaml-1.1"),
        pytest.param("a: x\ufeffy\n", id="a-byte-order-mark-inside"),
    ],
)
def test_what_libyaml_reads_otherwise_is_ruamels(judged: Read, text: str) -> None:
    assert parse_nodes("f.yaml", text) == judged(text)


def test_without_libyaml_a_mapping_is_the_same(judged: Read) -> None:
    assert parse_nodes("f.yaml", GOOD) == judged(GOOD)


def test_ruamel_does_not_read_what_libyaml_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes thirty times as long."""
    monkeypatch.setattr(nodes, "YAML", None)
    found = parse_nodes("f.yaml", "a: 1\n")
    assert isinstance(found, Table)
    assert isinstance(found.entries[0][1], Scalar)
