import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cosmos_search.cli.main import main
from indexer.errors import UsageError
from tests import ROOT
from tests.browser import PROGRAM, is_up, until
from tests.demo import make_home
from ui.cli import plan_server
from ui.settings import TOKEN, ServerOptions

OTHER_SETTINGS = """
from streamlit import config

def other(value):
    if isinstance(value, bool):
        return str(not value).lower()
    if isinstance(value, (int, float)):
        return value + 1
    return {list: '["DIFFERENT"]', dict: '{DIFFERENT = "a"}'}.get(type(value), '"DIFFERENT"')

for name, option in config.get_config_options().items():
    print(name, "=", other(option.default_val))
"""
EFFECTIVE = """
import sys
from ui.settings import ServerOptions
from ui.serve import serve

try:
    serve(ServerOptions("127.0.0.1", int(sys.argv[1]), opens_browser=False, has_token=False))
except SystemExit:  # the port is taken
    from streamlit import config
    for name, option in sorted(config.get_config_options().items()):
        if not option.sensitive:
            print(name, option.value)
    print(config.get_option("server.cookieSecret") in ("", None, "DIFFERENT"))
"""


def effective(folder):
    """Every option of Streamlit as the page's server has it, where `folder` is the current directory and the home."""
    environment = os.environ | {"HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-c", EFFECTIVE, str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.stdout.endswith("False\n"), done
    return done.stdout.replace(command[-1], "PORT")


def server(host="127.0.0.1", token=None, place=None):
    return plan_server(host, 8501, token, browser=False, place=place)


def test_it_is_a_command_of_the_program():
    assert "Open the web page" in CliRunner().invoke(main, ["ui", "--help"]).output


def test_only_this_machine_can_reach_it_and_it_says_so():
    alone = server()
    assert "this machine only" in alone.notice
    assert ServerOptions.parse(alone.command[3:]) == ServerOptions(
        "127.0.0.1", 8501, opens_browser=False, has_token=False
    )
    assert alone.environment[TOKEN] == ""


def test_another_host_warns_and_has_a_token():
    open_to_all = server("0.0.0.0")
    assert "not encrypted" in open_to_all.notice
    assert len(open_to_all.environment[TOKEN]) >= 22  # 128 bits
    assert open_to_all.environment[TOKEN] in open_to_all.notice
    assert ServerOptions.parse(open_to_all.command[3:]) == ServerOptions(
        "0.0.0.0", 8501, opens_browser=False, has_token=True
    )
    assert server("0.0.0.0", "open sesame").environment[TOKEN] == "open sesame"


def test_a_token_is_never_in_the_list_of_processes():
    assert not any("sesame" in word for word in server(token="open sesame").command)


@pytest.mark.parametrize("empty", ["", " ", "\t"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_an_empty_token_is_refused(host, empty):
    with pytest.raises(UsageError, match="token is empty"):
        server(host, empty)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "192.0.2.1"])
@pytest.mark.parametrize("left", [None, "", " "])
def test_nothing_is_served_where_the_token_is_gone(host, left, tmp_path):
    wanted = server(host, "open sesame")
    environment = {name: value for name, value in wanted.environment.items() if name != TOKEN}
    environment |= {} if left is None else {TOKEN: left}
    done = subprocess.run(wanted.command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "is missing" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("given", ["index", "./index", "../here/index", "~/index"])
def test_the_index_is_where_the_user_meant(given, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    named = Path(server(place=Path(given)).environment["COSMOS_SEARCH_INDEX"])
    assert named.is_absolute()
    assert named.resolve() == tmp_path / "here" / "index"


def test_variables_that_name_directories_keep_their_meaning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSMOS_SEARCH_MODELS", "models")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    environment = server().environment
    assert environment["COSMOS_SEARCH_MODELS"] == str(tmp_path / "models")
    assert environment["XDG_CACHE_HOME"] == ""


@pytest.mark.parametrize(
    "name",
    [
        "STREAMLIT_SERVER_ENABLE_CORS",
        "STREAMLIT_SECRETS_FILES",
        "streamlit_server_port",
        "FORWARDED_ALLOW_IPS",
        "WEB_CONCURRENCY",
        "UVICORN_PROXY_HEADERS",
    ],
)
def test_variables_of_the_server_are_not_handed_on(name, monkeypatch):
    monkeypatch.setenv(name, "false")
    assert name not in server("0.0.0.0").environment


def test_no_file_of_settings_changes_any_option(tmp_path):
    """Every option that Streamlit has is set to something else in the home and in the current directory."""
    written = subprocess.run(
        [sys.executable, "-c", OTHER_SETTINGS], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert written.count("=") > 100
    clean, hostile = tmp_path / "clean", tmp_path / "hostile"
    for folder, text in ((clean, ""), (hostile, written)):
        (folder / ".streamlit").mkdir(parents=True)
        (folder / ".streamlit" / "config.toml").write_text(text)
    assert "server.enableCORS True" in effective(clean)
    assert effective(hostile) == effective(clean)


def invoke(*options):
    return CliRunner().invoke(main, ["ui", "--no-browser", *options])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "0"])
def test_a_port_that_is_taken_is_said(host):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = invoke("--host", host, "--port", str(port))
    assert done.exit_code == 2
    assert f"--port {port + 1}" in done.output
    assert "is running at" not in done.output


@pytest.mark.parametrize("port", ["-1", "65536", "70000", "1e3", "", "8501.5", "99999999999999999999"])
def test_what_is_no_port_is_said(port):
    done = invoke("--port", port)
    assert done.exit_code == 2
    assert "--port" in done.output
    assert "cosmos-search is running at" not in done.output


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "300.1.1.1",
        "192.0.2.1",
        "2001:db8::1",
        "[::1]",
        "::zz",
        ":",
        "127.0.0.1:8501",
        "http://127.0.0.1",
        "\xe4..b",
        "..",
        "a" * 300,
        "\udce4",
        "a\nb\x1b[1m",
        "a\0b",
    ],
)
def test_an_address_that_this_machine_lacks_is_said_in_one_sentence(host):
    done = invoke("--host", host, "--port", "0")
    assert done.exit_code == 2
    assert "--host 127.0.0.1 for this machine only" in done.output
    assert "--port" not in done.output
    assert len(done.output.splitlines()) == 1
    assert done.output.strip().isprintable()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_the_port_that_is_announced_is_the_one_that_is_served(host, tmp_path):
    command = [sys.executable, "-c", PROGRAM, "ui", "--no-browser", "--port", "0", "--host", host]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(make_home(tmp_path)), TOKEN: ""}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as server:
        try:
            said = server.stderr.readline()
            address = re.fullmatch(
                r"cosmos-search is running at (http://127\.0\.0\.1:[1-9]\d*) \(this machine only\).*\n", said
            )[1]
            until(lambda: is_up(f"{address}/"))
        finally:
            server.terminate()


def test_a_short_token_for_other_machines_is_warned_of():
    assert "short" in server("0.0.0.0", "open sesame").notice
    assert "short" not in server("0.0.0.0", "a long secret of mine").notice
    assert "short" not in server("0.0.0.0").notice
    assert "short" not in server("127.0.0.1", "open sesame").notice


def test_the_command_is_known_without_loading_the_page():
    check = "import sys, ui.cli; print([m for m in ('streamlit', 'torch', 'PIL', 'numpy') if m in sys.modules])"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def test_nothing_in_the_current_folder_is_run(tmp_path):
    for name in ("streamlit", "ui", "uvicorn", "click"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hacked')")
    wanted = server(token="open sesame")
    environment = {name: value for name, value in wanted.environment.items() if name != TOKEN}
    done = subprocess.run(wanted.command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert "is missing" in done.stderr
