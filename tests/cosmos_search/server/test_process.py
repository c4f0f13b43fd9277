"""The process of `cosmos-search serve`: how it is found, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

pytest.importorskip("fastapi")

import cosmos_search
from cosmos_search.client.server_file import find_server
from cosmos_search.server.run import GRACE_S
from tests import ROOT
from tests.browser import PROGRAM
from tests.colour import ColourEncoder, paint_photos
from tests.serving import TOKEN


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(paint_photos(tmp_path / "photos"))
    return tmp_path / "index"


@contextmanager
def serve(place):
    """A running server, and the line that tells its address."""
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0", "--index", str(place), "--token", TOKEN]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline()
        finally:
            process.kill()


def end(process):
    """What the server wrote until its end, after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=120)  # a loaded machine takes long for the end of a process, too
    assert process.returncode == 0, log
    return log


def find_port(line):
    return int(re.search(r":(\d+)/v1", line)[1])


def test_requests_that_do_not_arrive_do_not_keep_a_server_from_ending(place):
    head = f"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99\r\n"
    with ExitStack() as stack:
        process, line = stack.enter_context(serve(place))
        for content in ("", head, f"{head}Expect: 100-continue\r\n\r\n"):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", find_port(line)), timeout=60))
            client.sendall(content.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100")  # the request is being read
        log = end(process)
        assert b" 503 " in client.recv(1000)
    assert "Traceback" not in log
    assert int(re.search(r" POST /v1/search 499 (\d+) ms", log)[1]) < 1000 * GRACE_S  # nor was it cut then


def test_a_second_server_of_an_index_does_not_replace_the_first(place):
    with serve(place) as (first, line), serve(place) as (second, _):
        said = second.stderr.readline()
        address = find_server(place)
        assert (address.port, address.url in said) == (find_port(line), True)
        end(second)
        assert find_server(place) == address
        with serve(place) as (third, line):
            end(first)
            assert find_server(place).port == find_port(line)
            end(third)
    assert find_server(place) is None
    assert list((place.parent / "state" / "cosmos-search" / "servers").iterdir()) == []


def test_the_limit_of_open_files_allows_all_connections():
    code = (
        "import resource as r; from cosmos_search.server.run import raise_file_limit\n"
        "for soft, hard in (500, 3000), (300, 1000), (200, 200):\n"
        "    r.setrlimit(r.RLIMIT_NOFILE, (soft, hard)); raise_file_limit(); print(*r.getrlimit(r.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "2048 3000\n1000 1000\n200 200\n"


def test_the_file_of_a_server_that_was_killed_is_removed_by_the_next(place):
    with serve(place) as (process, _):
        process.kill()
        process.wait()
    with serve(place) as (process, line):
        assert find_server(place).port == find_port(line)
        assert len(list((place.parent / "state" / "cosmos-search" / "servers").iterdir())) == 1
        end(process)
