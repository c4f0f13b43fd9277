"""The command `index --cluster` in processes of its own, as a user runs it."""

import json
import os
import signal
import subprocess
import sys

import pytest
from platformdirs import user_cache_path

from tests import ROOT
from tests.cluster.wait import DEADLINE_S, wait_until
from tests.colour import COLOURS, paint
from tests.rows import run_sql

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

COMMAND = [sys.executable, "-c", "from cosmos_search.cli.main import main; main()", "index", "--json"]
N_PICTURES = 80


@pytest.fixture
def photos(tmp_path):
    for i in range(N_PICTURES):
        paint(tmp_path / "photos" / f"d{i // 30}" / f"{i}.png", COLOURS[i % 8], (300, 200), seed=i)
    return tmp_path / "photos"


@pytest.fixture
def prepared_models(monkeypatch, tmp_path):
    """The built-in encoder's files are not made again in the test's own cache."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    models = user_cache_path("cosmos-search") / "models"
    models.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache" / "cosmos-search").mkdir(parents=True)
    (tmp_path / "cache" / "cosmos-search" / "models").symlink_to(models)


@pytest.fixture
def start(ray_cluster, server_place, photos, prepared_models):
    """A function that starts the command; all processes that run are killed at the end."""
    started = []

    def start():
        words = [*COMMAND, str(photos), "--index", server_place.url, "--cluster", ray_cluster.address]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def count(place):
    """The number of indexed pictures; 0 before there are tables."""
    ((is_there,),) = run_sql(place, "SELECT to_regclass('pictures') IS NOT NULL")
    return run_sql(place, "SELECT count(*) FROM pictures")[0][0] if is_there else 0


def test_ctrl_c_stops_the_workers_after_their_batches_and_a_second_run_resumes(start, server_place):
    first = start()
    wait_until(lambda: count(server_place))
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does
    output, errors = first.communicate(timeout=DEADLINE_S)
    report = json.loads(output)
    assert first.returncode == 130, errors
    assert errors == "Stopped. Everything counted above is stored; to resume, run the same command again.\n"
    assert 0 < report["added"] == count(server_place) < N_PICTURES
    second = start()
    output, errors = second.communicate(timeout=DEADLINE_S)
    assert (second.returncode, errors) == (0, "")
    assert json.loads(output)["added"] == N_PICTURES - report["added"]
    assert count(server_place) == N_PICTURES


def test_of_two_first_runs_at_once_one_indexes_and_one_says_that_it_does(start, server_place):
    runs = [start(), start()]
    results = [(*run.communicate(timeout=DEADLINE_S), run.returncode) for run in runs]
    assert count(server_place) == N_PICTURES
    assert run_sql(server_place, "SELECT count(*) FROM encoders") == [(1,)]
    assert run_sql(server_place, "SELECT count(*), count(DISTINCT picture_id) FROM vectors") == [(N_PICTURES,) * 2]
    assert sorted(code for _, _, code in results) == [0, 1], results
    for output, errors, code in results:
        if code:
            assert (output, len(errors.splitlines())) == ("", 1)
            assert "Another process is writing to the index" in errors
        else:
            assert (json.loads(output)["added"], errors) == (N_PICTURES, "")
