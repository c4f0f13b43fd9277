"""What a search prints: of words without quotes, of filters without words, as paths."""

import json
import os

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from cosmos_search.cli.pictures_table import format_pictures
from cosmos_search.cli.style import Style
from tests.colour import record
from tests.dated_photos import index_photos, take_photos
from tests.demo import make_index


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return index_photos(tmp_path_factory.mktemp("dated"))


def run(*words, place):
    return CliRunner().invoke(main, [*map(str, words), "--index", str(place)])


def names(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line)["path"].rpartition("/")[2] for line in done.stdout.splitlines()]


def test_a_query_needs_no_quotes(place):
    quoted = run("search", "a dog + 0.5:house", "--all", "--json", place=place)
    assert len(names(quoted)) == 4
    assert run("search", "a", "dog", "--all", "+", "0.5:house", "--json", place=place).stdout == quoted.stdout


@pytest.mark.parametrize("words", [(), ("",), (" ", "")])
def test_filters_without_words_list_pictures_newest_first(place, words):
    done = run("search", *words, "--camera", "canon", place=place)
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["#", "taken", "size", "picture"]
    assert [line.split()[:3] for line in lines] == [["1", "2024-12-24", "24×24"], ["2", "2023-02-03", "40×24"]]
    assert done.stderr == ""
    assert names(run("search", *words, "--min-size", "1x1", "--json", place=place)) == [
        "house.jpg",
        "tree.jpg",
        "river.jpg",
        "plain.jpg",
    ]


def test_a_list_says_how_many_more_there_are(place):
    done = run("search", "--min-size", "1x1", "-n", 3, "--json", place=place)
    assert names(done) == ["house.jpg", "tree.jpg", "river.jpg"]
    assert done.stderr == "The newest 3 of 4; for more of them: -n 4\n"
    assert len(names(run("search", "--min-size", "1x1", "-n", 10**30, "--json", place=place))) == 4
    assert run("search", "--camera", "canon", "-n", 0, place=place).exit_code == 2


def test_paths_are_what_other_programs_take(tmp_path):
    folder = take_photos(tmp_path / "photos") / "new"
    odd = os.fsencode(folder) + b"/a\xff\nb.jpg"
    (folder / "house.jpg").rename(os.fsdecode(odd))
    place = make_index(tmp_path / "index", folder)
    plain = os.fsencode(folder / "plain.jpg")
    assert run("search", "--min-size", "1x1", "--paths", place=place).stdout_bytes == odd + b"\n" + plain + b"\n"
    for options in (["-0"], ["--null"], ["--paths", "-0"]):
        assert run("search", "--min-size", "1x1", *options, place=place).stdout_bytes == odd + b"\0" + plain + b"\0"
    found = run("search", "a", "house", "--all", "-0", place=place).stdout_bytes
    assert sorted(found.split(b"\0")) == sorted([b"", odd, plain])
    assert run("search", "a", "house", "--camera", "none", "--paths", place=place).stdout == ""


def test_options_that_exclude_each_other_are_refused(place):
    for words in (["--json", "--paths"], ["--json", "-0"], ["--explain", "why"]):
        done = run("search", "--camera", "canon", *words, place=place)
        assert (done.exit_code, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1


def test_a_long_path_is_shortened_in_the_middle_and_linked_in_full(picture, tmp_path):
    (tmp_path / "long name").mkdir()
    path = (tmp_path / "red.png").rename(tmp_path / "long name" / ("猫" * 30 + " é %.png"))
    header, line = format_pictures([record(path)], Style(has_links=True, width=60))
    url, _, rest = line.partition("\x1b]8;;")[2].partition("\x1b\\")
    text = rest.partition("\x1b]8;;\x1b\\")[0]
    assert url.startswith("file://")
    assert url.endswith("/long%20name/" + "%E7%8C%AB" * 30 + "%20%C3%A9%20%25.png")
    assert "…" in text
    assert text.endswith(" é %.png")
    assert header == "#  taken   size  picture"


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (("a", "cat", "-people", "--all"), "a cat - people"),
        (("a", "cat", "-house", "-night", "-0ld", "-n3", "--all"), "a cat - house - night -0ld"),
        (("- people + a cat", "--all"), "- people + a cat"),
        (("-people. A cat.", "--all"), "- people. A cat."),
        (("--all", "-🐶", "+", "cat"), "- 🐶 + cat"),
        (("a", "cat", "-text:nothing", "--all"), "a cat - text:nothing"),
        (("a", "--all", "--", "-n"), "a - n"),
    ],
)
def test_words_may_begin_with_a_hyphen(place, words, quoted):
    expected = run("search", quoted, "--all", "-n", 3 if "-n3" in words else 10, "--json", place=place)
    assert names(expected)
    done = CliRunner().invoke(main, ["search", "--json", "--index", str(place), *words])
    assert (done.stdout, done.stderr) == (expected.stdout, expected.stderr)


def test_options_keep_their_values_and_their_meaning(place):
    assert "--camera -x;" in run("search", "a", "--camera", "-x", place=place).stderr
    assert run("search", "a", "-n", "many", place=place).exit_code == 2
    assert run("search", "-h", place=place).stdout.startswith("Usage:")
    done = run("search", "a", "-json", place=place)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "Error: '-json' has one hyphen; for the option write --json, for the word '- json'.\n"
