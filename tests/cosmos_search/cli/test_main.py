"""The command line as a user meets it: the real program with the built-in encoder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from tests.colour import paint
from tests.demo import link_photos


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return link_photos(tmp_path_factory.mktemp("linked") / "photos")


@pytest.fixture(scope="module")
def place(tmp_path_factory, photos):
    place = tmp_path_factory.mktemp("indexes") / "index"
    done = run("index", photos, "--index", place, "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["added"], summary["failed"], summary["model"]) == (5, [], "cosmos-mini")
    assert summary["images_per_second"] > 0
    return place


def run(*words, env=None):
    return CliRunner(env=env).invoke(main, [str(word) for word in words])


def test_words_find_real_photos(place):
    for query, name in [("a cat", "chelsea"), ("a cup of coffee", "coffee"), ("motorbike", "motorcycle_left")]:
        done = run("search", query, "--index", place, "--json", "-n", 2, "--all")
        hits = [json.loads(line) for line in done.stdout.splitlines()]
        assert [hit["rank"] for hit in hits] == [1, 2]
        assert Path(hits[0]["path"]).stem == name
        assert Path(hits[0]["path"]).is_absolute()
        assert hits[0]["score"] > hits[1]["score"]


def test_the_table_is_for_a_person(place):
    lines = run("search", "a cat", "--index", place, "-n", 3, "--all").stdout.splitlines()
    assert lines[0].split() == ["#", "score", "taken", "size", "picture"]
    assert re.fullmatch(r"1 +[01]\.\d\d +[0-9-]* +451×300 +\S*chelsea\.png", lines[1].strip())
    assert len(lines) == 4


def test_the_index_may_be_named_by_the_environment(place):
    assert "chelsea" in run("search", "a cat", env={"COSMOS_SEARCH_INDEX": str(place)}).stdout


def test_info_tells_what_is_there(place, photos):
    done = run("info", "--index", place)
    assert str(photos) in done.stdout
    assert "cosmos-mini" in done.stdout
    about = json.loads(run("info", "--index", place, "--json").stdout)
    assert about["pictures"] == 5
    assert about["folders"] == [{"path": str(photos), "pictures": 5, "failed": 0}]
    assert all(size > 0 for size in about["size_bytes"].values())


def test_a_forgotten_folder_leaves_its_photos_alone(tmp_path):
    photo = paint(tmp_path / "photos" / "red.png", "red")
    run("index", photo.parent, "--index", tmp_path / "index")
    assert "Forgot" in run("remove", photo.parent, "--index", tmp_path / "index").stdout
    assert photo.exists()
    done = run("search", "red", "--index", tmp_path / "index")
    assert (done.exit_code, "no pictures yet" in done.stderr) == (1, True)


def test_a_second_index_run_reports_what_changed(tmp_path):
    folder = paint(tmp_path / "photos" / "red.png", "red").parent
    (folder / "bad.jpg").write_text("not a picture")
    first = run("index", folder, "--index", tmp_path / "index")
    assert first.stdout.startswith("1 added, 1 failed in ")
    assert "bad.jpg: " in first.stdout
    second = run("index", "--index", tmp_path / "index")
    assert second.stdout.splitlines()[0] == "1 kept"


@pytest.mark.parametrize(
    ("words", "exit_code", "sentence"),
    [
        (["search", ""], 2, "query is empty"),
        (["search", "a cat", "-n", "0"], 2, "-n 10"),
        (["search", "a cat", "-n", "many"], 2, "not a valid integer"),
        (["search"], 2, "query is empty"),
        (["search", "a cat @lft"], 2, "did you mean @left?"),
        (["search", "--similar-to", "nowhere.jpg"], 1, "can't be used: No such file"),
        (["search", "a cat", "--box", "0,0,1,1"], 2, "--similar-to FILE"),
        (["search", "--similar-to", "x.jpg", "--box", "0,0,2,1"], 2, "not inside the picture"),
        (["search", "a cat", "--after", "soon"], 2, "is not a valid date"),
        (["search", "a cat", "--after", "2025", "--before", "2024"], 2, "No picture can be"),
        (["search", "a cat", "--near", "here"], 2, "is not a valid place"),
        (["search", "a cat", "--min-size", "big"], 2, "is not a valid size"),
        (["search", "a cat", "--orientation", "upside-down"], 2, "portrait, landscape, square"),
        (["search", "a cat", "--index", "nowhere"], 1, "cosmos-search index --index nowhere FOLDER"),
        (["info", "--index", "nowhere"], 1, "cosmos-search index --index nowhere FOLDER"),
        (["remove", "x", "--index", "nowhere"], 1, "cosmos-search index --index nowhere FOLDER"),
        (["index", "--index", "nowhere"], 1, "cosmos-search index --index nowhere FOLDER"),
        (["index", "no-such-folder", "--index", "nowhere"], 1, "does not exist"),
        (["index", ".", "--model", "oracle", "--index", "nowhere"], 2, "no model named 'oracle'"),
        (["index", ".", "--max-pixels", "big", "--index", "nowhere"], 2, "megapixels"),
    ],
)
def test_a_mistake_gets_one_sentence_and_changes_nothing(place, tmp_path, monkeypatch, words, exit_code, sentence):
    monkeypatch.chdir(tmp_path)
    done = run(*words, env=None if "--index" in words else {"COSMOS_SEARCH_INDEX": str(place)})
    assert done.exit_code == exit_code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_directory_is_left_alone(tmp_path):
    folder = paint(tmp_path / "photos" / "red.png", "red").parent
    done = run("index", folder, "--index", folder)
    assert (done.exit_code, "holds other files" in done.stderr) == (1, True)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "catalog.db").write_bytes(b"junk" * 1000)
    for words in (["search", "red"], ["info"], ["index", folder]):
        done = run(*words, "--index", tmp_path / "broken")
        assert (done.exit_code, "is damaged" in done.stderr) == (1, True)


def test_odd_paths_survive_both_outputs(tmp_path):
    name = os.fsdecode(b'a\nb \xff".png')
    folder = paint(tmp_path / "photos" / "plain.png", "red").parent
    (folder / "plain.png").rename(folder / name)
    program = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()"]
    environment = os.environ | {"COSMOS_SEARCH_INDEX": str(tmp_path / "index"), "PYTHONIOENCODING": "ascii"}
    subprocess.run([*program, "index", folder], check=True, env=environment, capture_output=True)
    asked = [*program, "search", "red", "--json", "--all"]
    hit = json.loads(subprocess.run(asked, check=True, env=environment, capture_output=True).stdout)
    assert os.fsencode(hit["path"]) == os.fsencode(folder / name)
    table = subprocess.run(
        [*program, "search", "red", "--all"], check=True, env=environment, capture_output=True
    ).stdout
    assert rb'a\nb \udcff".png' in table.splitlines()[1]


def test_a_search_imports_only_what_it_needs(place):
    """Besides the heavy packages: those that only indexing and pictures need, each of which takes milliseconds."""
    unwanted = ("torch", "transformers", "streamlit", "PIL", "tqdm", "onnx", "wcwidth", "indexer.ingest.update")
    code = (
        "import sys\nfrom cosmos_search.cli.main import main\n"
        f"try: main(['search', 'a cat', '--index', {str(place)!r}])\n"
        f"except SystemExit: print([m for m in {unwanted} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "chelsea" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_query_of_sentences_shows_where_each_was_found_and_draws_it(place, tmp_path):
    done = run("search", "A space shuttle. A flag.", "--index", place, "--all", "-n", 1, "--explain", tmp_path / "why")
    lines = done.stdout.splitlines()
    assert "astronaut.png" in lines[1]
    assert re.search(r"A space shuttle: (the whole|\d+%-\d+% across, \d+%-\d+% down)", lines[2])
    assert "A flag: " in lines[3]
    assert (tmp_path / "why" / "01-astronaut.png").exists()
    record = json.loads(run("search", "A space shuttle. A flag.", "--index", place, "--all", "-n", 1, "--json").stdout)
    assert [e["text"] for e in record["evidence"]] == ["A space shuttle", "A flag"]


def test_nothing_here_matches_is_an_answer(place):
    done = run("search", "a zebra crossing", "--index", place)
    assert (done.exit_code, done.stdout.startswith("Nothing here matches.")) == (0, True)
    assert len(run("search", "a zebra crossing", "--index", place, "--all", "-n", 3).stdout.splitlines()) == 4
    for option in ("--json", "--paths", "-0"):
        program = run("search", "a zebra crossing", "--index", place, option)
        assert (program.exit_code, program.stdout, program.stderr) == (0, "", done.stdout)


def test_a_photo_finds_its_like(place, photos):
    """But not itself."""
    words = ("search", "--similar-to", photos / "coffee.png", "--index", place, "--json", "--all", "-n", 2)
    hits = run(*words).stdout.splitlines()
    assert len(hits) == 2
    assert not any(json.loads(hit)["path"].endswith("coffee.png") for hit in hits)


def test_help_shows_the_grammar_in_five_lines():
    text = run("search", "--help").stdout
    for line in (
        "A dog on a sofa. A red lamp.",
        "a building + a tower - a rocket",
        "2:dog",
        "@top-right",
        "text in quotes",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("words", "exit_code", "printed"),
    [
        (["search"], 2, "The query is empty. Say what to look for: cosmos-search search --index PLACE 'a red car'"),
        (["search", "x", "-n", "0"], 2, "The number of hits is 0; it must be 1 or more. For ten hits: -n 10"),
        (["search", "a cat @lft"], 2, "There is no place @lft; did you mean @left?:\n  a cat @lft\n        ^"),
        (["search", "猫と犬 @lft"], 2, "There is no place @lft; did you mean @left?:\n  猫と犬 @lft\n         ^"),
        (["search", "x\na - "], 2, "Nothing follows this -:\n  a - \n    ^"),
        (
            ["search", "word " * 20 + "+"],
            2,
            f"Nothing follows this +:\n  {'word ' * 8}+\n  {' ' * 40}^",
        ),
        (
            ["search", "x", "--near", "here"],
            2,
            "'here' is not a valid place; add a radius: Munich,20km or 48.14,11.58,20km",
        ),
    ],
)
def test_errors_of_a_search_are_printed_with_advice_or_a_mark(place, words, exit_code, printed):
    done = run(*words, "--index", place)
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert done.stderr == f"Error: {printed}\n".replace("PLACE", str(place))


def test_an_explanation_of_a_missing_file_is_answered_with_the_command_that_helps(tmp_path):
    photo = paint(tmp_path / "photos" / "red.png", "red")
    index = ["--index", tmp_path / "index"]
    run("index", photo.parent, *index)
    (tmp_path / "file").touch()
    done = run("search", "red", "--all", *index, "--explain", tmp_path / "file" / "why")
    written = tmp_path / "file" / "why" / "01-red.png"
    assert (
        done.stderr == f"Error: {written} can't be written (Not a directory). Choose another directory: --explain DIR\n"
    )
    photo.unlink()
    done = run("search", "red", "--all", *index, "--explain", tmp_path / "why")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {photo} can't be read any more (")
    assert done.stderr.endswith(f"). Bring the index up to date: cosmos-search index --index {tmp_path}/index\n")


@pytest.mark.parametrize("option", ["device", "precision", "regions"])
def test_closed_sets_of_values_are_listed_where_another_is_given(option, tmp_path):
    done = run("index", tmp_path, "--index", tmp_path / "index", f"--{option}", "other")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"Invalid value for '--{option}': 'other' is not one of" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_was_probably_meant_is_named():
    done = run("serach", "a", "cat")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith("Error: No such command 'serach'; did you mean search?\n")
    assert run("xyzzy").stderr.endswith("Error: No such command 'xyzzy'.\n")


def test_the_shell_completes_commands_and_options():
    for words, word, completed in (("cosmos-search sea", 1, ["search"]), ("cosmos-search search --o", 2, ["--open"])):
        variables = {"COMP_WORDS": words, "COMP_CWORD": str(word), "_COSMOS_SEARCH_COMPLETE": "bash_complete"}
        code = "from cosmos_search.cli.main import main; main(prog_name='cosmos-search')"
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | variables, check=True, capture_output=True, text=True
        )
        assert {f"plain,{name}" for name in completed} <= set(done.stdout.splitlines())
