"""The command `watch`, as a process: what happens in the folders reaches the index."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

import cosmos_search
from cosmos_search.cli.main import main
from tests import ROOT
from tests.colour import paint
from tests.missing import run_without

PROGRAM = [sys.executable, "-u", "-c", "from cosmos_search.cli.main import main; main()"]


@pytest.fixture
def photos(tmp_path):
    return paint(tmp_path / "photos" / "red.png", "red").parent


@pytest.fixture
def place(tmp_path, photos, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    done = CliRunner().invoke(main, ["index", str(photos), "--regions", "none", "--index", str(tmp_path / "index")])
    assert done.exit_code == 0, done.output
    return tmp_path / "index"


@contextmanager
def watching(place, first=None):
    """The process, which has begun; its lines are those of both streams. first: how the line before begins."""
    env = os.environ | {"COSMOS_SEARCH_INDEX": str(place), "PYTHONPATH": str(ROOT)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen([*PROGRAM, "watch"], env=env, text=True, cwd=place.parent, **streams) as process:
        try:
            assert first is None or read(process).startswith(first)
            assert re.search(r"  watching .*photos; Ctrl-C stops\n", process.stdout.readline())
            yield process
        finally:
            process.kill()


def read(process):
    """The next line, without its time."""
    line = process.stdout.readline()
    assert re.match(r"\d\d:\d\d:\d\d  ", line), line
    return line[10:-1]


def names(place):
    with cosmos_search.open(place) as library:
        return sorted(picture.paths[0].name for picture in library.browse())


def test_changes_are_indexed_until_it_is_stopped(place, photos):
    paint(photos / "before.png", "blue")  # while nobody watched
    with watching(place) as process:
        assert read(process) == "1 added in photos"
        paint(photos / "new" / "green.png", "lime")
        assert read(process) == "1 added in photos"
        (photos / "notes.txt").write_text("no picture")
        (photos / ".hidden.png").write_text("hidden")
        (photos / "new" / "green.png").rename(photos / "new" / "other.png")
        assert read(process) == "1 moved in photos/new"
        (photos / "bad.jpg").write_text("no picture")
        assert read(process) == "1 failed (see cosmos-search info) in photos"
        (photos / ".cosmosignore").write_text("new/\n")
        assert read(process) == "1 removed in photos"
        paint(photos / "new" / "ignored.png", "cyan")
        paint(photos / "last.png", "white")
        assert read(process) == "1 added in photos"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60)[0] == "Stopped.\n"
        assert process.returncode == 0
    assert names(place) == ["before.png", "last.png", "red.png"]


def test_a_folder_may_vanish_and_return(place, photos, tmp_path):
    with watching(place) as process:
        photos.rename(tmp_path / "away")
        forget = f"cosmos-search remove {photos}"
        assert (
            read(process) == f"{photos} is not there; its pictures stay in the index. Mount it, or forget it: {forget}"
        )
        paint(tmp_path / "away" / "new.png", "blue")
        (tmp_path / "away").rename(photos)
        assert read(process) == f"{photos} is there again."
        assert read(process) == "1 added in photos"
        photos.rename(tmp_path / "gone")
        assert read(process).startswith(f"{photos} is not there; ")
        paint(tmp_path / "later" / "later.png", "lime")  # another folder at the same place, as of another disk
        (tmp_path / "later").rename(photos)
        assert read(process) == f"{photos} is there again."
        while "added" not in (line := read(process)):
            assert "stay in the index" in line
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0].endswith("Stopped.\n")
        assert process.returncode == 0
    assert {"red.png", "later.png"} <= set(names(place))


def test_one_of_two_folders_is_watched_while_the_other_is_not_there(place, photos, tmp_path):
    other = paint(tmp_path / "other" / "blue.png", "blue").parent
    with cosmos_search.open(place) as library:
        library.add(other)
    other.rename(tmp_path / "away")
    with watching(place, first=f"{other} is not there; ") as process:
        paint(photos / "new.png", "lime")
        assert read(process) == "1 added in photos"
        (tmp_path / "away").rename(other)
        assert read(process) == f"{other} is there again."
        paint(other / "new.png", "white")
        assert "1 added in" in read(process)


def test_an_index_is_watched_once(place):
    with watching(place) as process:
        done = CliRunner().invoke(main, ["watch", "--index", str(place)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"Error: Another process is watching the index at {place} already.\n"
        process.kill()
        process.wait()
    with watching(place):
        pass


def test_without_a_folder_or_its_extra_it_says_what_helps(tmp_path):
    done = CliRunner().invoke(main, ["watch", "--index", str(tmp_path / "none")])
    assert (done.exit_code, "There is no index" in done.stderr) == (1, True)
    done = run_without(["watchfiles"], tmp_path, "watch")
    sentence, command = "Error: Watching folders needs watchfiles", "pip install -c constraints.txt '.[watch]'"
    assert done.stderr == f"{sentence}; in the folder of the clone: {command}\n"
