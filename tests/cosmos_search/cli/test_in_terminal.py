"""The output on a terminal: colours, links, width, thumbnails; and pictures in the viewer."""

import io
import os
import re
import subprocess
import sys
from base64 import b64decode

import pytest
from PIL import Image
from wcwidth import wcswidth

from tests import ROOT
from tests.dated_photos import index_photos
from tests.terminal import run_in_terminal

PROGRAM = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()"]
SEQUENCE = re.compile(rb"\x1b\[[0-9;]*m|\x1b\]8;;[ -~]*\x1b\\")
LIST = ["search", "--camera", "canon"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return index_photos(tmp_path_factory.mktemp("a folder with a name that is rather long for a terminal") / "猫")


def show(*words, place, **options):
    env = {"COSMOS_SEARCH_INDEX": str(place), "PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return run_in_terminal([*PROGRAM, *words], env=env, **options)


@pytest.mark.parametrize("words", [LIST, ["search", "a. b", "--all"], ["facets"], ["info"], ["models"]], ids=" ".join)
def test_tables_fit_80_columns(place, words):
    written, code = show(*words, place=place)
    assert code == 0, written
    text = SEQUENCE.sub(b"", written).decode()
    table = text.split("\n\nR@1:")[0].splitlines()  # without the legend, which is prose
    assert all(wcswidth(line) <= 80 for line in table if not line.startswith("Index")), text
    assert "\x1b" not in text


def test_help_fits_80_columns_and_cuts_no_sentence(place):
    for words in (["-h"], ["search", "-h"]):
        lines = show(*words, place=place)[0].decode().splitlines()
        commands = lines[lines.index("Commands:") :] if "Commands:" in lines else []
        assert not [line for line in commands if line.endswith("...")]
        assert all(len(line) <= 80 for line in lines), max(lines, key=len)


def test_a_narrow_terminal_shows_paths_rather_than_dates_and_sizes(place):
    for words in (["search", "a dog. a house", "--all", "-n", "1"], LIST):
        header, *lines = SEQUENCE.sub(b"", show(*words, place=place, columns=40)[0]).decode().splitlines()
        assert "taken" not in header
        assert all(wcswidth(line) <= 40 for line in (header, *lines))
        assert re.search(r"/\w+\.jpg$", lines[0])


def test_an_error_before_the_first_picture_leaves_no_bar(place, tmp_path):
    written, code = show("index", str(tmp_path / "none"), place=place)
    shown = written.split(b"\r")[-1]
    assert (code, b"pictures/s" in shown, b"does not exist" in shown) == (1, False, True)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_list_of_models_is_readable_in_any_terminal(place, columns):
    """No word is cut, and each line fits."""
    text = SEQUENCE.sub(b"", show("models", place=place, columns=columns)[0]).decode()
    assert all(len(line) <= columns for line in text.splitlines()), text
    assert {"siglip2-so400m-patch14-384", "languages,", "cosmos-search", "downloaded."} <= set(text.split())


def test_headers_are_bold_and_paths_are_links_on_a_terminal(place):
    written, _ = show(*LIST, place=place)
    assert b"\x1b[1mpicture\x1b[0m" in written
    (url,) = re.findall(rb"\x1b\]8;;(file://[^/]*/[^\x1b]*house.jpg)\x1b\\", written)
    assert b"%E7%8C%AB/photos/new/" in url
    error, code = show("search", place=place)
    assert (code, error.startswith(b"\x1b[1;31mError:\x1b[0m The query")) == (2, True)


@pytest.mark.parametrize(
    ("env", "has_colour", "has_links"),
    [
        ({"NO_COLOR": "1"}, False, True),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "linux"}, True, False),
    ],
)
def test_colours_and_links_can_be_declined(place, env, has_colour, has_links):
    written, _ = show(*LIST, place=place, env=env)
    assert (b"\x1b[1m" in written, b"\x1b]8;;" in written) == (has_colour, has_links)


def test_a_pipe_gets_colours_only_if_they_are_forced(place):
    for forced, is_coloured in (("1", True), ("0", False)):
        env = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "CLICOLOR_FORCE": forced}
        written = subprocess.run([*PROGRAM, *LIST], env=env, check=True, capture_output=True).stdout
        assert b"]8;;" not in written
        assert (b"\x1b[1mpicture" in written) == is_coloured


def test_kitty_is_sent_pngs(place):
    written, _ = show(*LIST, "--preview", place=place, env={"TERM": "xterm-kitty"})
    sent = re.findall(rb"\x1b_G[^;]*a=T[^;]*;([^\x1b]*)\x1b\\((?:\x1b_Gm=[01];[^\x1b]*\x1b\\)*)", written)
    sizes = [Image.open(io.BytesIO(b64decode(first + b"".join(re.findall(rb";([^\x1b]*)", more))))).size
             for first, more in sent]  # fmt: skip
    assert sizes == [(24, 24), (40, 24)]
    assert written.index(b"house.jpg") < written.index(b"\x1b_G") < written.index(b"tree.jpg")


def test_iterm2_is_sent_pngs(place):
    written, _ = show(*LIST, "--preview", place=place, env={"TERM_PROGRAM": "iTerm.app"})
    sent = re.findall(rb"\x1b\]1337;File=inline=1;size=(\d+);height=\d+:([^\a]*)\a", written)
    assert [Image.open(io.BytesIO(b64decode(data))).size for _, data in sent] == [(24, 24), (40, 24)]
    assert [int(size) for size, _ in sent] == [len(b64decode(data)) for _, data in sent]


def test_a_terminal_that_says_so_is_sent_sixels(place):
    written, _ = show(*LIST, "--preview", place=place, answers={b"\x1b[c": b"\x1b[?62;4;22c"})
    assert len(re.findall(rb"\x1bP[0-9;]*q[^\x1b]+\x1b\\", written)) == 2


def test_other_terminals_and_pipes_are_told_which_can(place):
    done = show(*LIST, "--preview", place=place, answers={b"\x1b[c": b"\x1b[?62;22c"})
    assert (done[1], b"--preview needs a terminal" in done[0], b"1.00" in done[0]) == (2, True, False)
    env = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "TERM": "xterm-kitty"}
    done = subprocess.run([*PROGRAM, *LIST, "--preview"], env=env, check=False, capture_output=True)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 1)


def test_hits_open_in_the_default_viewer(place, tmp_path):
    os.mkfifo(tmp_path / "opened")
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    env = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    words = ["search", "--camera", "nikon", "--open"]
    with subprocess.Popen([*PROGRAM, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert (tmp_path / "opened").read_text() == f"{place.parent}/photos/old/river.jpg\n"
        output, errors = process.communicate()
    assert (b"river.jpg" in output, errors) == (True, b"")
    env["PATH"] = str(tmp_path / "empty")
    done = subprocess.run([*PROGRAM, *words], env=env, check=False, capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"No program opens pictures here" in done.stderr
    for noise in ("xdg-open: no method available for opening", "w3m: no screen"):
        opener.write_text(f"#!/bin/sh\necho '{noise}'; echo '{noise}' >&2; exit 3\n")
        env["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run([*PROGRAM, *words], env=env, check=False, capture_output=True)
        assert done.stderr == b"Error: No program opens pictures here: xdg-open found no viewer, or no screen.\n"
        assert (done.returncode, noise.encode() in done.stdout) == (1, False)
