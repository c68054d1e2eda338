"""Two sets line by line."""

from __future__ import annotations

from scim_bridge.mapping.difference import unified_diff

NAMES = ("revision 1", "on disk")


def test_the_same_says_nothing() -> None:
    assert list(unified_diff({"mappings/a.yaml": "x\n"}, {"mappings/a.yaml": "x\n"}, names=NAMES)) == []


def test_a_changed_line_stands_among_its_neighbours() -> None:
    lines = list(unified_diff({"mappings/a.yaml": "x\ny\nz\n"}, {"mappings/a.yaml": "x\nY\nz\n"}, names=NAMES))
    assert lines == [
        "--- mappings/a.yaml\trevision 1",
        "+++ mappings/a.yaml\ton disk",
        "@@ -1,3 +1,3 @@",
        " x",
        "-y",
        "+Y",
        " z",
    ]


def test_files_that_come_and_go() -> None:
    lines = list(unified_diff({"mappings/a.yaml": "x\n"}, {"mappings/b.yaml": "y\n"}, names=NAMES))
    assert [line for line in lines if line.startswith(("---", "+++"))] == [
        "--- mappings/a.yaml\trevision 1",
        "+++ /dev/null\ton disk",
        "--- /dev/null\trevision 1",
        "+++ mappings/b.yaml\ton disk",
    ]


def test_a_folder_of_another_name_is_no_difference() -> None:
    assert list(unified_diff({"mappings/a.yaml": "x\n"}, {"rules/a.yaml": "x\n"}, names=NAMES)) == []
