"""One training a folder, and nothing left of a killed one."""

import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from indexer.errors import CosmosSearchError
from tests import ROOT
from tests.micro import micro_like
from tests.pictures import CONFIG
from tests.run_training import run_apart
from trainer.config import save_config
from trainer.data.samples import open_source
from trainer.runs.checkpoints import checkpoints
from trainer.runs.launch import Sources, resume_run, start_run
from trainer.runs.loop import resume, train

SHORT = replace(CONFIG, n_steps=2, save_every=1)
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
HOLD = """
import sys, torch
from pathlib import Path
from trainer.runs.distributed import Ranks
from trainer.runs.folder import claimed
with claimed(Path(sys.argv[1]), Ranks(0, 1, torch.device("cpu"))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold():
    """Has another process hold a run's folder; returns the process."""
    started = []

    def start(run):
        command = [sys.executable, "-c", HOLD, str(run)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", ["train", "start_run", "resume", "resume_run"])
def test_a_second_training_is_refused_and_changes_nothing_until_the_first_has_died(
    way, data, tokenizer, tmp_path, hold
):
    run, source, file = tmp_path / "run", open_source(data), tmp_path / "letters" / "tokenizer.json"
    ways = {
        "train": lambda: train(SHORT, source, tokenizer, run),
        "start_run": lambda: start_run(SHORT, Sources(str(data)), run, tokenizer=file),
        "resume": lambda: resume(run, source, tokenizer),
        "resume_run": lambda: resume_run(run, data=str(data)),
    }
    if way.startswith("resume"):
        start_run(SHORT, Sources(str(tmp_path / "data")), run, tokenizer=file)
        save_config(replace(SHORT, n_steps=3), run / "config.json")
    first = hold(run)
    before = content(run)
    with pytest.raises(CosmosSearchError, match=r"^Another training writes to [^\n]*\.$"):
        ways[way]()
    assert content(run) == before
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert ways[way]().exists()


def test_a_running_training_is_not_joined_by_another_one(data, tokenizer, tmp_path):
    said = []

    def evaluate(student, teacher):
        file = tmp_path / "letters" / "tokenizer.json"
        said.append(run_apart(tmp_path / "run", data, file, "resume").stderr.splitlines()[-1])
        return 0.5

    train(replace(SHORT, n_steps=1, workers=1), open_source(data), tokenizer, tmp_path / "run", evaluate=evaluate)
    assert len(said) == 1
    assert "CosmosSearchError: Another training writes to" in said[0]
    resume(tmp_path / "run", open_source(data), tokenizer)


@pytest.mark.slow
def test_of_two_processes_both_end_where_the_folder_is_taken(data, tmp_path, hold):
    file = micro_like(tmp_path / "letters") / "tokenizer.json"
    hold(tmp_path / "run")
    save_config(SHORT, tmp_path / "run.json")
    done = run_apart(tmp_path / "run", data, file, launcher=LAUNCHER)
    assert done.returncode != 0
    assert done.stderr.count("CosmosSearchError: Another training writes to") >= 2
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_what_a_killed_run_left_is_swept_and_all_else_stays(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    train(SHORT, open_source(data), tokenizer, run)
    kept = content(run)
    for folder in (".step-00000002.partial", ".step-00000001.old"):
        (run / "checkpoints" / folder).mkdir()
        (run / "checkpoints" / folder / "student.safetensors").write_bytes(b"torn")
    left = ["checkpoints/.step-00000009.partial", "checkpoints/step-00000001/.state.json", ".metrics.jsonl.partial"]
    left += [".refused-1.jsonl.partial"]
    for name in left:
        (run / name).write_text("torn")
    (tmp_path / "elsewhere").mkdir()
    (run / "checkpoints" / ".step-00000007.old").symlink_to(tmp_path / "elsewhere")
    resume(run, open_source(data), tokenizer)
    names = {path.relative_to(run).as_posix() for path in run.rglob("*")}
    assert not [name for name in names if ".step-" in name or "partial" in name or name.endswith(".state.json")]
    assert {path for path in kept if "tensorboard" not in path.parts} <= content(run).keys()
    assert (tmp_path / "elsewhere").is_dir()


def test_a_run_that_was_killed_at_its_beginning_can_begin_again(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in (".refused-0.jsonl.partial", ".metrics.jsonl.partial", "config.json", ".lock"):
        (run / name).write_text("")
    train(SHORT, open_source(data), tokenizer, run)
    assert checkpoints(run)[-1].name == "step-00000002"
