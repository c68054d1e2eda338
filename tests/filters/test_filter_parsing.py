"""Text to tree: RFC 7644 figure 1, typed values, precedence, limits, and errors that name the place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from scim_bridge.filters import (
    And,
    AttributePath,
    Compare,
    InvalidFilter,
    Not,
    Or,
    Path,
    Present,
    ValuePath,
    attribute_paths,
    parse_filter,
    parse_path,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
A, B, C = (Compare(AttributePath(None, name), "eq", 1) for name in "abc")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a eq "x"', "x"),
        (r'a eq "say \"hi\" \\ \u00e9"', 'say "hi" \\ é'),
        ("a eq true", True),
        ("a eq false", False),
        ('a eq "true"', "true"),
        ("a eq null", None),
        ("a eq 7", 7),
        ("a eq -1", -1),
        ("a eq 5.5", 5.5),
        ("a eq 1e3", 1000.0),
        ('a eq ""', ""),
    ],
)
def test_values_keep_their_json_type(text: str, value: object) -> None:
    parsed = parse_filter(text)
    assert isinstance(parsed, Compare)
    assert (parsed.value, type(parsed.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("a eq 1 or b eq 1 and c eq 1", Or((A, And((B, C)))), id="and-before-or"),
        pytest.param("a eq 1 and b eq 1 or c eq 1", Or((And((A, B)), C)), id="and-before-or-on-the-left"),
        pytest.param("(a eq 1 or b eq 1) and c eq 1", And((Or((A, B)), C)), id="parentheses"),
        pytest.param("a eq 1 and b eq 1 and c eq 1", And((A, B, C)), id="flat-and"),
        pytest.param("a eq 1 OR (b eq 1 Or c eq 1)", Or((A, B, C)), id="flat-or-any-case"),
        pytest.param("not (a eq 1) and b eq 1", And((Not(A), B)), id="not-before-and"),
        pytest.param("A PR", Present(AttributePath(None, "A")), id="present"),
    ],
)
def test_precedence(text: str, tree: object) -> None:
    assert parse_filter(text) == tree


def test_value_path_keeps_the_sub_attribute() -> None:
    where = Compare(AttributePath(None, "type"), "eq", "work")
    assert parse_filter('emails[type eq "work"].value eq "x"') == ValuePath(
        AttributePath(None, "emails"), where, Compare(AttributePath(None, "value"), "eq", "x")
    )
    assert parse_filter('emails[type eq "work"].value pr') == ValuePath(
        AttributePath(None, "emails"), where, Present(AttributePath(None, "value"))
    )
    assert parse_filter('emails[type eq "work"]') == ValuePath(AttributePath(None, "emails"), where)


def test_urn_prefix_with_dots() -> None:
    parsed = parse_filter(f'{ENTERPRISE}:manager.displayName eq "x"')
    assert parsed == Compare(AttributePath(ENTERPRISE, "manager", "displayName"), "eq", "x")


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "x"',
        "a eq 1 or b eq -1 and c eq 5.5",
        'not (a pr) and emails[type eq "work" and value co "@x"].value eq "q\\"q"',
        f'{ENTERPRISE}:department ne "Sales"',
        "(a pr or b pr) and nullable eq null",
        'members.$ref eq "x"',
        "emails[primary eq true].type pr",
    ],
)
def test_str_is_scim_text_again(text: str) -> None:
    assert str(parse_filter(text)) == text


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("", "empty", None),
        ("  ", "empty", None),
        ("a", "ends too early", None),
        ('a regex "x"', "'regex' at character 3", 3),
        ('a eq "x', "string that starts at character 6 has no end", 6),
        ("a eq True", "'True' at character 6", 6),
        ("a eq 12x", "at character 6", 6),
        ("a & b", "'&' at character 3", 3),
        ('a "b"', "a value at character 3", 3),
        (r'a eq "\x"', "character 6 is no JSON string", 6),
        (r'a eq "\ud800"', "character 6 is no JSON string", 6),
        (r'a eq "\u0000"', "character 6 is no JSON string", 6),
        ("a eq 1e400", "too large", 6),
        ("a gt true", "cannot be ordered", None),
        ("a lt null", "cannot be ordered", None),
        ("a co 5", "compares text", None),
        ("a[b eq 1 and c[d eq 1]]", "a bracket inside a", None),
        ("a[not (b[c eq 1])]", "a bracket inside a", None),
        ("a[b.c eq 1]", "b.c inside a", None),
        ("a.b[c eq 1]", "sub-attribute", None),
        ("(" * 21 + "a pr" + ")" * 21, "nests deeper", 21),
        (" or ".join(["a pr"] * 251), "more than 250 terms", 1998),
        ("a" * 8193, "more than 8192 characters", None),
    ],
)
def test_errors_name_what_and_where(text: str, message: str, position: int | None) -> None:
    with pytest.raises(InvalidFilter, match=message) as caught:
        parse_filter(text)
    assert caught.value.position == position


def test_an_error_quotes_no_value() -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter('userName "ada@example.com"')
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("title", Path(AttributePath(None, "title"))),
        ("name.givenName", Path(AttributePath(None, "name", "givenName"))),
        ("a[b eq 1]", Path(AttributePath(None, "a"), Compare(AttributePath(None, "b"), "eq", 1))),
        ("a[b eq 1].c", Path(AttributePath(None, "a"), Compare(AttributePath(None, "b"), "eq", 1), "c")),
        (f"{ENTERPRISE}:manager.value", Path(AttributePath(ENTERPRISE, "manager", "value"))),
    ],
)
def test_patch_paths(text: str, path: Path) -> None:
    assert parse_path(text) == path
    assert str(path) == text


@pytest.mark.parametrize("text", ['title eq "x"', "a.b.c", "a[b eq 1", "1", "a b"])
def test_a_path_is_no_filter(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_path(text)


def test_attribute_paths_are_listed_once_with_their_parent() -> None:
    paths = attribute_paths(parse_filter('not (a pr) or emails[type eq "w"].value eq "x" or a eq 1'))
    assert [str(path) for path in paths] == ["a", "emails.type", "emails.value"]


def test_threads_do_not_disturb_each_other() -> None:
    texts = [f'userName eq "user{number}" and active eq true' for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert [str(tree) for tree in pool.map(parse_filter, texts)] == texts
