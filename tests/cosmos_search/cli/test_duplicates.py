"""The command `duplicates`, with the built-in encoder on real photos."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from PIL import Image

from cosmos_search.cli.main import main
from tests.demo import link_photos, make_index


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    photos = link_photos(tmp_path_factory.mktemp("linked") / "photos")
    with Image.open(photos / "coffee.png") as coffee:
        coffee.resize((300, 200)).save(photos / "smaller.jpg")
        coffee.resize((240, 160)).save(photos / "line\nbreak.jpg")
    return photos


@pytest.fixture(scope="module")
def place(tmp_path_factory, photos):
    return make_index(tmp_path_factory.mktemp("indexes") / "index", photos)


def run(place, *options):
    done = CliRunner().invoke(main, ["duplicates", "--index", str(place), *options])
    assert done.exit_code == 0, done.output
    return done


def test_the_table_names_the_file_to_keep_why_and_the_others(place):
    text = run(place).stdout
    assert text.startswith("Copies: keep ")
    assert "coffee.png (more pixels" in text
    assert "smaller.jpg" in text
    assert text.endswith("1 group, 2 other files. Nothing was deleted.\n")


def test_json_has_one_object_for_each_group(place, photos):
    (line,) = run(place, "--json").stdout.splitlines()
    group = json.loads(line)
    assert group["keep"].endswith("coffee.png")
    assert str(photos / "smaller.jpg") in group["others"]


def test_csv_has_one_row_for_each_file(place):
    header, *rows = csv.reader(io.StringIO(run(place, "--csv").stdout))
    assert header == ["group", "kind", "file", "reasons", "path"]
    assert [row[:3] for row in rows] == [["1", "copies", kind] for kind in ("keep", "other", "other")]


def test_paths_are_those_of_the_others_without_any_that_would_be_two_lines(place, photos):
    done = run(place, "--paths")
    assert done.stdout == f"{photos / 'smaller.jpg'}\n"
    assert "line break" in done.stderr


def test_no_group_is_said_in_words(place):
    assert run(place, "--kind", "bursts").stdout == "No duplicates found.\n"
    assert run(place, "--kind", "bursts", "--json").stdout == ""
