"""What visitors who have not said the token can do to a real server, and what it tells them: over loopback."""

import re
import sys
from contextlib import suppress
from socket import SHUT_WR, create_connection
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
import streamlit
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed

from tests import ROOT
from tests.browser import page
from tests.demo import make_home
from tests.ui.test_message_filter import ESCAPES, KINDS, VALUES, message, rerun, state
from tests.visitor import visit
from ui.session.login import MAX_WRONG_PER_ADDRESS

ASKED = "The token was printed in the terminal"
TOKEN = "open sesame"


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path)


@pytest.fixture
def address(home, tmp_path):
    """A page with a token, without pictures."""
    with page(tmp_path / "index", home, TOKEN) as address:
        yield address


@pytest.fixture
def said(home):
    """The lines that the server has written to the terminal, but for how it was started."""
    return lambda: (home / "page.log").read_text(encoding="utf-8").splitlines()[1:]


def status(address, path, method="GET", content=None):
    try:
        with urlopen(Request(address + path, content, method=method), timeout=10) as got:
            return got.status
    except HTTPError as error:
        return error.code


def enter(visitor):
    visitor.say(TOKEN)
    assert ASKED not in visitor.run().text  # without what was drawn before the token was looked at


def operation(payload, request_id=ESCAPES):
    made = message("backend_operation_request")
    made.backend_operation_request.request_id = request_id
    getattr(made.backend_operation_request, payload).SetInParent()
    return made


BAD = {kind: message(kind).SerializeToString() for kind in KINDS}
BAD |= {
    payload: operation(payload).SerializeToString()
    for payload in ("deferred_file", "install_skills", "dismiss_skills_nudge", "dataframe_chunk")
}
BAD |= {
    "hashes and names": rerun(page_script_hash=ESCAPES, page_name=ESCAPES, fragment_id=ESCAPES).SerializeToString(),
    "a long address": rerun(query_string=f"{ESCAPES}&" * 5000).SerializeToString(),
    "a foreign widget": rerun(WidgetState(id=ESCAPES, string_value=ESCAPES)).SerializeToString(),
    "no message": b"\xff" * 100,
    "nothing": b"",
    "much": b"\0" * (30 << 20),
    "text": ESCAPES,
}


@pytest.mark.parametrize("is_in", [False, True])
def test_no_message_writes_to_the_terminal_or_ends_the_session(is_in, address, said):
    with visit(address) as visitor:
        visitor.run()
        if is_in:
            enter(visitor)
        for name, content in BAD.items():
            if name == "much" and is_in:
                continue  # Streamlit closes the connection, and says so
            visitor.send(content)
            visitor.run()
            assert (ASKED in visitor.text) != is_in, name
    # Nothing before login; after it at most a line for a message, where Streamlit logs an error of its own.
    assert len(said()) <= (len(BAD) if is_in else 0), "\n".join(said())
    assert all(line.isprintable() for line in said())


def test_no_value_of_the_gates_own_widgets_writes_to_the_terminal(address, said):
    with visit(address) as visitor:
        visitor.run()
        field = next(one.text_input.id for one in visitor.shown if one.HasField("text_input"))
        button = next(one.button.id for one in visitor.shown if one.HasField("button"))
        for value in VALUES:
            for other in VALUES:
                assert ASKED in visitor.run([state(field, value), state(button, other)]).text
    assert said() == []


def test_a_bad_value_of_who_is_in_is_a_line_at_most(address, said):
    with visit(address) as visitor:
        visitor.run()
        enter(visitor)
        field = next(one.text_input.id for one in visitor.shown if one.HasField("text_input"))
        for value in VALUES:
            visitor.run([state(field, value)])
    assert len(said()) <= len(VALUES)
    assert all(line.isprintable() for line in said())


@pytest.mark.parametrize(
    "content",
    [
        b"\x1b[31m\r\n\r\n",
        b"GET / HTTP/9.9\x1b\r\n\r\n",
        b"GET /\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: \x1b\r\nSec-WebSocket-Version: 99\r\n\r\n",
        b"GET /_stcore/stream HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n\xff\xff\xff\xff\x1b\x1b",
    ],
)
def test_what_is_no_request_is_a_line_at_most(content, address, said):
    place = urlsplit(address)
    with create_connection((place.hostname, place.port), 10) as plain:
        plain.sendall(content.replace(b"HOST", place.netloc.encode()))
        plain.shutdown(SHUT_WR)
        with suppress(ConnectionError):
            while plain.recv(1000):
                pass
    assert status(address, "_stcore/health") == 200
    assert len(said()) <= 1
    assert all(line.isprintable() for line in said())


