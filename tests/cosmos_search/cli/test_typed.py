"""What users type besides the query: paths, values, places; mistakes are one sentence and change nothing."""

import json
import os
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from platformdirs import user_cache_path

import cosmos_search
from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.group import Commands, decode_argument
from cosmos_search.cli.main import main
from cosmos_search.models.store import default_store
from cosmos_search.places import default_place
from indexer.errors import CosmosSearchError, UsageError
from indexer.store.database import open_database
from tests import ROOT
from tests.colour import ColourEncoder, paint
from tests.demo import link_photos, make_index


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typed")
    return make_index(folder / "index", link_photos(folder / "photos", ("chelsea.png", "coffee.png")))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, which is not the working directory; the cache of models stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(user_cache_path()))
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words, env=None):
    done = CliRunner(env=env).invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_tilde_is_the_home_wherever_a_path_is_typed(home, tmp_path, place):
    paint(home / "photos" / "red.png", "red")
    paint(home / "photos" / "orange.png", "orange")
    assert run("index", "~/photos", "--index=~/index").exit_code == 0
    assert run("info", env={"COSMOS_SEARCH_INDEX": "~/index"}).exit_code == 0
    assert (
        run("search", "red", "--all", "--similar-to=~/photos/red.png", "--explain=~/why", "--index=~/index").exit_code
        == 0
    )
    assert run("remove", "~/photos", "--index=~/index").exit_code == 0
    assert {path.name for path in home.iterdir()} >= {"photos", "index", "why"}
    assert list((tmp_path / "here").iterdir()) == []


def test_a_tilde_is_the_home_for_programs_too(home, tmp_path, monkeypatch):
    paint(home / "photos" / "red.png", "red")
    with cosmos_search.open("~/index", encoder=ColourEncoder()) as library:
        assert library.count_files(["~/photos"]) == 1
        assert library.add("~/photos").added == 1
        assert library.remove("~/photos") == 1
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", "~/other")
    monkeypatch.setenv("COSMOS_SEARCH_MODELS", "~/models")
    assert default_place() == home / "other"
    assert default_store().place == home / "models"
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", "")
    assert default_place().is_absolute()
    assert list((tmp_path / "here").iterdir()) == []
    for call in (lambda: cosmos_search.open(""), lambda: cosmos_search.open("x", encoder=ColourEncoder()).add("")):
        with pytest.raises(UsageError, match="path is empty"):
            call()


OPTIONS = "similar-to like box after before folder camera near min-size orientation explain index".split()
EMPTY = [["search", "a cat", f"--{name}", value] for name in OPTIONS for value in ("", "  ")]
EMPTY += [["index", ""], ["index", "photos", ""], ["remove", ""], ["info", "--index="], ["models", "add", ""]]
EMPTY += [["index", "x", f"--{name}="] for name in ("index", "model", "device", "precision", "regions", "max-pixels")]
EMPTY += [["models", "add", "x", "--name", ""], ["models", "add", "x", "--config-from", ""], ["ui", "--index", ""]]


@pytest.mark.parametrize("words", EMPTY, ids=lambda words: " ".join(words))
def test_an_empty_value_is_refused_and_changes_nothing(place, home, tmp_path, words):
    done = run(*words, env={"COSMOS_SEARCH_INDEX": str(place)})
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: Invalid value for" in done.stderr
    assert [*(tmp_path / "here").iterdir(), *home.iterdir()] == []


