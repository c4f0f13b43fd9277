"""No file holds a run up: what isn't a regular file, what is too large, what grows, and what takes long to read."""

import os
import shutil
import socket
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

import cosmos_search
from indexer.ingest.regular_file import MAX_FILE_BYTES, BoundedFile, StoppedError, open_regular
from indexer.pictures.images import compute_fingerprint
from tests.colour import ColourEncoder, paint

SECONDS = 20  # more than any of these takes


def within(work):
    """The result of `work`, which may not take for ever; it is left behind then."""
    result = Future()

    def run():
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    return result.result(timeout=SECONDS)


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_pipe(path):
    pipe = path.with_name("pipe")
    if not pipe.exists():
        os.mkfifo(pipe)
    path.symlink_to(pipe)


def a_socket(path):
    here = os.getcwd()  # noqa: PTH109  # a socket's path may only have 107 bytes
    os.chdir(path.parent)
    try:
        with closing(socket.socket(socket.AF_UNIX)) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def an_endless_device(path):
    path.symlink_to("/dev/zero")


def a_directory(path):
    path.mkdir()


def a_huge_file(path):
    path.touch()
    os.truncate(path, 200 * 10**9)


KINDS = [a_pipe, a_link_to_a_pipe, a_socket, an_endless_device, a_directory, a_huge_file]


class Replacing(ColourEncoder):
    """Puts something else in the place of files, once the run has found them, when it is given the first."""

    def __init__(self, folder, make, names):
        super().__init__()
        self.folder, self.make, self.names = folder, make, names

    def prepare(self, picture, regions=()):
        names, self.names = self.names, []
        for name in names:
            (self.folder / name).unlink()
            self.make(self.folder / name)
        return super().prepare(picture, regions)


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("is_known", [False, True])
def test_what_takes_the_place_of_a_file_while_a_run_goes_on_is_its_failure(tmp_path, make, is_known):
    photos, late = tmp_path / "photos", [f"z{i:03}.png" for i in range(150, 200)]
    for i in range(200):
        paint(photos / f"z{i:03}.png", "grey", seed=i)
    if is_known:
        with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
            library.add(photos)
        for i in range(200):
            os.utime(photos / f"z{i:03}.png", ns=(1, 1))
        paint(photos / "z000.png", "red")
    with cosmos_search.open(tmp_path / "index", encoder=Replacing(photos, make, late)) as library:
        report = within(lambda: library.add(photos))
        assert {failed.path.name for failed in report.failed} == set(late)
        expected = "too large" if make is a_huge_file else "No such device" if make is a_socket else "directory"
        expected = expected if make in (a_huge_file, a_socket, a_directory) else "not a regular file"
        assert all(expected in failed.reason for failed in report.failed)
        assert {failed.path.name for failed in library.info().failed} == set(late)
        within(lambda: library.add(photos))
        for name in late:
            path = photos / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            paint(path, "blue", seed=int(name[1:4]))
        assert library.add(photos).failed == []
        assert (library.info().failed, library.info().n_pictures) == ([], 200)


def test_a_file_over_the_limit_is_named_at_once_and_not_tried_again(tmp_path):
    paint(tmp_path / "photos" / "red.png", "red")
    a_huge_file(tmp_path / "photos" / "huge.tif")
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        report = within(lambda: library.add(tmp_path / "photos"))
        assert (report.added, [failed.reason for failed in report.failed]) == (
            1,
            ["too large: 200.0 GB, over the limit of 4 GB"],
        )
        assert library.add(tmp_path / "photos").failed_before == 1


class Growing:
    """A file that is longer whenever it is read."""

    def __init__(self, on_read=lambda: None):
        self.n_read = 0
        self._on_read = on_read

    def read(self, n_bytes):
        self._on_read()
        self.n_read += n_bytes
        return bytes(n_bytes)


@pytest.mark.parametrize("n_bytes", [1, 1 << 20, 3_000_001])
def test_a_file_that_grows_is_read_up_to_the_size_it_had(n_bytes, tmp_path):
    growing = Growing()
    (tmp_path / "same").write_bytes(bytes(n_bytes))
    with (tmp_path / "same").open("rb") as same:
        assert within(lambda: compute_fingerprint(BoundedFile(growing, n_bytes, Event()))) == compute_fingerprint(same)
    assert growing.n_read == n_bytes


def test_reading_ends_when_the_run_is_stopped():
    stop = Event()
    growing = Growing(on_read=stop.set)
    with pytest.raises(StoppedError):
        within(lambda: compute_fingerprint(BoundedFile(growing, MAX_FILE_BYTES, stop)))
    assert growing.n_read <= 1 << 20


def test_a_run_that_reads_a_long_file_can_be_stopped(tmp_path):
    photos, is_reading, stop = tmp_path / "photos", Event(), Event()
    paint(photos / "a.png", "red")
    for i in range(8):
        (photos / f"b{i}.png").touch()
        os.truncate(photos / f"b{i}.png", MAX_FILE_BYTES)

    class Telling(ColourEncoder):
        def prepare(self, picture, regions=()):
            is_reading.set()
            return super().prepare(picture, regions)

    def stop_soon():
        is_reading.wait()
        stop.set()

    with cosmos_search.open(tmp_path / "index", encoder=Telling()) as library:
        Thread(target=stop_soon, daemon=True).start()
        report = within(lambda: library.add(photos, stop=stop))
        assert report.is_stopped
        assert report.failed == []
        assert report.seconds < 5
        assert library.info().failed == []


def test_what_says_to_be_empty_and_is_not_is_read():
    if not Path("/proc/version").exists():
        pytest.skip("no such file")
    with open_regular(Path("/proc/version")) as (file, n_bytes):
        assert file.read(n_bytes) == Path("/proc/version").read_bytes() != b""
