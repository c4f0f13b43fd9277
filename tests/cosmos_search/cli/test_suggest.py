"""Commands in messages can be pasted: they are about the index of the command that printed them."""

import ast
import re
import shlex

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from tests import ROOT
from tests.colour import paint

TAKES_INDEX = "index search info remove duplicates facets watch serve mcp ui".split()
COMMAND = re.compile(rf"cosmos-search ({'|'.join(TAKES_INDEX)})\b")
COMMAND_LINES = [*(ROOT / "cosmos_search/cli").glob("*.py"), ROOT / "ui/cli.py"]


def run(*words, env=None):
    return CliRunner(env=env).invoke(main, list(map(str, words)))


def find_command(text):
    (line,) = [line for line in text.splitlines() if "cosmos-search" in line]
    return shlex.split(line[line.index("cosmos-search") :])[1:]


@pytest.mark.parametrize("path", COMMAND_LINES, ids=lambda path: path.name)
def test_messages_get_their_commands_from_suggest(path):
    """Each text with a command that takes --index is an argument of `suggest`, apart from docstrings and help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exempt = {
        id(part)
        for node in ast.walk(tree)
        for part in ast.walk(node)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(".help"))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "suggest")
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "command")  # which `suggest` gets
    }
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    wrong = [f"{node.lineno}: {node.value}" for node in texts if COMMAND.search(node.value) and id(node) not in exempt]
    # Those about models, which have no option --index.
    assert not [line for line in wrong if path.name != "models.py"], wrong


@pytest.mark.parametrize("name", ["other", "it's my index", "-n"])
def test_a_pasted_command_is_about_the_same_index(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "photos" / "red.png", "red")
    option = ("--index", name)
    command = find_command(run("info", *option).stderr)
    assert command == ["index", *option, "FOLDER"]
    assert run(*(word.replace("FOLDER", "photos") for word in command)).exit_code == 0
    (tmp_path / "photos").rename(tmp_path / "away")
    command = find_command(run("index", *option).stdout)
    assert command == ["remove", *option, str(tmp_path / "photos")]
    assert run(*command).exit_code == 0
    assert find_command(run("search", "a cat", *option).stderr) == ["index", *option, "FOLDER"]
    assert [path.name for path in tmp_path.iterdir() if path.name != "away"] == [name]


def test_the_index_of_the_environment_needs_no_option(tmp_path):
    done = run("info", env={"COSMOS_SEARCH_INDEX": str(tmp_path / "index")})
    assert find_command(done.stderr) == ["index", "FOLDER"]


def test_a_password_is_not_printed():
    done = run("search", "a", "--server", "http://127.0.0.1:1", "--index", "postgresql://me:secret@127.0.0.1/photos")
    assert (done.exit_code, "secret" in done.output) == (1, False)
    assert find_command(done.stderr) == ["serve", "--index", "postgresql://me@127.0.0.1/photos"]
