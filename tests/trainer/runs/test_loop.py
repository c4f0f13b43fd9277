import json
import shutil
import signal
import sys
from dataclasses import replace
from threading import Event

import pytest
import torch
from safetensors.torch import load_file, save_file

from cosmos_search.network.checkpoint import load_model
from cosmos_search.network.cosmos import CosmosConfig
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError
from tests import DATA
from tests.micro import micro_like
from tests.pictures import CONFIG, letters, make_folder
from tests.run_training import run_apart
from trainer.config import save_config
from trainer.data.samples import open_source
from trainer.method.step import NotFiniteError
from trainer.runs.checkpoints import find_best_checkpoint, load_networks
from trainer.runs.distributed import Ranks
from trainer.runs.folder import Checkpoint, RunFolder
from trainer.runs.initial_weights import load_initial_network
from trainer.runs.loop import _TrainingLoop, make_train_state, resume, train

HERE = Ranks(0, 1, torch.device("cpu"))


def assert_same(one, other):
    for part in ("student", "teacher", "optimizer"):
        ours, theirs = (load_file(folder / f"{part}.safetensors") for folder in (one, other))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours), part


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"workers": 2}, {"workers": 0, "n_steps": 14}, {"precision": "fp16"}], ids=str
)  # fourteen steps go beyond an epoch's end
def test_a_killed_and_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(options, data, tokenizer, tmp_path):
    config = replace(CONFIG, **options)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    last = train(config, open_source(data), tokenizer, whole)
    save_config(config, tmp_path / "killed.json")
    file = tmp_path / "letters" / "tokenizer.json"
    assert run_apart(killed, data, file, "stop", 4).returncode == -signal.SIGKILL
    assert [folder.name for folder in RunFolder(killed).checkpoints()][-1] == "step-00000003"
    assert len(lines(killed / "metrics.jsonl")) == 5
    assert_same(resume(killed, open_source(data), tokenizer), last)
    losses = [[(line["step"], line["clip"]) for line in lines(run / "metrics.jsonl")] for run in (whole, killed)]
    assert losses[0] == losses[1]


def test_a_stopped_run_saves_its_last_step_and_resumes_to_the_weights_of_an_uninterrupted_one(
    data, tokenizer, tmp_path
):
    source, stop = open_source(data), Event()

    def evaluate(student, teacher):
        stop.set()
        return 0.5

    last = train(CONFIG, source, tokenizer, tmp_path / "whole")
    stopped = train(CONFIG, source, tokenizer, tmp_path / "stopped", evaluate=evaluate, stop=stop)
    assert stopped.name == "step-00000004"  # the step after the checkpoint that was evaluated
    assert_same(resume(tmp_path / "stopped", source, tokenizer), last)


def test_progress_is_shown_in_lines_where_there_is_no_terminal(data, tokenizer, tmp_path, capsys):
    train(replace(CONFIG, n_steps=5, log_every=3), open_source(data), tokenizer, tmp_path / "run")
    shown = capsys.readouterr().err
    assert [line.partition(":")[0] for line in shown.splitlines()] == [f"step {n} of 5" for n in (1, 4, 5)]
    assert "\r" not in shown


