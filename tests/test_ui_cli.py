import socket
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from cosmos_search.cli import main
from ui.agreed import TOKEN
from ui.cli import server_for


def server(host="127.0.0.1", token=None, place=None):
    return server_for(host, 8501, token, browser=False, place=place)


def test_it_is_a_command_of_the_program():
    assert "Open the page" in CliRunner().invoke(main, ["ui", "--help"]).output


def test_only_this_machine_can_reach_it_and_it_says_so():
    alone = server()
    assert "only from this machine" in alone.said
    assert "--server.address=127.0.0.1" in alone.command
    assert "--browser.gatherUsageStats=false" in alone.command
    assert "--server.allowedHosts=127.0.0.1" in alone.command
    assert alone.environment[TOKEN] == ""


def test_another_host_warns_and_has_a_token():
    open_to_all = server("0.0.0.0")
    assert "not encrypted" in open_to_all.said
    assert len(open_to_all.environment[TOKEN]) >= 16
    assert open_to_all.environment[TOKEN] in open_to_all.said
    assert "--server.address=0.0.0.0" in open_to_all.command
    assert server("0.0.0.0", "open sesame").environment[TOKEN] == "open sesame"


def test_a_token_is_never_in_the_list_of_processes():
    assert not any("sesame" in word for word in server(token="open sesame").command)


def test_the_index_is_handed_on(tmp_path):
    assert server(place=tmp_path).environment["COSMOS_SEARCH_INDEX"] == str(tmp_path)


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["ui", "--port", str(port)])
    assert done.exit_code == 2
    assert f"cosmos-search ui --port {port + 1}" in done.output


def test_the_command_is_known_without_loading_the_page():
    check = "import sys, ui.cli; print([m for m in ('streamlit', 'torch', 'PIL', 'numpy') if m in sys.modules])"
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def test_nothing_in_the_current_folder_is_run(tmp_path):
    (tmp_path / "streamlit.py").write_text("raise SystemExit('hacked')")
    command = [*server().command[:3], "version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "version" in done.stdout, done
    assert done.returncode == 0
