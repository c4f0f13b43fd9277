"""Filters on the command line: what passes, why nothing does, and what they can be set to."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import cosmos_search
from cosmos_search.cli.main import main
from tests import ROOT
from tests.dated_photos import index_photos


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return index_photos(tmp_path_factory.mktemp("dated"))


def run(*words, place):
    done = CliRunner().invoke(main, [*words, "--index", str(place)])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--near", "Munich,10km"], ["river"]),
        (["--near", "Munich, Germany, 50km"], ["tree", "river"]),
        (["--taken", "2022..2023"], ["tree", "river"]),
        (["--taken", "2023-02-03"], ["tree"]),
        (["--taken", "2023..", "--camera", "canon"], ["house", "tree"]),
        (["--after", "100-years", "--before", "2024"], ["tree", "river"]),
        (["--orientation", "square"], ["house", "plain"]),
    ],
)
def test_filters_choose_pictures(place, words, names):
    lines = run("search", *words, "--paths", place=place).stdout.splitlines()
    assert [line.rpartition("/")[2] for line in lines] == [f"{name}.jpg" for name in names]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--camera", "Nokia"], "--camera Nokia; there are: Canon EOS R5 (2), Nikon Z6 (1)"),
        (["--taken", "1990..1999"], "--taken 1990..1999; there are: 2024 (1), 2023 (1), 2022 (1)"),
        (["--before", "2000"], "--before 2000; there are: 2024 (1), 2023 (1), 2022 (1)"),
        (["--near", "Tokyo,5km"], "--near Tokyo,5km; pictures with a place: 2"),
        (["--orientation", "portrait"], "--orientation portrait; there are: landscape (2), square (2)"),
        (["--min-size", "99MP"], "--min-size 99MP."),
        (["--camera", "nikon", "--taken", "2024"],
         "--camera nikon (1 picture passes it alone) and --taken 2024 (1 picture passes it alone)."),
        (["--camera", "canon", "--folder", "no where"], "--folder 'no where'; there are: "),
    ],
)  # fmt: skip
def test_a_filter_that_nothing_passes_is_named_with_what_it_can_be(place, words, sentence):
    for query in ([], ["a", "dog"], ["a", "dog", "--json"]):
        done = run("search", *query, *words, place=place)
        assert done.stdout == ""
        assert done.stderr.startswith(f"0 of 4 pictures pass {sentence}")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["text:nothing"], "text:nothing."),
        (["a", "dog", 'text:"exit 12"'], 'text:"exit 12".'),
        (["text:river", "--camera", "canon"],
         "--camera canon (2 pictures pass it alone) and text:river (1 picture passes it alone)."),
        (["-text:jpg"], "-text:jpg."),
        (["text:tree", "-text:jpg"], "-text:jpg."),
        (["text:tree", "--camera", "Nokia"], "--camera Nokia; there are: Canon EOS R5 (2), Nikon Z6 (1)"),
    ],
)  # fmt: skip
def test_a_text_that_no_picture_has_is_named(place, words, sentence):
    done = run("search", *words, place=place)
    assert done.stdout in ("", "\n")
    assert done.stderr.splitlines()[0] == f"0 of 4 pictures pass {sentence}"


def test_where_no_text_was_read_it_says_so_and_how_to_read_it(tmp_path):
    place = index_photos(tmp_path)
    command = f"cosmos-search index --text --index {place}"
    for words in (["text:exit"], ["a", "dog", "text:exit"]):
        done = run("search", *words, place=place)
        assert done.stderr.splitlines()[1:] == [
            "No text in the pictures was read yet; only captions, keywords and names were searched. "
            f"To read it: {command}"
        ]
    for words in (["text:tree"], ["-text:jpg"], ["--camera", "none"], ["-text:exit"]):
        assert "read" not in run("search", *words, place=place).stderr
    with cosmos_search.open(place) as library:
        ids = [picture.id for picture in library.browse()]
        with library._opened.open().writing() as catalog:
            catalog.put_lines("reader 1", {ids[0]: []})
        assert "Text was read in 1 of 4 pictures only. To read it:" in run("search", "text:exit", place=place).stderr
        with library._opened.open().writing() as catalog:
            catalog.put_lines("reader 1", {id_: [] for id_ in ids})
    assert run("search", "text:exit", place=place).stderr == "0 of 4 pictures pass text:exit.\n"
    assert "Text      read in 4 pictures" in run("info", place=place).stdout


def test_a_hint_of_the_library_is_given_once(place):
    code = "from cosmos_search.cli.main import main; main()"  # a process of its own: pytest handles logs otherwise
    command = [sys.executable, "-c", code, "search", "text:exit", "--index", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert [line.partition(";")[0] for line in done.stderr.splitlines()] == [
        "0 of 4 pictures pass text:exit.",
        "No text in the pictures was read yet",
    ]


def test_a_query_that_only_excludes_texts_is_a_list(place):
    done = run("search", "-text:tree", "-n", "2", place=place)
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["#", "taken", "size", "picture"]
    assert [line.rpartition("/")[2] for line in lines] == ["house.jpg", "river.jpg"]
    assert done.stderr == "The newest 2 of 3; for more of them: -n 3\n"
    paths = run("search", "-text:tree", "-text:house", "--camera", "canon", "--paths", place=place)
    assert paths.stdout == ""
    assert paths.stderr.startswith("0 of 4 pictures pass --camera canon (2 pictures pass it alone) and -text:tree (")


def test_facets_are_what_filters_can_be_set_to(place):
    lines = run("facets", place=place).stdout.splitlines()
    assert lines[0] == "4 pictures"
    assert lines[2:6] == ["pictures  --camera", "       2  Canon EOS R5", "       1  Nikon Z6", ""]
    assert "pictures  --taken" in lines
    assert "--min-size" not in "".join(lines)  # none is that large
    lines = run("facets", "--camera", "nikon", "-n", "1", place=place).stdout.splitlines()
    assert lines[0] == "1 picture"
    assert lines[3:5] == ["       2  Canon EOS R5", "          and 1 more; all of them: -n 2"]


def test_facets_for_programs_have_all_values(place):
    found = json.loads(run("facets", "--taken", "2023..", "--json", "-n", "1", place=place).stdout)
    assert found["pictures"] == 2
    assert [count["value"] for count in found["years"]] == ["2024", "2023", "2022"]
    assert found["cameras"] == [{"value": "Canon EOS R5", "n": 2}]


@pytest.mark.parametrize(
    ("near", "note"),
    [
        ("Portland,9km", "Near Portland in Oregon, the largest of 3 towns of this name; for another: "
                         "--near 'Portland, Maine, 9km'"),
        ("paris , 500 m", "Near Paris in France, the largest of 2 towns of this name; for another: "
                          "--near 'paris, Texas, 500 m'"),
        ("Neustadt, Germany, 5", "Near Neustadt an der Weinstraße in Germany, the largest of 4 towns of this name; "
                                 "for another: --near LATITUDE,LONGITUDE,5"),
        ("Paris, Texas, 5km", None),
        ("Munich,5km", None),
        ("48.1,11.6,5km", None),
    ],
)  # fmt: skip
def test_of_several_towns_it_says_which_was_taken(place, near, note):
    for words in (
        ("search", "--near", near, "--json"),
        ("search", "a", "--all", "--near", near),
        ("facets", "--near", near),
    ):
        lines = run(*words, place=place).stderr.splitlines()
        assert ([line for line in lines if line.startswith("Near ")] or [None]) == [note]
