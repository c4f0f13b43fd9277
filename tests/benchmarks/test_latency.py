import pytest

from benchmarks.speed import latency


@pytest.mark.parametrize(("vectors", "n"), [("themed", 4000), ("mixed", 20_000)])
def test_nearly_all_of_the_best_ten_are_found(vectors, n, monkeypatch, capsys):
    """Whatever the query and the filter, and after changes: the promise in the README."""
    arguments = ["--pictures", str(n), "--vectors", vectors, "--queries", "8", "--min-recall", "0.99"]
    monkeypatch.setattr("sys.argv", ["latency", *arguments])
    latency.main()
    table = capsys.readouterr().out
    assert table.count("1.000") > 10
    assert "removed: 3 sentences" in table