def test_the_last_checkpoints_and_the_best_are_kept(data, tokenizer, tmp_path):
    scores = iter([0.1, 0.9, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    config = replace(CONFIG, save_every=1, keep_last=2)
    train(config, open_source(data), tokenizer, tmp_path / "run", evaluate=lambda student, teacher: next(scores))
    names = [folder.name for folder in RunFolder(tmp_path / "run").checkpoints()]
    assert names == ["step-00000002", "step-00000007", "step-00000008"]
    assert find_best_checkpoint(RunFolder(tmp_path / "run")).name == "step-00000002"
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    kinds = {path.suffix for path in written if path.parent.name != "tensorboard" and path.name != ".lock"}
    assert kinds == {".safetensors", ".json", ".jsonl"}  # no format that can execute code


def test_the_loss_of_a_run_decreases(data, tokenizer, tmp_path):
    config = replace(CONFIG, n_steps=80, save_every=80, batch=12, lr=3e-3, warmup=5)
    train(config, open_source(data), tokenizer, tmp_path / "run")
    clips = [line["clip"] for line in lines(tmp_path / "run/metrics.jsonl")]
    assert sum(clips[-5:]) < 0.8 * sum(clips[:5])


def test_a_run_with_earlier_parameter_names_can_be_evaluated_but_not_resumed(data, tokenizer, tmp_path):
    earlier = DATA / "earlier-names"
    network = CosmosConfig(**json.loads((earlier / "config.json").read_text()))
    config = replace(CONFIG, network=network, n_steps=2, local_side=8)
    short = TextTokenizer.from_file(micro_like(tmp_path / "like") / "tokenizer.json", network.context_length)
    run = tmp_path / "run"
    last = train(config, open_source(data), short, run)
    for role in ("student", "teacher"):
        shutil.copyfile(earlier / "model.safetensors", last / f"{role}.safetensors")
    moments = load_file(earlier / "model.safetensors")
    save_file({f"{name}/exp_avg": tensor for name, tensor in moments.items()}, last / "optimizer.safetensors")
    wanted = load_model(earlier).state_dict()
    for found in (
        *load_networks(RunFolder(run), Checkpoint(last)).values(),
        load_initial_network(str(run), network, seed=0),
    ):
        assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.state_dict().items())
    with pytest.raises(CosmosSearchError, match=r"earlier version.*but not resumed"):
        resume(run, open_source(data), short)


def test_a_loss_that_is_not_finite_is_reported_with_step_rate_and_samples(data, tokenizer, tmp_path):
    init = make_train_state(CONFIG, HERE).student
    with torch.no_grad():
        init.visual.proj.fill_(torch.nan)
    with pytest.raises(NotFiniteError, match=r"step 0, lr 0\.0005: the loss is nan.*\.tar/\w+-\w+, "):
        train(CONFIG, open_source(data), tokenizer, tmp_path / "run", init=init)


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    train(replace(CONFIG, n_steps=3), open_source(data), tokenizer, run)
    save_config(replace(CONFIG, n_steps=9), run / "config.json")

    def evaluate(student, teacher):
        (run / "checkpoints" / ".step-00000009.partial").write_text("in the way")
        return 0.5

    with pytest.raises(CosmosSearchError, match="earlier ones"):
        resume(run, open_source(data), tokenizer, evaluate=evaluate)
    assert RunFolder(run).checkpoints()[-1].name == "step-00000006"


def test_a_network_larger_than_the_memory_is_rejected_before_it_is_allocated():
    network = replace(CONFIG.network, vision_width=16_384, vision_layers=256, vision_heads=64)
    with pytest.raises(CosmosSearchError, match=r"needs [\d,.]+ GiB of memory"):
        make_train_state(replace(CONFIG, network=network), HERE)


def test_skipped_samples_are_logged_and_counted(tokenizer, tmp_path):
    folder = make_folder(tmp_path / "data")
    (folder / "red-blue.txt").write_text("")
    last = train(replace(CONFIG, n_steps=9), open_source(folder), tokenizer, tmp_path / "run")
    assert lines(tmp_path / "run/refused-0.jsonl")[0]["key"] == "red-blue.jpg"
    assert json.loads((last / "state.json").read_text())["n_refused"] == [1]


@pytest.mark.parametrize(
    "options",
    [
        {"activation_checkpointing": True},
        {"n_micro_batches": 2},
        {"image_crops": False, "text_crops": False},
        {"cross_attention": False, "text_distillation": False},
    ],
    ids=str,
)
def test_every_option_trains(options, data, tokenizer, tmp_path):
    assert train(replace(CONFIG, n_steps=2, **options), open_source(data), tokenizer, tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["activation_checkpointing", "n_micro_batches"])
def test_options_that_save_memory_change_no_weights(option, data, tokenizer, tmp_path):
    one = train(replace(CONFIG, n_steps=3), open_source(data), tokenizer, tmp_path / "one")
    config = replace(CONFIG, n_steps=3, **{option: True if option == "activation_checkpointing" else 2})
    other = train(config, open_source(data), tokenizer, tmp_path / "other")
    ours, theirs = (load_file(folder / "student.safetensors") for folder in (one, other))
    for name, tensor in ours.items():
        other_tensor = theirs[name]
        if "resblocks" in name and name.endswith(
            "in_proj_bias"
        ):  # that of the keys has a true gradient of 0, so that Adam moves it by noise
            tensor, other_tensor = (torch.cat([x.chunk(3)[0], x.chunk(3)[2]]) for x in (tensor, other_tensor))
        torch.testing.assert_close(tensor, other_tensor, atol=1e-5, rtol=1e-4)


def test_a_damaged_checkpoint_is_reported(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    last = train(replace(CONFIG, n_steps=2), open_source(data), tokenizer, run)
    with pytest.raises(CosmosSearchError, match="already holds a run"):
        train(CONFIG, open_source(data), tokenizer, run)
    (last / "student.safetensors").write_bytes(b"torn")
    with pytest.raises(CosmosSearchError, match=r"damaged .* remove it to resume"):
        resume(run, open_source(data), tokenizer)


def test_a_checkpoint_of_another_architecture_is_reported_in_one_line(data, tokenizer, tmp_path):
    run = tmp_path / "run"
    train(replace(CONFIG, n_steps=2), open_source(data), tokenizer, run)
    wider = replace(CONFIG, network=replace(CONFIG.network, vision_width=2 * CONFIG.network.vision_width))
    save_config(wider, run / "config.json")
    with pytest.raises(CosmosSearchError, match=r"^[^\n]* is of another network .* has the shape .*\.$"):
        resume(run, open_source(data), tokenizer)


@pytest.mark.parametrize("change", [{"workers": 2}, {"seed": 1}, {"batch": 6}, {"sample_shuffle": 9}], ids=str)
def test_a_run_is_not_resumed_with_another_order_of_the_data(change, data, tokenizer, tmp_path):
    run = tmp_path / "run"
    train(replace(CONFIG, n_steps=3), open_source(data), tokenizer, run)
    save_config(replace(CONFIG, **change), run / "config.json")
    with pytest.raises(CosmosSearchError, match=r"config\.json now has"):
        resume(run, open_source(data), tokenizer)


def test_a_checkpoint_is_kept_if_its_evaluation_fails(data, tokenizer, tmp_path):
    def evaluate(student, teacher):
        raise CosmosSearchError("The held-out pictures are gone.")

    with pytest.raises(CosmosSearchError, match="are gone"):
        train(CONFIG, open_source(data), tokenizer, tmp_path / "run", evaluate=evaluate)
    assert RunFolder(tmp_path / "run").checkpoints()[-1].name == "step-00000003"


def test_scores_of_two_kinds_are_not_compared(data, tokenizer, tmp_path):
    run, source = tmp_path / "run", open_source(data)
    train(replace(CONFIG, n_steps=3), source, tokenizer, run, evaluate=lambda student, teacher: 0.5)
    save_config(CONFIG, run / "config.json")
    resume(run, source, tokenizer)  # scored by L_CLIP, which is below 0
    assert find_best_checkpoint(RunFolder(run)).name in ("step-00000006", "step-00000008")


def test_a_folder_with_other_files_is_rejected_and_unchanged(data, tokenizer, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "config.json").write_text("{}")
    (tmp_path / "notes" / "thesis.txt").write_text("text")
    with pytest.raises(CosmosSearchError, match=r"holds other files \(thesis.txt\)"):
        train(CONFIG, open_source(data), tokenizer, tmp_path / "notes")
    assert (tmp_path / "notes" / "config.json").read_text() == "{}"


def test_a_batch_must_be_divisible_by_the_number_of_processes(data, tokenizer, tmp_path):
    state = make_train_state(CONFIG, HERE)
    three = Ranks(0, 3, torch.device("cpu"))
    with pytest.raises(CosmosSearchError, match="A batch of 4 can't be divided evenly among 3"):
        _TrainingLoop(CONFIG, open_source(data), tokenizer, RunFolder(tmp_path / "run"), three, state, None, None)


def test_a_full_disk_is_reported_and_the_last_checkpoint_stays(data, tmp_path):
    save_config(replace(CONFIG, n_steps=200, save_every=1), tmp_path / "run.json")
    letters(tmp_path / "letters")
    done = run_apart(tmp_path / "run", data, tmp_path / "letters" / "tokenizer.json", "room", 60_000)
    assert done.returncode == 1
    assert "CosmosSearchError: " in done.stderr.splitlines()[-1]
    found = RunFolder(tmp_path / "run").checkpoints()
    assert not found or (found[-1].path / "state.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_two_processes_resume_to_the_weights_of_an_uninterrupted_run(workers, data, tmp_path):
    for name in ("whole", "stopped"):
        save_config(replace(CONFIG, workers=workers), tmp_path / f"{name}.json")
    file = micro_like(tmp_path / "letters") / "tokenizer.json"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    done = run_apart(whole, data, file, launcher=launcher)
    assert done.returncode == 0, done.stderr
    assert run_apart(stopped, data, file, "stop", 4, launcher=launcher).returncode != 0
    done = run_apart(stopped, data, file, "resume", launcher=launcher)
    assert done.returncode == 0, done.stderr
    assert_same(RunFolder(whole).checkpoints()[-1].path, RunFolder(stopped).checkpoints()[-1].path)


def test_an_unscored_checkpoint_of_a_resumed_run_has_no_score(data, tokenizer, tmp_path):
    run, source = tmp_path / "run", open_source(data)
    train(replace(CONFIG, n_steps=3), source, tokenizer, run, evaluate=lambda student, teacher: 0.5)
    save_config(CONFIG, run / "config.json")

    def fail(student, teacher):
        raise CosmosSearchError("The held-out pictures are gone.")

    with pytest.raises(CosmosSearchError, match="are gone"):
        resume(run, source, tokenizer, evaluate=fail)
    scores = {checkpoint.name: checkpoint.read_progress().score for checkpoint in RunFolder(run).checkpoints()}
    assert scores["step-00000003"].value == 0.5
    assert scores["step-00000006"] is None
