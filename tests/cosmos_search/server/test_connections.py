"""Clients that are slow, idle, or too many do not keep the server from others."""

import json
import socket
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from select import select
from threading import Barrier, Event, Thread

import pytest

pytest.importorskip("fastapi")

from cosmos_search.client.wire import Answer
from cosmos_search.server.connection import Connection
from cosmos_search.server.service import Service
from tests.serving import TOKEN, serving

GET = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n"
UPLOAD = POST % b"search" + b"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
UNFINISHED = {
    "nothing": b"",
    "part of a header": GET,
    "part of a second header": GET + b"\r\n" + GET,
    "part of a body": UPLOAD + b"{",
    "no chunk of a body": POST % b"search" + b"Transfer-Encoding: chunked\r\n\r\n",
    "the rest of a body that was refused": POST % b"index" + b"Content-Length: 1000000\r\n\r\n{",
}  # fmt: skip


class Hasty(Connection):
    """Limits that a test can wait for."""

    WINDOW_S = 0.4
    MAX_CONNECTIONS = 8


@pytest.fixture(scope="module")
def hasty(library):
    with serving(Service(library), Hasty) as caller:
        yield caller


@contextmanager
def connect(port, content=b""):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(content)
        yield client


def wait_for_end(client):
    """Read until the server closes the connection."""
    with suppress(ConnectionResetError):
        while client.recv(1 << 16):
            pass


def read_error(client):
    """Status, headers and sentence of a response that is an error."""
    response = HTTPResponse(client)
    response.begin()
    values = json.loads(response.read())
    assert list(values) == ["error"]
    return response.status, {name.lower(): value for name, value in response.getheaders()}, values["error"]


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_connection_without_a_whole_request_is_closed(hasty, name):
    with connect(hasty.port, UNFINISHED[name]) as client:
        wait_for_end(client)


def test_a_request_that_began_is_told_why_it_is_refused(hasty):
    for content in (GET, UPLOAD + b"{"):
        with connect(hasty.port, content) as client:
            status, headers, sentence = read_error(client)
        assert (status, headers["connection"], sentence) == (
            408,
            "close",
            "The request did not arrive within 0.4 seconds.",
        )


def test_a_byte_now_and_then_is_too_slow(hasty):
    for content in (GET + b"X: ", UPLOAD):
        with connect(hasty.port, content) as client:
            while not select([client], [], [], 0.05)[0]:
                client.sendall(b" ")
            assert read_error(client)[0] == 408


def test_a_long_upload_takes_its_time(library):
    """It takes two windows, in each of which enough bytes arrive."""

    class Normal(Connection):
        WINDOW_S = 1.0

    text = json.dumps({"image": "A" * 999_984}).encode() + b"   "
    assert len(text) == 1_000_000
    with serving(Service(library), Normal) as caller, connect(caller.port, UPLOAD) as client:
        for at in range(0, len(text), 100_000):
            assert not select([client], [], [], 0.2)[0]
            client.sendall(text[at : at + 100_000])
        assert read_error(client)[2].startswith("The file can't be used")


def test_a_client_that_does_not_read_its_answers_is_disconnected(hasty):
    request = (
        b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    )
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", hasty.port))
        with pytest.raises(ConnectionError):
            client.sendall(request * 100_000)


def test_many_unfinished_requests_leave_room_for_a_whole_one(library):
    class Patient(Hasty):
        WINDOW_S = 60.0

    with serving(Service(library), Patient) as caller, ExitStack() as stack:
        for content in list(UNFINISHED.values()) * 10:
            stack.enter_context(connect(caller.port, content))
        for _ in range(3):
            assert caller.get("/v1/health").status == 200


def test_when_all_connections_are_at_work_the_next_is_told_so(library):
    class Single(Hasty):
        WINDOW_S = 60.0
        MAX_CONNECTIONS = 1

    began, may_end = Barrier(2), Event()

    def answer(search):
        began.wait(timeout=20)
        assert may_end.wait(timeout=20)
        return Answer([])

    with serving(Service(library, answer), Single) as caller:
        replies = []
        thread = Thread(target=lambda: replies.append(caller.post("/v1/search", {"text": "red"})))
        thread.start()
        began.wait(timeout=20)
        with connect(caller.port, GET + b"\r\n") as client:
            status, headers, sentence = read_error(client)
        assert (status, headers["retry-after"], sentence.startswith("The server has too many")) == (503, "1", True)
        may_end.set()
        thread.join()
        assert replies[0].status == 200
        assert caller.get("/v1/health").status == 200


def test_what_is_not_http_is_answered_with_an_error_in_json(server):
    for content in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", GET + b"Content-Length: -1\r\n\r\n",
                    GET + b"X: " + b"x" * 100_000):  # fmt: skip
        with connect(server.port, content) as client:
            assert read_error(client)[0] == 400


def test_a_body_that_breaks_off_or_is_not_valid_logs_no_traceback(server, caplog):
    chunked = POST % b"search" + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for content in (UPLOAD + b"{", chunked + b"zz\r\n"):
        with connect(server.port, content) as client:
            client.shutdown(socket.SHUT_WR)
            wait_for_end(client)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_large_request_is_refused_before_its_body(server):
    for path, n in ((b"search", 10**12), (b"index", 10**6), (b"search", 10**19)):
        with connect(server.port, POST % path + b"Content-Length: %d\r\n\r\n" % n) as client:
            assert read_error(client)[0] == 413
