import re

import pytest

pytest.importorskip("fastapi")

from benchmarks.speed import server


def test_clients_get_answers_without_an_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["server", "--pictures", "200", "--minutes", "0.02"])
    monkeypatch.setattr(server, "N_COMMANDS", 1)
    server.main()
    table = capsys.readouterr().out
    assert re.findall(r"^\| (\d+).*\| (\d+) \|$", table, re.MULTILINE) == [
        ("1", "0"),
        ("8", "0"),
        ("32", "0"),
        ("8", "0"),
    ]
    assert "with the server" in table
