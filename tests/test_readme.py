"""The README agrees with the programs."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageColor

import cosmos_search
from cosmos_search.cli.main import main
from cosmos_search.cli.search import GRAMMAR
from cosmos_search.models.published import PUBLISHED
from cosmos_search.retrieval.dates import parse_date, parse_period
from tests import ROOT
from tests.colour import paint
from tests.demo import link_photos, make_index

COMMANDS = (
    [],
    ["index"],
    ["search"],
    ["facets"],
    ["watch"],
    ["models"],
    ["mcp"],
    ["serve"],
    ["ui"],
    ["train", "prepare"],
    ["train", "run"],
    ["train", "evaluate"],
)
PACKAGES = ("cluster", "cosmos_search", "indexer", "trainer", "ui")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_the_grammar_is_that_of_the_help():
    assert GRAMMAR.strip("\b\n") in README


def test_the_example_with_signs_excludes_a_photo_of_the_demo(tmp_path):
    query = next(line for line in README.splitlines() if "with and without" in line).partition("  ")[0]
    images = Path(find_spec("sklearn").submodule_search_locations[0]) / "datasets" / "images"
    link_photos(tmp_path / "photos", ("rocket.jpg", "chelsea.png"))
    (tmp_path / "photos" / "china.jpg").symlink_to(images / "china.jpg")
    with cosmos_search.open(make_index(tmp_path / "index", tmp_path / "photos")) as library:
        assert [hit.path.stem for hit in library.search(query)] == ["china"]
        scores = {
            text: {hit.path.stem: hit.score for hit in library.search(text, include_unlikely=True)}
            for text in (query, query.partition(" - ")[0])
        }
    after, before = scores.values()
    assert after["rocket"] < 0.9 * before["rocket"]
    assert after["china"] == before["china"]


@pytest.mark.parametrize("text", [README, PAGE], ids=["README", "command-line"])
def test_every_option_that_is_named_exists(text):
    known = "".join(CliRunner().invoke(main, [*words, "--help"]).stdout for words in COMMANDS)
    for option in set(re.findall(r"(?<![\w-])--[a-z-]{3,}", text)):
        assert option in known or option in ("--index", "--no-deps", "--user", "--now"), option  # of pip, systemctl


def test_dates_on_the_page_are_read_and_all_relative_ones_are_named():
    rows = [line for line in PAGE.splitlines() if line.startswith(("| `--taken`", "| `--after`"))]
    taken, after = ([text for text in re.findall(r"`([^`]+)`", row) if not text.startswith("--")] for row in rows)
    assert all(parse_period(text) for text in taken)
    assert all(parse_date(text) for text in after)
    assert {f"{which}-{unit}" for which in ("this", "last") for unit in ("week", "month", "year")} <= set(taken)
    assert {text.rpartition("-")[2] for text in taken} >= {"days", "weeks", "months", "years"}
    assert any("T" in text and ".." not in text for text in taken)
    assert any("T" in text for text in after)


def test_the_page_on_models_has_the_published_figures():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    for model in PUBLISHED.values():
        what = model.trained_on if model.checkpoint else model.good_for
        coco = f"{model.coco[0]} / {model.coco[1]}" if model.coco else ""
        assert f"| `{model.name}` | {model.network} | {what} | {coco} |".replace("|  |", "| |") in page


class MeanColours:
    """Has the interface of a sentence-transformers model: encodes images and colour names."""

    def encode(self, inputs, normalize_embeddings):
        assert normalize_embeddings
        colours = [
            ImageColor.getrgb(one)
            if isinstance(one, str)
            else one.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
            for one in inputs
        ]
        rows = np.array(colours, dtype=np.float32) + 1
        return np.pad(rows / np.linalg.norm(rows, axis=1, keepdims=True), ((0, 0), (0, 509)))


def test_the_encoder_of_ones_own_in_the_readme_indexes_and_searches(tmp_path):
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "class MyEncoder" in block)
    names = {}
    exec(code, names)
    for i, colour in enumerate(("red", "lime", "blue")):
        paint(tmp_path / "photos" / f"{colour}.png", colour, seed=i)
    with cosmos_search.open(tmp_path / "index", encoder=names["MyEncoder"](MeanColours())) as library:
        assert library.add(tmp_path / "photos").added == 3
        assert [hit.path.stem for hit in library.search("lime", top=1)] == ["lime"]


def list_install_commands():
    """Each `pip install` in documents, sources and containers, with the file that names it."""
    places = ("*.md", "Dockerfile", "Makefile", "docs/*", "docker/*", *(f"{name}/**/*.py" for name in PACKAGES))
    for path in sorted(
        path for place in places for path in ROOT.glob(place) if path.suffix not in (".jpg", ".png", ".webp")
    ):
        for command in re.findall(r"pip install ([^`\n&|]+)", path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), command


def test_no_command_installs_the_package_from_an_index():
    named = [(file, words) for file, words in list_install_commands() if re.match(r".*\bcosmos.search\b", words)]
    assert [file for file, words in named] == ["docs/faq.md"]  # which says that it is not there


def test_the_extras_that_are_installed_exist():
    packaged = (ROOT / "setup.py").read_text(encoding="utf-8")
    known = set(re.findall(r'^        "(\w+)": [A-Z]+,$', packaged, re.MULTILINE))
    named = {extra for _, words in list_install_commands() for extras in re.findall(r"\.\[([a-z,]+)\]", words)
             for extra in extras.split(",")}  # fmt: skip
    assert {"cluster", "formats", "models", "server", "train", "ui"} <= named <= known


def test_the_first_command_of_the_readme_is_that_of_the_page_on_installing():
    first = re.search(r"```\n(.*?)\n```", README, re.DOTALL).group(1)
    steps = [step.removeprefix(".venv/bin/") for step in first.split(" && ") if not step.startswith(". ")]
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(.*?)\n```", page, re.DOTALL).group(1)
    assert [line.removeprefix(".venv/bin/") for line in block.splitlines()] == steps


def test_the_table_of_packages_names_every_sub_package():
    for package in PACKAGES:
        (row,) = (line for line in README.splitlines() if line.startswith(f"| `{package}/` |"))
        sub_packages = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert set(re.findall(r"`(\w+)/` \w", row)) == sub_packages
