"""Errors carry facts; the commands that help stand in the tables of the command lines."""

import ast
import re

import pytest

from tests import ROOT

# Where commands belong: the command lines themselves, and their tables.
COMMAND_LINES = ("cosmos_search/cli/", "trainer/cli.py", "trainer/advice.py", "ui/cli.py", "ui/views/advice.py")
COMMAND = re.compile(r"cosmos-search(-train)? [a-z]|(^|[\s(])--[a-z]")


def strings(path):
    """Each string of a module that is no docstring, with its line; f-strings with their fields as {}."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            docstrings |= {id(part) for part in node.values}
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize("package", ["indexer", "cosmos_search", "trainer", "ui"])
def test_commands_are_named_at_the_command_lines_only(package):
    named = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in (ROOT / package).rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(COMMAND_LINES)
        for line, text in strings(path)
        if COMMAND.search(text) and not text.startswith("pip install")
    ]
    assert not named, "\n".join(named)
