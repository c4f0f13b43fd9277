"""The README says what the programs say."""

import re

from click.testing import CliRunner

from cosmos_search.cli.main import main
from cosmos_search.cli.search import GRAMMAR
from cosmos_search.models.published import PUBLISHED
from tests import ROOT

COMMANDS = (
    [],
    ["index"],
    ["search"],
    ["models"],
    ["ui"],
    ["train", "prepare"],
    ["train", "run"],
    ["train", "evaluate"],
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_grammar_is_that_of_the_help():
    assert GRAMMAR.strip("\b\n") in README


def test_every_option_that_the_readme_names_exists():
    known = "".join(CliRunner().invoke(main, [*words, "--help"]).stdout for words in COMMANDS)
    for option in set(re.findall(r"(?<![\w-])--[a-z-]{3,}", README)):
        assert option in known or option in ("--index",), option


def test_the_page_on_models_has_the_published_figures():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for model in PUBLISHED.values():
        assert f"| `{model.name}` | {model.network} | {model.trained_on} | {model.coco[0]} / {model.coco[1]} |" in page
