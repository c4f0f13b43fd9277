"""Files that are named by a user, and files that are written where others may write too."""

import os
import socket
import stat
from pathlib import Path

import pytest

from indexer.files import append_file, open_file, read_file, replace_file

NO_FILES = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to the terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_only_regular_files_are_opened_and_nothing_is_waited_for(make, tmp_path):
    make(tmp_path / "named")
    n_open = len(list(Path("/dev/fd").iterdir()))
    for read in (open_file, read_file):
        with pytest.raises(OSError, match=r"\w"):
            read(tmp_path / "named")
    assert len(list(Path("/dev/fd").iterdir())) == n_open


def test_a_socket_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("named")
        with pytest.raises(OSError, match=r"\w"):
            open_file(Path("named"))


@pytest.mark.parametrize("make", [make for name, make in NO_FILES.items() if name != "nothing"])
def test_nothing_is_added_to_what_is_no_regular_file(make, tmp_path):
    make(tmp_path / "named")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(OSError, match=r"\w"):
        append_file(tmp_path / "named", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_is_added_comes_at_the_end(tmp_path):
    for part in (b"one", b"two"):
        append_file(tmp_path / "file", part)
    assert (tmp_path / "file").read_bytes() == b"onetwo"


def test_a_file_behind_a_link_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link") == read_file(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_file(tmp_path / "link", 4)


@pytest.mark.parametrize("target", ["victim", "nothing"])
def test_a_link_at_the_path_is_replaced_and_not_followed(target, tmp_path):
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "out").symlink_to(target)
    replace_file(tmp_path / "out", lambda file: file.write(b"new"))
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "out"}


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "out").write_bytes(b"old")

    def broken(file):
        file.write(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        replace_file(tmp_path / "out", broken)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("out", b"old")]


def test_a_new_file_is_as_readable_as_any(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    replace_file(tmp_path / "out", lambda file: file.write(b"x"))
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)