def test_no_program_is_run_for_a_visitor(home, tmp_path):
    """Every program that the server looked for would leave a trace."""
    programs, trace = tmp_path / "bin", tmp_path / "trace"
    programs.mkdir()
    for name in ("git", "sh", "uname"):
        (programs / name).write_text(f"#!/bin/sh\necho {name} >> {trace}\n")
        (programs / name).chmod(0o755)
    with page(tmp_path / "index", home, TOKEN, variables={"PATH": str(programs)}) as address, visit(address) as visitor:
        for _ in range(2):  # before the token, and after it
            visitor.send(BackMsg(load_git_info=True).SerializeToString())
            visitor.run()
            assert not any(one.HasField("git_info_changed") for one in visitor.told)
            visitor.say(TOKEN)
    assert not trace.exists()


@pytest.mark.parametrize("is_in", [False, True])
def test_the_server_does_not_tell_what_it_is_and_where(is_in, address, home):
    with visit(address) as visitor:
        visitor.run()
        if is_in:
            enter(visitor)
        told = b"".join(one.SerializeToString() for one in visitor.told if one.HasField("new_session"))
        news = next(one.new_session for one in visitor.told if one.HasField("new_session"))
    assert news.initialize.HasField("user_info")  # what Streamlit's script in the browser insists on
    assert news.initialize.HasField("environment_info")
    assert not news.initialize.user_info.ListFields()
    assert not news.initialize.environment_info.ListFields()
    for secret in (ROOT, home, sys.prefix, streamlit.__version__, sys.platform):
        assert str(secret).encode() not in told
    assert not re.search(rb"/[a-z]+/[a-z]+/", told)


def test_only_what_the_page_uses_is_there(address):
    for path in ("", "?query=a", "favicon.png", "_stcore/health", "_stcore/host-config"):
        assert status(address, path) == 200, path
    index = urlopen(address).read().decode()
    for path in re.findall(r'(?:src|href)="\./(static/[^"]+)"', index):
        assert status(address, path) == 200, path
    for path in (
        "_stcore/metrics",
        "_stcore/script-health-check",
        "_stcore/allowed-message-origins",
        "_stcore/agent/sessions",
        "_stcore/agent/mcp",
        "_stcore/bidi-components/a/b.js",
        "_stcore/",
        "_stcore",
        "healthz",
        "component/a/index.html",
        "app/static/app.py",
        "auth/login",
        "auth/logout",
        "oauth2callback",
        "elsewhere",
        "docs",
        "_stcore%2Fmetrics",
        "/_stcore/metrics",
        "static/../_stcore/metrics",
        "static/%2e%2e/_stcore/metrics",
        "_stcore/METRICS",
        "_stcore/metrics/",
        "page/outline",
        "page/suggestions",
        "page/pictures/1/thumbnail",
        "page/pictures/1/original",
        "page/../page/outline",
        "scripts/../app.py",
        "scripts/land.json",
    ):
        assert status(address, path) in (400, 403, 404), path
    assert status(address, "scripts/grid.js") == 200  # code, which needs no login, as Streamlit's
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        assert status(address, "", method) == 404
        assert status(address, "page/pictures/1/albums", method, b"{}") == 403


def test_files_are_taken_only_from_who_is_in(address):
    with visit(address) as visitor:
        visitor.run()
        path = f"_stcore/upload_file/{visitor.session}/1"
        assert status(address, path, "PUT", b"x") == 404
        visitor.say(TOKEN)
        assert status(address, path, "PUT", b"x") == 403  # Streamlit itself wants its cookie
        assert status(address, "_stcore/upload_file/other/1", "PUT", b"x") == 404


def test_who_is_in_stays_in_when_the_connection_breaks(address):
    with visit(address) as visitor:
        visitor.run()
        enter(visitor)
        session = visitor.session
    with visit(address, session=session) as visitor:
        assert ASKED not in visitor.run().text
        assert visitor.session == session
    with visit(address, session="other") as visitor:
        assert ASKED in visitor.run().text


@pytest.mark.parametrize(
    "variables", [{}, {"FORWARDED_ALLOW_IPS": "*"}, {"WEB_CONCURRENCY": "many", "UVICORN_FORWARDED_ALLOW_IPS": "*"}]
)
def test_no_header_makes_another_address_of_a_visitor(variables, home, tmp_path):
    with page(tmp_path / "index", home, TOKEN, variables=variables) as address:
        for i in range(MAX_WRONG_PER_ADDRESS + 1):
            forged = f"192.0.2.{i}"
            headers = {"X-Forwarded-For": forged, "Forwarded": f"for={forged}", "X-Real-IP": forged}
            with visit(address, headers=headers) as guesser:
                guesser.run()
                text = guesser.say(f"guess {i}").text
        assert "Too many wrong tokens" in text


def test_a_connection_goes_on_after_a_text_frame(address):
    with visit(address) as visitor:
        visitor.run()
        visitor.send("text")
        try:
            assert ASKED in visitor.run().text
        except ConnectionClosed as closed:
            raise AssertionError("it was closed") from closed
