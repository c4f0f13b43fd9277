"""Fixtures of all tests."""

import gc
import sys
from contextlib import contextmanager

import pytest

from indexer.places import ServerPlace
from tests.colour import paint, record
from tests.postgres import PASSWORD, Postgres, find_programs, is_required

# Tests that wait for a browser, for Ray, or for another process of ours.
WAITING = (
    "tests/cluster/", "tests/ui/test_", "tests/test_docs_server.py", "tests/cosmos_search/cli/test_watch.py",
    "tests/cosmos_search/server/test_connections.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Run the tests that wait for other processes once more if they fail, as they do on a machine that is too busy.

    An error of ours fails both times. The summary names what was run twice.
    """
    for item in items:
        if item.nodeid.startswith(WAITING):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def _one_thread():
    """Run torch on one thread in every test: importing FAISS changes that, and results depend on it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _unfreeze():
    """Let garbage be collected again: the command `search` excludes all objects from it, as its process ends then."""
    yield
    gc.unfreeze()


@pytest.fixture
def thumbnails(tmp_path):
    from cosmos_search.service.thumbnails import Thumbnails

    return Thumbnails(tmp_path / "thumbnails", 1_000_000)


@pytest.fixture
def picture(tmp_path):
    """The record of a red picture."""
    return record(paint(tmp_path / "red.png", "red", (40, 20)))


@pytest.fixture(scope="session")
def postgres():
    """A running PostgreSQL server."""
    programs = find_programs()
    if programs is None:
        (pytest.fail if is_required() else pytest.skip)("PostgreSQL is not installed")
    server = Postgres(programs)
    server.start()
    server.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
    yield server
    server.close()


@contextmanager
def places(request, folder):
    """A function that returns places for indexes by name: directories in `folder`, or databases of a server.

    For fixtures with the parameters PLACES.
    """
    if request.param == "directory":
        yield lambda name="index": folder / name
        return
    server = request.getfixturevalue("postgres")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))  # of vector files
        yield lambda name="index": found.setdefault(name, ServerPlace(server.new_url()))


PLACES = ("directory", "server")


@pytest.fixture(params=PLACES)
def place_of(request, tmp_path):
    with places(request, tmp_path) as found:
        yield found


@pytest.fixture
def place(place_of):
    """Where an index can be made: a directory, or a database on a server."""
    return place_of()


@pytest.fixture
def server_place(postgres, tmp_path, monkeypatch):
    """A new database on a server; its vector files are in `tmp_path`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ServerPlace(postgres.new_url())
