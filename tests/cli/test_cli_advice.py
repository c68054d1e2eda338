"""Every command that our own messages name can be typed as it stands: it exists, and so do its options."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import adapters
import scim_bridge
from scim_bridge.cli.main import cli

_QUOTED = re.compile(r"(?<!`)`scim-bridge ([^`]+)`(?!`)")
_PLACEHOLDER = re.compile(r"\{[^}]*\}|\b[A-Z][A-Z_]+\b")  # HUB, TASK_ID, {hub}
_WORD = "1"  # a name and a number at once


def texts_of(node: ast.AST) -> Iterator[str]:
    """Every string literal below ``node``; what an f-string fills in is a word."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else _WORD for part in node.values)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from texts_of(child)


def quoted_commands() -> list[str]:
    folders = [Path(package.__path__[0]) for package in (scim_bridge, adapters)]
    return sorted(
        {
            " ".join(found.split())
            for folder in folders
            for file in folder.rglob("*.py")
            for text in texts_of(ast.parse(file.read_text(encoding="utf-8")))
            for found in _QUOTED.findall(text)
        }
    )


def parse(words: list[str]) -> None:
    """What click does before it runs a command; raises ``click.UsageError``."""
    command, ctx = cli, click.Context(cli, info_name="scim-bridge")
    while isinstance(command, click.Group):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break
        _, command, words = command.resolve_command(ctx, words)
        assert command is not None
    command.make_context(command.name, words, parent=ctx)


@pytest.mark.parametrize("command", quoted_commands())
def test_a_command_in_a_message_can_be_typed(command: str):
    with contextlib.suppress(click.exceptions.Exit):  # --help ends the parsing
        parse(shlex.split(_PLACEHOLDER.sub(_WORD, command)))


def test_messages_do_name_commands():
    assert {"resume", "tasks retry", "source add okta --kind okta"} <= set(quoted_commands())


@pytest.mark.parametrize("words", ["rezume", "tasks retry --hubs 1", "binding confirm", "pause 1 2"])
def test_what_cannot_be_typed_is_found(words: str):
    with pytest.raises(click.UsageError):
        parse(words.split())
