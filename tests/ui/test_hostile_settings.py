"""The page is started in directories that would change how Streamlit serves it: as a real process, over loopback."""

import shutil
from contextlib import contextmanager
from socket import socket
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import InvalidStatus

from tests import DATA
from tests.browser import page, until
from tests.demo import link_photos, make_home, make_index
from tests.visitor import visit
from ui.session.login import MAX_WRONG_PER_ADDRESS

HOSTILE = DATA / "streamlit-folder"
ASKED = "The token was printed in the terminal"
FOREIGN = [
    "http://evil.example",
    "null",
    "http://localhost:1",
    "http://127.0.0.1:1",
    "http://0.0.0.0",
    "https://a.streamlit.app",
]
VARIABLES = {
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_SERVER_ENABLE_AGENT_API": "true",
    "STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true",
    "STREAMLIT_SECRETS_FILES": str(HOSTILE / ".streamlit" / "secrets.toml"),
    "STREAMLIT_GLOBAL_DEVELOPMENT_MODE": "true",
    "STREAMLIT_SERVER_COOKIE_SECRET": "known",
}
WORSE = """
[server]
enableCORS = false
enableXsrfProtection = false
enableAgentApi = true
enableStaticServing = true
allowedHosts = ["*"]
corsAllowedOrigins = ["http://evil.example"]
baseUrlPath = "elsewhere"
sslCertFile = "/nowhere"
trustedUserHeaders = {evil = "email"}
[client]
allowedOrigins = ["http://evil.example"]
showErrorDetails = "full"
[global]
developmentMode = true
[browser]
gatherUsageStats = true
[secrets]
files = ["SECRETS"]
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    return make_index(folder / "index", link_photos(folder / "photos"))


def worsen(folder):
    """A `.streamlit` with all that could matter."""
    target = folder / ".streamlit"
    shutil.copytree(HOSTILE / ".streamlit", target)
    (target / "config.toml").write_text(WORSE.replace("SECRETS", str(target / "secrets.toml")))


@pytest.fixture(params=["the folder it is started from", "the home", "variables"])
def hostile(request, tmp_path, index):
    """A page with a token, for other machines, where one of them is hostile."""
    home, here = make_home(tmp_path), tmp_path / "here"
    here.mkdir()
    if request.param == "the folder it is started from":
        shutil.rmtree(here)
        shutil.copytree(HOSTILE, here)
    elif request.param == "the home":
        worsen(home)
    variables = VARIABLES if request.param == "variables" else {}
    with page(index, home, "open sesame", options=("--host", "0.0.0.0"), cwd=here, variables=variables) as address:
        yield address


def answer(address, path, **headers):
    """The status of a request, and what came."""
    try:
        with urlopen(Request(address + path, headers=headers), timeout=10) as got:
            return got.status, got.read().decode("utf-8", "replace")
    except HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


@contextmanager
def refused():
    with pytest.raises(InvalidStatus) as caught:
        yield
    assert caught.value.response.status_code == 403


def test_the_token_is_asked_and_nobody_elses_page_is_log_in(hostile):
    with visit(hostile) as visitor:
        assert ASKED in visitor.run(query="query=a+cat").text
        assert "Search" not in visitor.text
        assert "Wrong token" in visitor.say("").text
        assert "Wrong token" in visitor.say("open barley").text
        assert "Newest pictures" in visitor.say("open sesame").text
    for origin in FOREIGN:
        with refused(), visit(hostile, origin):
            pass
        assert answer(hostile, "_stcore/host-config", Origin=origin)[0] == 403
    own = hostile.rstrip("/")
    with visit(hostile, own) as visitor:
        assert ASKED in visitor.run().text
    status, config = answer(hostile, "_stcore/host-config", Origin=own)
    assert status == 200
    assert '"allowedOrigins":[]' in config
    assert answer(hostile, "_stcore/agent/sessions")[0] in (403, 404, 405)
    assert answer(hostile, "app/static/app.py")[1].count("set_page_config") == 0


def test_a_page_for_this_machine_alone_has_no_other_name(tmp_path, index):
    with page(index, make_home(tmp_path)) as address:
        port = urlsplit(address).port
        for host in (f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", f"localhost@evil.example:{port}"):
            assert answer(address, "", Host=host)[0] == 403
        with refused(), visit(address, f"http://evil.example:{port}", f"evil.example:{port}"):
            pass
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"LOCALHOST:{port}"):
            assert answer(address, "", Host=host)[0] == 200
        with visit(address, f"http://localhost:{port}", f"localhost:{port}") as visitor:
            assert "Newest pictures" in visitor.run().text


def test_wrong_tokens_are_counted_over_all_sessions(tmp_path, index):
    with page(index, make_home(tmp_path), "open sesame") as address, visit(address) as inside:
        inside.run()
        assert "Newest pictures" in inside.say("open sesame").text
        answers = []
        for i in range(MAX_WRONG_PER_ADDRESS + 2):
            with visit(address) as guesser:
                guesser.run()
                answers.append(guesser.say(f"guess {i}").text)
        assert ["Wrong token" in text for text in answers] == [True] * MAX_WRONG_PER_ADDRESS + [False] * 2
        assert all("Too many wrong tokens" in text for text in answers[-2:])
        assert "Newest pictures" in inside.run().text


def test_nothing_is_looked_up_outside_when_another_site_tries_to_connect(tmp_path, index):
    """All that the server asks of the web would come to our proxy."""
    with socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        here = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        variables = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"), here)
        options = "--host", "0.0.0.0"
        with page(index, make_home(tmp_path), "open sesame", options=options, variables=variables) as address:
            for origin in FOREIGN:
                with refused(), visit(address, origin):
                    pass
            with visit(address) as visitor:
                visitor.run()
                assert "Newest pictures" in visitor.say("open sesame").text
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_who_does_not_know_the_token_cannot_make_the_page_forget(tmp_path):
    with page(tmp_path / "index", make_home(tmp_path), "open sesame") as address, visit(address) as inside:
        inside.run()
        inside.say("open sesame")
        inside.press("Or use the demo photos")
        until(lambda: "Done" in inside.run(query="view=library").text, "it is not indexed")
        with visit(address) as stranger:
            stranger.run()
            stranger.clear_cache()
            assert ASKED in stranger.run().text  # so the server has read the message before
        assert "Done" in inside.run(query="view=library").text


def test_nobody_is_log_in_by_what_a_browser_says_of_the_session(tmp_path, index):
    with page(index, make_home(tmp_path), "open sesame") as address:
        for value in ({"bool_value": True}, {"trigger_value": True}, {"string_value": "x"}, {"json_value": "true"}):
            with visit(address) as visitor:
                assert ASKED in visitor.run().text
                for states in ([WidgetState(id="passed", **value)], []):
                    assert "Search" not in visitor.run(states).text