def test_an_empty_index_in_the_environment_is_none(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    done = run("info", env={"COSMOS_SEARCH_INDEX": ""})
    assert done.exit_code == 1
    assert str(tmp_path / "data") in done.stderr


@pytest.mark.parametrize("value", "1e30 1e300 inf -inf nan -1 0 1e-9 -5MP 1000001 infMP 9e99mp x MP".split())
def test_a_limit_that_is_none_is_refused(home, tmp_path, value):
    done = run("index", ".", f"--max-pixels={value}", "--index", "index")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "megapixels" in done.stderr
    assert list((tmp_path / "here").iterdir()) == []


def test_the_largest_and_the_smallest_limit_hold(tmp_path):
    paint(tmp_path / "photos" / "red.png", "red")
    for value, added in (("0.000001", 0), ("1000000MP", 1), (" 250 mp ", 1), ("None", 1)):
        done = run("index", tmp_path / "photos", f"--max-pixels={value}", "--index", tmp_path / f"index{added}{value}")
        assert done.exit_code == 0, (value, done.stderr)
        assert done.stdout.startswith(f"{added} added" if added else "1 failed")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["search", "🐶"], 0, ""),
        (["search", "❤️ + 👩\u200d👧"], 0, ""),
        (["search", "a" * 10_001], 2, "10,000 is the most"),
        (
            ["search", "a cat", "--near", "48.1,11.6,5KM"],
            0,
            "0 of 2 pictures pass --near 48.1,11.6,5KM; pictures with a place: 0",
        ),
        (["search", "a cat", "--near", "33.9S,151.2E,5 km"], 0, "pictures pass --near '33.9S,151.2E,5 km'; "),
        (["search", "a cat", "--after", "2008-1-5", "--before", "2030-1-5"], 0, ""),
        (["search", "a cat", "--folder", "nowhere"], 0, "0 of 2 pictures pass --folder nowhere; there are: /"),
        (["search", "a cat", "text:zzz", "-text:nothing"], 0, "0 of 2 pictures pass text:zzz."),
        (["search", "a cat", "--folder", "nowhere", "--json"], 0, "pictures pass --folder nowhere"),
        (["search", "a zebra crossing", "--folder", "photos/"], 0, ""),
        (
            ["search", "a cat", "--camera", "Leica"],
            0,
            "0 of 2 pictures pass --camera Leica; there are: PENTAX K100D Super (1)",
        ),
        (["search", "a cat", "-n", str(10**30)], 0, ""),
    ],
)
def test_what_users_type_is_understood_or_answered_in_one_sentence(place, words, code, sentence):
    done = run(*words, env={"COSMOS_SEARCH_INDEX": str(place)})
    assert done.exit_code == code
    assert sentence in done.stderr
    assert bool(sentence) == bool(done.stderr)
    assert "folder" not in done.stdout


