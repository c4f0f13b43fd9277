"""What reaches a terminal, whatever names, locales and streams there are."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from wcwidth import wcswidth

import cosmos_search
from cosmos_search.cli.main import main
from cosmos_search.cli.output import format_info, format_models, format_report
from cosmos_search.cli.terminal import escape, json_line
from cosmos_search.models.install import ModelRow
from indexer.ingest.errors import MissingFolderError
from indexer.ingest.update import Report
from indexer.store.records import EncoderRecord, FailedFile
from tests.colour import paint
from tests.demo import link_photos, make_index

PROGRAM = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()"]
EVIL = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\x7f\u202egnp.exe\u2066\u200f\u2028\ttab"
DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    photos = link_photos(folder / "photos × … Ж", ("chelsea.png", "coffee.png"))
    (photos / ("café \N{BLACK HEART SUIT}" + os.fsdecode(b"\xff") + ".jpg")).write_text("no picture")
    return make_index(folder / "index", photos)


def program(*words, place, env=None, **streams):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    environment = os.environ | {"COSMOS_SEARCH_INDEX": str(place)} | (env or {})
    return subprocess.run([*PROGRAM, *words], env=environment, check=False, timeout=120, **streams)


def shell(line, place):
    """Run a line in which `$P` is the program."""
    environment = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "PY": sys.executable, "CODE": PROGRAM[2]}
    line = line.replace("$P", '"$PY" -c "$CODE"')
    return subprocess.run(["bash", "-c", line], env=environment, check=False, timeout=120, capture_output=True)


def test_escaping_leaves_what_is_printable_and_what_joins_it():
    for text in ("plain", "Ünï × … 猫", "👩\u200d👩\u200d👧 ❤️", "می\u200cروم", ""):
        assert escape(text) == text
    assert escape("a\nb\n", keep="\n") == "a\nb\n"
    assert escape("a\nb\x1b\x9b\x7f\u202e\udcff") == r"a\nb\x1b\x9b\x7f\u202e\udcff"
    assert escape(escape(EVIL)) == escape(EVIL)
    assert not DANGEROUS.search(escape(EVIL + "\n"))


def test_json_holds_the_true_text_and_no_control_character():
    text = EVIL + "\n\udcff ×"
    assert json.loads(json_line({"path": text})) == {"path": text}
    assert re.fullmatch("[ -~]*", json_line({"path": text}))


def test_tables_show_each_name_and_reason_within_its_line():
    evil = EVIL + "\nError: all is lost"
    report = Report(model=evil, device=evil, embedded=1, seconds=1.0, warnings=[MissingFolderError(Path(evil))])
    report.failed = [FailedFile(Path(evil), evil)]
    row = ModelRow(evil, evil, evil, None, 1, False, evil)
    for text in (format_report(report), format_models([row])):
        assert not DANGEROUS.search(text)
        assert not any(line.startswith("Error") for line in text.splitlines())


@pytest.mark.parametrize("name", ["猫と犬", "한국어", "été", "👩\u200d👩\u200d👧", "plain"])
def test_columns_are_aligned_whatever_letters_names_have(name):
    rows = [ModelRow("plain", "x", "x", None, 1, False, name), ModelRow("a" * 20, "x", "y", None, 1, False, "猫猫")]
    lines = format_models(rows).splitlines()[:3]
    for title, cells in (("good for", (name, "猫猫")),):
        start = lines[0].index(title)
        for line, cell in zip(lines[1:], cells, strict=True):
            assert wcswidth(line[: line.index(f"  {cell} ") + 2]) == start
    assert wcswidth(lines[1]) == wcswidth(lines[2])  # the last column is aligned on the right


@pytest.mark.parametrize("name", [EVIL.replace("\t", ""), "a\nError: all is lost", os.fsdecode(b"\x1b[31m\xff\xfe")])
def test_no_name_reaches_the_terminal_raw(tmp_path, name):
    photos = paint(tmp_path / name / f"{name}.png", "red").parent
    (photos / f"bad {name}.jpg").write_text("not a picture")
    index = ["--index", str(tmp_path / "index")]
    calls = [
        ["index", str(photos), *index],
        ["info", *index],
        ["search", "a cat", "--all", *index, "--explain", str(tmp_path / "why" / name)],
        ["search", "a cat", "--folder", f"no {name}", *index],
        ["search", "--similar-to", str(photos / f"bad {name}.jpg"), *index],
        ["search", "a cat", "--near", name, *index],
        ["search", "a cat", "--explain", str(photos / f"{name}.png"), *index],
        ["search", f"a {name} @left-{name} “", *index],
        ["index", str(photos / name), *index],
        ["index", "--index", str(photos / f"{name}.png")],
        ["index", str(photos), "--index", str(photos)],
        ["search", "red", "--index", str(tmp_path / f"no {name}")],
        ["remove", str(tmp_path / f"no {name}"), *index],
        ["remove", str(photos), *index],
        ["models", "add", str(photos), "--name", name],
        ["models", "remove", name],
        [name],
        ["search", f"--{name}"],
        ["index", str(photos), "--model", name, *index],
    ]
    for words in calls:
        done = CliRunner().invoke(main, words)
        shown = done.stdout + done.stderr
        assert shown, words
        assert not DANGEROUS.search(shown), (words, shown)
        assert "\nError: all is lost" not in shown, words
        assert "Traceback" not in shown
        assert done.exception is None or isinstance(done.exception, SystemExit), words


def test_names_are_true_in_json(tmp_path):
    photos = paint(tmp_path / EVIL / "a\n.png", "red").parent
    index = ["--index", str(tmp_path / "index"), "--json"]
    assert json.loads(CliRunner().invoke(main, ["index", str(photos), *index]).stdout)["added"] == 1
    hit = json.loads(CliRunner().invoke(main, ["search", "red", "--all", *index]).stdout)
    assert hit["path"] == str(photos / "a\n.png")
    about = json.loads(CliRunner().invoke(main, ["info", *index]).stdout)
    assert about["folders"][0]["path"] == str(photos)


LOCALES = {
    "koi8-r": {"PYTHONIOENCODING": "koi8-r"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
COMMANDS = (
    (["search", "a cat", "--all"], 0),
    (["info"], 0),
    (["models"], 0),
    (["search", 'a × "'], 2),
    (["info", "--index", "nowhere × …"], 1),
    (["search", "a cat", "--folder", "Ж × ♥"], 0),
)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_gets_the_result_in_its_own_letters(place, locale):
    encoding = LOCALES[locale].get("PYTHONIOENCODING", "ascii").split(":")[0]
    for words, code in COMMANDS:
        done = program(*words, place=place, env=LOCALES[locale])
        shown = (done.stdout + done.stderr).decode(encoding)
        assert shown
        assert "Traceback" not in shown, shown
        assert done.returncode == code, shown
        if words[-1] == "--all":
            assert "chelsea.png" in shown
            assert ("451×300" if encoding == "latin-1" else "451x300") in shown


@pytest.mark.parametrize("words", ["index $HERE", "search 'a cat' --all", "info", "info --json", "models", "-h"])
def test_a_closed_or_full_stderr_loses_no_result(place, words):
    for end in ("2>&-", "2>/dev/full", "<&- 2>&-"):
        done = shell(f"HERE={str(place.parent)!r}; $P {words} {end}", place)
        assert done.returncode == 0, (words, end)
        assert done.stdout


def test_a_mistake_with_stderr_closed_or_full_keeps_its_status(place):
    for end in ("2>&-", "2>/dev/full"):
        assert shell(f"$P search '' {end}", place).returncode == 2
        assert shell(f"$P nothing {end}", place).returncode == 2
        assert shell(f"$P info --index nowhere {end}", place).returncode == 1


@pytest.mark.parametrize(
    "words", ["index", "search 'a cat' --all", "search 'a cat' --all --json", "info", "models", "-h"]
)
def test_a_result_that_cannot_be_written_is_one_sentence(place, words):
    for end in (">&-", ">/dev/full"):
        done = shell(f"$P {words} {end}", place)
        assert done.returncode == 1, (words, end)
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith("Error: ")
    done = shell(f"$P {words} >&- 2>&-", place)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize(
    "words", ["search 'a cat' --all --json", "search 'a cat' --all --paths", "models", "info", "-h", "search -h"]
)
def test_who_reads_no_further_is_left_in_peace(place, words):
    done = shell(f"set -o pipefail; $P {words} | true", place)
    assert (done.returncode, done.stderr) == (141, b"")  # as that of `ls`
    done = shell(f"set -o pipefail; $P {words} | head -1", place)
    assert (done.returncode in (0, 141), done.stderr) == (True, b"")
    done = shell("$P search '' 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}", place)
    assert done.returncode == 2


def test_warnings_and_logs_are_escaped_too(tmp_path):
    code = (
        "import logging; from cosmos_search.cli.terminal import log_to_stderr, open_streams\n"
        "open_streams()\nlog_to_stderr()\n"
        f"logging.getLogger('cosmos_search.x').info('%s', {EVIL!r}); logging.getLogger('y').warning('\\udcff ×')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not DANGEROUS.search(done.stderr.decode())
    assert len(done.stderr.splitlines()) == 2


def test_the_models_name_is_escaped_in_info(place):

    with cosmos_search.open(place) as library:
        about = replace(library.info(), encoder=EncoderRecord(1, EVIL, EVIL, 4, "fast"))
    assert not DANGEROUS.search(format_info(about))
