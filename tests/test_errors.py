"""Errors carry facts; the commands that help stand in the tables of the command lines."""

import ast
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import walk_packages
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import click
import pytest

import cluster
import cosmos_search
import indexer
import trainer
import ui
from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.main import main
from indexer.errors import CosmosSearchError
from tests import ROOT

# Where commands belong: the command lines themselves, and their tables.
COMMAND_LINES = (
    "cosmos_search/cli/",
    "trainer/cli.py",
    "trainer/advice.py",
    "ui/cli.py",
    "ui/views/advice.py",
)
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


@pytest.mark.parametrize("package", ["indexer", "cosmos_search", "cluster", "trainer", "ui"])
def test_commands_are_named_at_the_command_lines_only(package):
    named = [
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in (ROOT / package).rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(COMMAND_LINES)
        for line, text in strings(path)
        if COMMAND.search(text) and not text.startswith("pip install")
    ]
    assert not named, "\n".join(named)


def list_error_classes():
    """All error classes of the five packages, by their names."""
    for package in (indexer, cosmos_search, cluster, trainer, ui):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if module.name != "ui.app" and not module.name.endswith("__main__"):  # these run when imported
                import_module(module.name)
    found, todo = {}, [CosmosSearchError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.split(".")[0] in ("indexer", "cosmos_search", "cluster", "trainer", "ui"):
            found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return dict(sorted(found.items()))


ERRORS = list_error_classes()


def make_values(hint):
    """Examples of a type: both of a bool, each of a Literal, each part of a union."""
    examples = {str: ["some text"], Path: [Path("some file")], int: [3], float: [0.5], bool: [False, True]}
    examples[type(None)] = [None]
    if hint in examples:
        return examples[hint]
    if is_dataclass(hint):
        return list(make_records(hint))
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return list(parts)
    if origin in (Union, UnionType):
        return [value for part in parts for value in make_values(part)]
    if origin in (list, tuple, frozenset, set, Sequence):
        one = make_values(parts[0])[0]
        size = len(parts) if origin is tuple and parts[-1] is not ... else 2
        return [(tuple if origin is Sequence else origin)([one] * size)]
    if origin in (dict, Mapping):
        return [{make_values(parts[0])[0]: make_values(parts[1])[0]}]
    raise AssertionError(f"no example of {hint}")


def make_records(kind):
    """Objects of a class, with every combination of examples of its fields; of an error without fields, one."""
    if not is_dataclass(kind):
        yield kind() if "__str__" in vars(kind) else kind("A sentence.")
        return
    hints = get_type_hints(kind)
    for values in product(*(make_values(hints[field.name]) for field in fields(kind) if field.init)):
        yield kind(*values)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_one_sentence_and_is_pickled_with_its_facts(name):
    for error in make_records(ERRORS[name]):
        sentence = str(error)
        assert sentence
        assert "\n" not in sentence
        assert sentence == sentence.strip()
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), vars(copy)) == (sentence, vars(error))


TABLES = [
    module
    for module in ("cosmos_search.cli.advice", "trainer.advice", "ui.views.advice")
    if (ROOT / f"{module.replace('.', '/')}.py").exists()
]
ENTRIES = [(module, kind) for module in TABLES for kind in import_module(module).ADVICE]


def list_created():
    """The names of all that is called or raised in the four packages, apart from the tables."""
    for package in ("indexer", "cosmos_search", "cluster", "trainer", "ui"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name == "advice.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else node.exc if isinstance(node, ast.Raise) else None
                if isinstance(called, ast.Name | ast.Attribute):
                    yield called.id if isinstance(called, ast.Name) else called.attr


CREATED = set(list_created())


@pytest.mark.parametrize(("module", "kind"), ENTRIES)
def test_each_entry_of_a_table_is_reached(module, kind):
    """Its class, or one that inherits from it and has no entry of its own, is raised somewhere."""
    table = import_module(module).ADVICE
    reached = {name for name, error in ERRORS.items() if next((k for k in error.__mro__ if k in table), None) is kind}
    assert {name.rpartition(".")[2] for name in reached} & CREATED, kind


@pytest.mark.parametrize(("module", "kind"), [entry for entry in ENTRIES if not entry[0].startswith("ui")])
def test_the_advice_is_one_line_and_names_commands_and_options_that_exist(module, kind):
    known = {option for command in list_commands(main) for option in list_options(command)}
    for error in make_records(kind):
        advice = import_module(module).ADVICE[kind](error)
        assert "\n" not in add_advice(error, {kind: lambda error, advice=advice: advice})
        for option in re.findall(r"(?:^|[\s(])(--?[a-z][a-z-]*)", advice):
            assert option in known | {"-u"} or re.search(r"\b(pip|git|chmod|mv|ray|rm)\b", advice), advice
        for words in re.findall(r"cosmos-search(?:-train)? ([a-z]+)", advice):
            assert words in {command.name for command in list_commands(main)}, advice


def list_commands(group):
    """The commands of a group and of the groups in it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield command
        if isinstance(command, click.Group):
            yield from list_commands(command)


def list_options(command):
    yield from (option for parameter in command.params for option in parameter.opts)