def test_an_example_that_is_no_file_is_not_waited_for(place, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to("pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to("nothing")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "empty.jpg").touch()
    names = ["pipe.jpg", "link.jpg", "gone.jpg", "folder.jpg", "empty.jpg", "/dev/zero", "/dev/null", ".", "x" * 300]
    for name in names:
        done = run("search", "--similar-to", tmp_path / name, "--index", place)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "can't be used: " in done.stderr, name


def test_an_explanation_goes_into_a_directory_or_is_refused_in_one_sentence(place, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    done = run("search", "a cat", "--explain", tmp_path / "file", "--index", place)
    assert (done.exit_code, done.stdout, "is not one" in done.stderr) == (2, "", True)
    for where in (tmp_path / "file" / "why", "/proc/why", tmp_path / "loop", tmp_path / ("x" * 300), "/dev/null/x"):
        done = run("search", "a cat", "--all", "-n", 1, "--explain", where, "--index", place)
        assert done.exit_code in (1, 2), where
        assert len(done.stderr.splitlines()) == 1, done.stderr
    (tmp_path / "taken" / "01-chelsea.png").mkdir(parents=True)
    done = run("search", "a cat", "--all", "-n", 1, "--explain", tmp_path / "taken", "--index", place)
    assert (done.exit_code, "Is a directory" in done.stderr) == (1, True)
    assert len(list((tmp_path / "taken").iterdir())) == 1
    assert "chelsea" in done.stdout


def test_the_picture_of_an_explanation_has_a_name_that_fits(tmp_path):
    name = "猫" * 80
    photos = paint(tmp_path / "photos" / f"{name}.png", "red").parent
    run("index", photos, "--index", tmp_path / "index")
    done = run("search", "red", "--all", "--explain", tmp_path / "why", "--index", tmp_path / "index")
    assert done.exit_code == 0, done.stderr
    (made,) = (tmp_path / "why").iterdir()
    assert made.name.startswith("01-猫猫")


@pytest.mark.parametrize("name", ["my index", "it's", "a;rm -rf x", "$(x)", "-n"])
def test_paths_in_commands_that_are_suggested_are_quoted(tmp_path, name):
    place = tmp_path / name
    place.mkdir()
    (place / "catalog.db").write_bytes(b"junk" * 1000)
    with pytest.raises(CosmosSearchError) as caught:
        open_database(place / "catalog.db")
    command = shlex.split(add_advice(caught.value).split("again: ", 1)[1])
    assert command[:4] == ["mv", str(place), f"{place}.damaged", "&&"]


UNKNOWN_HOMES = [
    ["info", "--index", "~nosuch/x"],
    ["info", "--index=~nosuch"],
    ["index", "~nosuch/photos"],
    ["index", "photos", "--index", "~nosuch/x"],
    ["remove", "~nosuch/photos"],
    ["search", "a", "--similar-to", "~nosuch/a.jpg"],
    ["search", "a", "--explain", "~nosuch/why"],
    ["models", "add", "~nosuch/model"],
    ["models", "add", "x.pt", "--config-from", "~nosuch/model"],
    ["train", "run", "--data", "~nosuch/data", "--out", "x", "--preset", "tiny"],
    ["train", "run", "--data", "x", "--val", "~nosuch/data", "--out", "x", "--preset", "tiny"],
    ["train", "prepare", "x", "~nosuch/shards"],
]


@pytest.mark.parametrize("words", UNKNOWN_HOMES, ids=lambda words: " ".join(words))
def test_the_home_of_an_unknown_user_is_refused_and_nothing_is_made(words, place, home, tmp_path):
    done = run(*words, env={"COSMOS_SEARCH_INDEX": str(place)})
    assert (done.exit_code, done.stdout) == (2, "")
    assert "There is no home directory ~nosuch" in done.stderr
    assert [*(tmp_path / "here").iterdir(), *home.iterdir()] == []


@pytest.mark.parametrize("name", ["COSMOS_SEARCH_INDEX", "COSMOS_SEARCH_MODELS"])
def test_the_home_of_an_unknown_user_is_refused_in_the_environment_too(name, home, tmp_path):
    done = run(*(["info"] if name.endswith("INDEX") else ["models"]), env={name: "~nosuch/x"})
    assert (done.exit_code, done.stdout) == (2, "")
    assert "There is no home directory ~nosuch" in done.stderr
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_whose_name_begins_with_a_tilde_can_be_named(home, tmp_path):
    for i, name in enumerate(("~nosuch", "~", "~root")):
        paint(tmp_path / "here" / name / "red.png", "red")
        done = run("index", f"./{name}", "--index", f"./~{i}")
        assert done.exit_code == 0
        assert done.stdout.startswith("1 added")
        assert (tmp_path / "here" / f"~{i}").is_dir()
    assert list(home.iterdir()) == []


PROGRAM = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()"]


def run_nowhere(*words, tmp_path, place):
    """From a directory that is deleted when the program starts."""
    (tmp_path / "gone").mkdir()
    line = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    environment = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "PYTHONPATH": str(ROOT)}
    command = ["bash", "-c", line, "bash", str(tmp_path / "gone"), *PROGRAM, *map(str, words)]
    return subprocess.run(command, env=environment, check=False, timeout=120, capture_output=True, text=True)


@pytest.mark.parametrize(
    "words", [["info"], ["search", "a cat", "--all"], ["search", "a cat", "--explain", "WHY"], ["models"]], ids=" ".join
)
def test_full_paths_do_without_a_current_directory(words, place, tmp_path):
    done = run_nowhere(*(str(tmp_path / "why") if word == "WHY" else word for word in words),
                       tmp_path=tmp_path, place=place)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert words == ["models"] or str(place.parent) in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["info", "--index", "x"],
        ["search", "a", "--index", "x"],
        ["search", "a", "--similar-to", "x.jpg"],
        ["search", "a", "--explain", "why"],
        ["index", "photos"],
        ["index", "."],
        ["remove", "photos"],
        ["models", "add", "x"],
        ["models", "add", "/x.pt", "--config-from", "x"],
        ["train", "prepare", "x.csv", "shards"],
    ],
    ids=" ".join,
)
def test_a_path_that_begins_in_a_deleted_directory_is_answered_truly(words, place, tmp_path):
    done = run_nowhere(*words, tmp_path=tmp_path, place=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The current directory is not there any more" in done.stderr


def test_training_and_models_are_reached_by_full_paths_from_nowhere(place, tmp_path):
    (tmp_path / "x.pt").write_bytes(b"hello")
    for words in (["models", "add", tmp_path / "x.pt"], ["train", "export", tmp_path / "run", tmp_path / "out"]):
        done = run_nowhere(*words, tmp_path=tmp_path, place=place)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
        assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt, EOFError, click.Abort])
