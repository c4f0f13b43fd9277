"""Pipes, devices and folders in place of files that training reads, and links in place of those that it writes."""

import os
import shutil
import signal
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.micro import micro_like
from tests.pictures import CONFIG, make_folder, make_shards
from trainer.cli import train
from trainer.config import save_config
from trainer.runs.folder import RunFolder
from trainer.runs.metrics_log import MetricsLog

KINDS = {
    "a pipe": os.mkfifo,
    "a link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.fixture(autouse=True)
def _no_waiting():
    """Fail instead of waiting indefinitely."""

    def fail(number, frame):
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A folder with data, a tokenizer, a config, and a run made from them."""
    place = tmp_path_factory.mktemp("made")
    make_shards(place / "shards")
    micro_like(place / "like")
    save_config(CONFIG, place / "config.json")
    done = run("run", "--config", place / "config.json", "--data", place / "shards",
               "--tokenizer", place / "like" / "tokenizer.json", "--out", place / "run")  # fmt: skip
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def place(run_folder, tmp_path):
    return Path(shutil.copytree(run_folder, tmp_path / "place"))


def run(*words):
    return CliRunner().invoke(train, [str(word) for word in words])


def put(make, path):
    if path.exists():
        path.unlink()
    make(path)


def sentence(done):
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (1, 2), done.output
    said = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert len(said) == 1, done.stderr
    return said[0]


NAMED = {
    "config.json": ["run", "--config", "config.json", "--data", "shards", "--out", "new"],
    "like/tokenizer.json": [
        "run", "--config", "config.json", "--data", "shards", "--out", "new", "--tokenizer", "like/tokenizer.json",
    ],
    "init.pt": ["run", "--config", "config.json", "--data", "shards", "--out", "new", "--init", "init.pt"],
    "like/config.json": ["run", "--config", "config.json", "--data", "shards", "--out", "new", "--init", "like"],
    "like/model.safetensors": ["run", "--config", "config.json", "--data", "shards", "--out", "new", "--init", "like"],
    "shards/0009.tar": ["run", "--config", "config.json", "--data", "shards", "--out", "new"],
    "run/config.json": ["run", "--resume", "run"],
    "run/sources.json": ["run", "--resume", "run"],
    "run/tokenizer.json": ["run", "--resume", "run"],
    "run/checkpoints/STEP/state.json": ["run", "--resume", "run"],
    "run/checkpoints/STEP/student.safetensors": ["run", "--resume", "run"],
    "run/checkpoints/STEP/optimizer.safetensors": ["run", "--resume", "run"],
    "templates.txt": ["evaluate", "run", "--classes", "classes", "--templates", "templates.txt"],
    "list.csv": ["prepare", "list.csv", "new"],
    "list.jsonl": ["prepare", "list.jsonl", "new"],
    "list.tsv": ["prepare", "list.tsv", "new"],
}  # fmt: skip


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("name", NAMED)
def test_a_path_that_is_not_a_regular_file_is_one_sentence(name, make, place, monkeypatch):
    if name in ("init.pt", "list.csv", "list.jsonl", "list.tsv") and make is KINDS["a folder"]:
        pytest.skip("a folder is another way to name these")
    monkeypatch.chdir(place)
    last = sorted((place / "run" / "checkpoints").iterdir())[-1].name
    put(make, place / name.replace("STEP", last))
    said = sentence(run(*NAMED[name]))
    assert len(said) < 400, said
    assert not (place / "new" / "checkpoints").exists()


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("kind", ["picture", ".txt", ".json"])
def test_a_pair_that_is_not_a_regular_file_is_refused_and_the_others_stay(kind, make, tmp_path):
    folder = make_folder(tmp_path / "pairs")
    (picture, *others) = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))
    if kind == "picture":
        put(make, picture)
    else:
        for old in (".txt", ".json"):
            picture.with_suffix(old).unlink(missing_ok=True)
        make(picture.with_suffix(kind))
    done = run("prepare", folder, tmp_path / "new")
    assert done.exit_code == 0, done.output
    (refused,) = (tmp_path / "new" / "refused.jsonl").read_text().splitlines()
    assert picture.name in refused
    with tarfile.open(tmp_path / "new" / "000000.tar") as shard:
        assert len(shard.getnames()) == 2 * len(others)


@pytest.mark.parametrize("target", ["victim", "nothing"])
@pytest.mark.parametrize("name", ["metrics.jsonl", "refused-0.jsonl"])
def test_a_log_that_is_a_link_is_not_followed(name, target, tmp_path):
    (tmp_path / "victim").write_text('{"step": 0}\n')
    run = tmp_path / "run"
    run.mkdir()
    (run / name).symlink_to(tmp_path / target)
    metrics_log = MetricsLog(RunFolder(run), 0, 5)
    metrics_log.log_metrics(5, {"loss": 1.0})
    metrics_log.close()
    assert (tmp_path / "victim").read_text() == '{"step": 0}\n'
    assert not (tmp_path / "nothing").exists()


def test_an_export_does_not_write_through_a_link_beside_it(place):
    (place / "elsewhere").mkdir()
    (place / ".out.partial").symlink_to(place / "elsewhere")
    assert run("export", place / "run", place / "out").exit_code == 0
    assert list((place / "elsewhere").iterdir()) == []
    assert {path.name for path in (place / "out").iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
