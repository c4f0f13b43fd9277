"""The folder of a run: one process group writes to it, leftovers are removed, one module names its files."""

import json
import re
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
from tests.test_errors import strings
from trainer.config import save_config
from trainer.data.samples import open_source
from trainer.runs.folder import RunFolder
from trainer.runs.launch import Sources, resume_run, start_run
from trainer.runs.loop import resume, train
from trainer.runs.records import Progress, Score

# Names of a run's files, as strings or parts of a path; prose has blanks.
RUN_FILE = re.compile(
    r"(^|/)(\.lock|(config|sources|tokenizer|state)\.json|checkpoints|step-.*|metrics\.jsonl|refused-.*|tensorboard"
    r"|[^/]+\.safetensors)(/|$)"
)
SHORT = replace(CONFIG, n_steps=2, save_every=1)
LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
HOLD = """
import sys, torch
from pathlib import Path
from trainer.runs.distributed import Ranks
from trainer.runs.folder import RunFolder
with RunFolder(Path(sys.argv[1])).lock(Ranks(0, 1, torch.device("cpu"))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold():
    """A function that starts a process which holds the lock of a run's folder, and returns it."""
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
def test_a_second_training_is_rejected_and_changes_nothing_until_the_first_has_ended(
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


def test_a_running_training_keeps_its_lock(data, tokenizer, tmp_path):
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
def test_all_processes_end_if_the_folder_is_locked(data, tmp_path, hold):
    file = micro_like(tmp_path / "letters") / "tokenizer.json"
    hold(tmp_path / "run")
    save_config(SHORT, tmp_path / "run.json")
    done = run_apart(tmp_path / "run", data, file, launcher=LAUNCHER)
    assert done.returncode != 0
    assert done.stderr.count("CosmosSearchError: Another training writes to") >= 2
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_leftovers_of_a_killed_run_are_removed_and_other_files_stay(data, tokenizer, tmp_path):
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


def test_a_run_that_was_killed_before_its_first_checkpoint_can_be_started_again(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in (".refused-0.jsonl.partial", ".metrics.jsonl.partial", "config.json", ".lock"):
        (run / name).write_text("")
    train(SHORT, open_source(data), tokenizer, run)
    assert RunFolder(run).checkpoints()[-1].name == "step-00000002"


def test_one_module_names_the_files_of_a_run():
    named = {
        path.relative_to(ROOT / "trainer").as_posix()
        for path in (ROOT / "trainer").rglob("*.py")
        for _, text in strings(path)
        if RUN_FILE.search(text) and not re.search(r"\s", text)
    }
    assert named == {"runs/folder.py", "data/features.py"}  # the latter names the blocks of a feature cache


def test_a_run_of_an_earlier_version_is_read(tmp_path):
    """As the first versions wrote it: without an inventory, and progress under these keys."""
    run = RunFolder(tmp_path)
    (tmp_path / "sources.json").write_text('{"data": "shards", "val": null}')
    checkpoint = tmp_path / "checkpoints" / "step-00000003"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text(
        '{"step": 3, "places": [[[0, 12], [0, 9]]], "order": "seed 0", "n_refused": [1], "score": 0.5, '
        '"scored_by": "R@1", "scaler": [["scale", 2.0]]}'
    )
    assert run.read_sources() == Sources("shards")
    (found,) = run.checkpoints()
    progress = found.read_progress()
    assert progress == Progress(3, (((0, 12), (0, 9)),), "seed 0", (1,), Score(0.5, "R@1"), (("scale", 2.0),))
    assert json.loads(json.dumps(progress.to_dict())) == json.loads((checkpoint / "state.json").read_text())