def test_what_is_aborted_ends_with_130(error):
    @click.group(cls=Commands)
    def group():
        pass

    @group.command()
    def work():
        raise error

    done = CliRunner().invoke(group, ["work"])
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr.strip() == "Aborted!"


@pytest.mark.parametrize("words", [["search", "a cat", "--all"], ["info"]], ids=" ".join)
def test_a_search_that_ctrl_c_ends_exits_with_130(words, place):
    """The signal comes when the program opens its index, whenever that is."""
    hook = "import os, signal, sys\n"
    hook += "def hook(event, values):\n"
    hook += (
        "    if event == 'open' and str(values[0]).endswith('catalog.sqlite'): os.kill(os.getpid(), signal.SIGINT)\n"
    )
    hook += "    if event == 'sqlite3.connect': os.kill(os.getpid(), signal.SIGINT)\n"
    hook += "sys.addaudithook(hook)\n"
    command = [sys.executable, "-c", hook + PROGRAM[2], *words, "--index", str(place)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, check=False, timeout=120, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "Aborted!")


LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "C, as Python mends it": {"LC_ALL": "C"},
    "C.UTF-8": {"LC_ALL": "C.UTF-8"},
}


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
@pytest.mark.parametrize("text", ["café", "зебра", "猫 🐕", "naïve @nosuch"])
def test_a_query_in_other_letters_arrives_in_any_locale(locale, text, place):
    code = "import sys; from cosmos_search.cli.group import decode_argument\n"
    code += "from cosmos_search.retrieval.query import parse_query\n"
    code += "try: found = parse_query(decode_argument(sys.argv[1])).terms[0].text\n"
    code += "except Exception as error: found = error.text\n"
    code += "sys.stdout.buffer.write(found.encode())"
    environment = os.environ | locale | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, text], env=environment, check=True, capture_output=True)
    assert done.stdout.decode() == text


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_a_search_gives_the_same_scores_in_any_locale(locale, place):
    scores = []
    for environment in ({"LC_ALL": "C.UTF-8"}, locale):
        command = [*PROGRAM, "search", "um café 猫", "--all", "--json", "--index", str(place)]
        environment = os.environ | environment | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True, text=True)
        hits = [json.loads(line) for line in done.stdout.splitlines()]
        assert [hit["evidence"][0]["text"] for hit in hits] == ["um café 猫"] * len(hits)
        scores.append([hit["score"] for hit in hits])
    assert scores[0]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("text", ["caf\udce9", "\ud800", "\udfff x", ""])
def test_what_is_in_no_encoding_stays_as_it_is(text):
    assert decode_argument(text) == text
