"""The session in docs/server.md works as it is printed."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests import ROOT
from tests.browser import PROGRAM, free_port
from tests.demo import link_photos, make_home

pytest.importorskip("fastapi")

MARK = "=== next command ==="


def read_session():
    """(command, what it prints) of each command in the document."""
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.mark.slow
def test_the_session_prints_what_the_document_says(tmp_path):
    assert shutil.which("curl"), "curl is not installed"
    home = make_home(tmp_path / "home") if (tmp_path / "home").mkdir() is None else None
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "cosmos-search"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{PROGRAM}' \"$@\"\n")
    program.chmod(0o755)
    link_photos(tmp_path / "work" / "photos")
    session, port = list(read_session()), str(free_port())
    assert len(session) > 12
    script = "".join(f"echo '{MARK}'\n{command}\n" for command, _ in session)
    variables = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COSMOS_SEARCH_INDEX": str(tmp_path / "index"),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
    }
    script = script.replace("cosmos-search serve", f"cosmos-search serve --port {port}").replace(":8502", f":{port}")
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path / "work", env=os.environ | variables
    )
    printed = done.stdout.split(f"{MARK}\n")[1:]
    log = (tmp_path / "work" / "server.log").read_text()
    for (command, expected), found in zip(session, printed, strict=True):
        pattern = ".*?".join(map(re.escape, expected.strip().split("…")))
        assert re.fullmatch(pattern, found.strip(), re.DOTALL), (command, found, done.stderr, log)
    assert done.stderr == ""
    assert "Serving at" in log
    assert log.count("POST /v1/search 200") == 4  # one of them is the command's
    assert list((home / "state" / "cosmos-search" / "servers").iterdir()) == []
