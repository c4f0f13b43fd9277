"""The commands of training, from data to an installed encoder that is used for searching."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import CLIPConfig, CLIPModel

from cosmos_search.cli.main import main
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosModel
from indexer.errors import CosmosSearchError
from tests import ROOT
from tests.colour import paint
from tests.micro import MICRO, micro_like
from tests.pictures import COLOURS, CONFIG, make_folder, make_shards
from trainer.cli import train
from trainer.config import save_config
from trainer.evaluate import evaluate_model
from trainer.presets import PRESETS
from trainer.runs.errors import VocabularyError
from trainer.runs.folder import RunFolder
from trainer.runs.initial_weights import convert_clip, load_initial_network
from trainer.runs.launch import Sources, evaluate_run, start_run


def run(*words, command=train, env=None):
    return CliRunner(env=env).invoke(command, [str(word) for word in words])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data, held-out data, a tokenizer, a config, and a run."""
    torch.set_num_threads(1)  # as the fixture of every test does, which runs after this one
    place = tmp_path_factory.mktemp("training")
    make_shards(place / "shards")
    make_folder(place / "held-out")
    micro_like(place / "like")
    save_config(replace(CONFIG, n_steps=6), place / "config.json")
    done = run("run", "--config", place / "config.json", "--data", place / "shards", "--val", place / "held-out",
               "--tokenizer", place / "like" / "tokenizer.json", "--out", place / "run")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert str(place / "run" / "checkpoints" / "step-00000006") in done.stdout
    return place


def test_a_run_scores_its_checkpoints_by_held_out_pairs(place):
    lines = [json.loads(line) for line in (place / "run" / "metrics.jsonl").read_text().splitlines()]
    scores = [line["score"] for line in lines if "score" in line]
    assert len(scores) == 2
    assert all(0 <= score <= 1 for score in scores)
    assert list((place / "run" / "tensorboard").iterdir())


def test_a_resumed_run_finds_its_data_and_ends_with_the_same_weights(place):
    states = [checkpoint.read_tensors("student") for checkpoint in RunFolder(place / "run").checkpoints()]
    for file in (place / "run" / "checkpoints" / "step-00000006").iterdir():
        file.unlink()
    (place / "run" / "checkpoints" / "step-00000006").rmdir()
    done = run("run", "--resume", place / "run")
    assert done.exit_code == 0, done.output
    again = RunFolder(place / "run").checkpoints()[-1].read_tensors("student")
    assert all(torch.equal(again[name], tensor) for name, tensor in states[-1].items())


@pytest.mark.slow
def test_ctrl_c_saves_the_run_and_says_how_to_resume_it(place, tmp_path):
    """The signal goes to the whole process group, as a terminal sends it: to the run and to its two loaders."""
    save_config(replace(CONFIG, n_steps=100_000, workers=2), tmp_path / "config.json")
    words = ["run", "--config", tmp_path / "config.json", "--data", place / "shards", "--out", tmp_path / "run",
             "--tokenizer", place / "like" / "tokenizer.json"]  # fmt: skip
    program = [sys.executable, "-m", "trainer", *map(str, words)]
    with subprocess.Popen(program, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert any(line.startswith("step 5 ") for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    *steps, message = rest.splitlines()
    assert message == f"Stopped; all steps are saved. To resume: cosmos-search-train run --resume {tmp_path / 'run'}"
    last = RunFolder(tmp_path / "run").checkpoints()[-1].read_progress().step
    assert last >= max([5, *(int(line.split()[1]) for line in steps)])


def test_steps_replace_those_of_a_preset_which_is_fitted_to_the_data(place, tmp_path):
    words = ["--preset", "tiny", "--data", place / "held-out", "--out", tmp_path / "run", "--steps", 1]
    assert run("run", *words).exit_code == 0
    config = RunFolder(tmp_path / "run").read_config()
    assert (config.n_steps, config.warmup, config.batch, config.workers) == (1, 0, len(COLOURS) ** 2 // 2, 2)
    assert "--resume takes --data and --val only" in run("run", "--resume", tmp_path / "run", "--steps", 5).output


def test_a_run_is_resumed_with_its_own_data_only(place, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(place / "run", copy)
    fewer = tmp_path / "shards"
    shutil.copytree(place / "shards", fewer)
    (fewer / "0001.tar").unlink()
    done = run("run", "--resume", copy, "--data", fewer)
    assert done.exit_code == 1
    assert "is not the data that this run started with (1 of 3 differ; 0001.tar: " in done.output
    shutil.copy(place / "shards" / "0001.tar", fewer)
    done = run("run", "--resume", copy, "--data", fewer)
    assert done.exit_code == 0, done.output
    remembered = json.loads((copy / "sources.json").read_text())
    assert remembered["data"] == str(fewer)
    assert remembered["val"] == str(place / "held-out")
    assert "There is no folder" in run("run", "--resume", copy, "--val", tmp_path / "gone").output


def test_attention_is_drawn_for_the_first_picture_that_can_be_read(place, tmp_path):
    held_out = make_folder(tmp_path / "held-out")
    sources = Sources(str(place / "shards"), str(held_out))
    tokenizer = place / "like" / "tokenizer.json"
    for path in sorted(held_out.glob("*.jpg"))[:30]:
        path.write_bytes(b"no picture")
    start_run(replace(CONFIG, n_steps=1), sources, tmp_path / "run", tokenizer=tokenizer)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"), size_guidance={"images": 0}).Reload()
    assert events.Tags()["images"] == ["attention"]
    assert len(events.Images("attention")) == 2


def test_evaluation_reports_both_directions_and_both_networks(place):
    done = run("evaluate", place / "run", "--data", place / "held-out", "--json", "--checkpoint", "last")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["n_pairs"] == len(COLOURS) ** 2
    assert found["retrieval"].keys() == {"student", "teacher"}
    for figures in found["retrieval"].values():
        for way in ("caption_text_to_image", "caption_image_to_text", "sentence_text_to_image"):
            assert 0 <= figures[f"{way}_R@1"] <= figures[f"{way}_R@5"] <= figures[f"{way}_R@10"] <= 1
    table = run("evaluate", place / "run", "--data", place / "held-out").stdout
    assert "caption → picture" in table


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_an_installed_model_is_evaluated_as_search_runs_it(place, tmp_path, monkeypatch, precision):
    monkeypatch.setenv("COSMOS_SEARCH_MODELS", str(tmp_path / "models"))
    assert run("export", place / "run", tmp_path / "mine", "--checkpoint", "last").exit_code == 0
    assert run("models", "add", tmp_path / "mine", command=main).exit_code == 0
    for colour in COLOURS:
        paint(tmp_path / "classes" / colour / "one.png", colour)
    data = {"data": place / "held-out", "classes": tmp_path / "classes"}
    found = evaluate_model("mine", **data, precision=precision)
    if precision == "int8":  # which search chooses on a CPU
        options = [word for name, path in data.items() for word in (f"--{name}", path)]
        printed = json.loads(run("evaluate", "mine", *options, "--json").stdout)
        assert printed["retrieval"]["mine"] == pytest.approx(found.retrieval["mine"])
    assert (found.checkpoint, found.n_pairs) == ("mine", len(COLOURS) ** 2)
    trained = evaluate_run(place / "run", "last", **data)
    for key in ("caption_text_to_image_mean_rank", "sentence_text_to_image_mean_rank"):
        ours, wanted = found.retrieval["mine"][key], trained.retrieval["teacher"][key]
        assert ours == pytest.approx(wanted, rel=0.02 if precision == "fp32" else 0.2)
    assert found.classification["mine"].keys() == {"top1", "top5"}


def test_classes_are_named_by_folders(place, tmp_path):
    for colour in COLOURS:
        (tmp_path / colour).mkdir()
        Image.new("RGB", (40, 40), colour).save(tmp_path / colour / "one.png")
    (tmp_path / "red" / "broken.png").write_bytes(b"no picture")
    done = run("evaluate", place / "run", "--classes", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    for figures in json.loads(done.stdout)["classification"].values():
        assert figures["top1"] * len(COLOURS) == pytest.approx(round(figures["top1"] * len(COLOURS)))
        assert 0 <= figures["top1"] <= figures["top5"] <= 1


def test_an_exported_encoder_is_added_and_used_for_indexing_and_searching(place, tmp_path):
    env = {"COSMOS_SEARCH_MODELS": str(tmp_path / "models")}
    encoder, index = tmp_path / "my-encoder", tmp_path / "index"
    assert run("export", place / "run", encoder, "--checkpoint", "last").exit_code == 0
    assert run("models", "add", encoder, command=main, env=env).exit_code == 0
    done = run("index", place / "held-out", "--index", index, "--model", "my-encoder", command=main, env=env)
    assert done.exit_code == 0, done.output
    hits = run("search", "red square", "--index", index, "--json", "--all", command=main, env=env)
    assert len(hits.stdout.splitlines()) == 10, hits.output
    again = run("export", place / "run", encoder)
    assert again.exit_code == 2
    assert "already exists" in again.output


def test_the_main_program_includes_the_commands_of_training():
    done = run("train", "presets", command=main)
    assert done.exit_code == 0, done.output
    assert all(name in done.stdout for name in PRESETS)


def test_a_printed_preset_is_a_valid_config(tmp_path):
    (tmp_path / "mine.json").write_text(run("presets", "tiny").stdout)
    done = run("run", "--config", tmp_path / "mine.json", "--data", tmp_path / "none", "--out", tmp_path / "run")
    assert done.exit_code == 1
    assert "There is no folder" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--preset", "huge", "--data", "x", "--out", "y"], "There is no preset 'huge'"),
        (["run", "--data", "x", "--out", "y"], "--preset NAME"),
        (["run", "--preset", "tiny"], "needs --data and --out"),
        (["run", "--resume", "nowhere", "--preset", "tiny"], "--resume takes --data"),
        (["run", "--resume", "nowhere"], "nowhere"),
        (["evaluate", "nowhere", "--data", "x"], "no model named 'nowhere'"),
        (["evaluate", "nowhere"], "--classes DIR"),
        (["export", "nowhere", "out"], "no checkpoint"),
    ],
)
def test_a_wrong_call_is_reported_and_creates_no_file(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_the_command_that_fixes_a_mistake_is_named(place, tmp_path):
    new = ["run", "--config", place / "config.json", "--data", place / "shards"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("text")
    begun = tmp_path / "begun"
    shutil.copytree(place / "run", begun, ignore=shutil.ignore_patterns("checkpoints", "sources.json"))
    save_config(replace(CONFIG, network=replace(MICRO, image_size=64)), tmp_path / "other.json")
    cases = [
        (
            [*new, "--out", place / "run"],
            f"already holds a run. Resume it: cosmos-search-train run --resume {place}/run",
        ),
        ([*new, "--out", tmp_path / "notes"], "holds other files (thesis.txt). Choose a new folder for the run: --out"),
        (
            [*new, "--out", place / "config.json"],
            "config.json is a file. Choose a new folder for the run: --out FOLDER",
        ),
        ([*new, "--out", tmp_path / "new"], "the tokenizer has more. Name the tokenizer of the network: --tokenizer"),
        (
            [*new, "--out", tmp_path / "x", "--init", "none"],
            "'none' to fine-tune. List the models: cosmos-search models",
        ),
        ([*new, "--out", tmp_path / "x", "--init", "cosmos-vitb16-cc12m"], "Get it: cosmos-search models pull cosmos-"),
        (["run", "--resume", begun], "does not record where its data is. Name the folder: --data FOLDER"),
        (
            ["run", "--resume", begun, "--data", place / "shards"],
            f"again, as before: cosmos-search-train run --out {begun}",
        ),
        (
            ["run", "--config", tmp_path / "other.json", *new[3:], "--out", tmp_path / "x", "--init", place / "run"],
            "image_size 32 and not 64. Set these sizes in the config: cosmos-search-train presets NAME > config.json",
        ),
    ]
    for words, said in cases:
        done = run(*words, env={"COSMOS_SEARCH_MODELS": str(tmp_path / "models")})
        assert done.exit_code in (1, 2), done.output
        assert said in done.output, words


def test_a_run_without_a_record_of_its_data_is_resumed_with_the_data_named(place, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(place / "run", copy, ignore=shutil.ignore_patterns("sources.json"))
    done = run("run", "--resume", copy, "--data", place / "shards")
    assert done.exit_code == 0, done.output
    sources = RunFolder(copy).read_sources()
    assert sources.data == str(place / "shards")
    assert sources.inventory == RunFolder(place / "run").read_sources().inventory


def test_fine_tuning_starts_from_a_run_an_encoder_or_a_clip(place, tmp_path):
    encoder = tmp_path / "encoder"
    network = CosmosModel(MICRO)
    save_model(network, encoder, config_from=place / "like")
    begun = load_initial_network(str(encoder), MICRO, seed=0)
    assert all(torch.equal(begun.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
    assert load_initial_network(str(place / "run"), MICRO, seed=0).config == MICRO
    clip = small_clip()
    clip.save_pretrained(tmp_path / "clip")
    begun = load_initial_network(str(tmp_path / "clip"), MICRO, seed=0).eval()
    pixels = torch.randn(2, 3, 32, 32)
    theirs = clip.visual_projection(clip.vision_model(pixels).pooler_output)
    assert torch.allclose(begun.encode_images(pixels).features, theirs, atol=1e-5)
    ids = torch.tensor([[94, 3, 4, 95, 0, 0, 0, 0, 0, 0, 0, 0]])
    theirs = clip.text_projection(clip.text_model(ids).pooler_output)
    assert torch.allclose(begun.encode_texts(ids).features, theirs, atol=1e-5)


def test_a_network_of_other_sizes_cannot_be_fine_tuned(place, tmp_path):
    with pytest.raises(CosmosSearchError, match="image_size 32 and not 64"):
        load_initial_network(str(place / "run"), replace(MICRO, image_size=64), seed=0)


def test_a_vocabulary_needs_its_tokenizer(place, tmp_path):
    with pytest.raises(VocabularyError, match="vocabulary of 96 tokens"):
        start_run(CONFIG, Sources(str(place / "shards")), Path(tmp_path / "run"))


def test_a_clip_with_tensors_that_cosmos_does_not_have_cannot_be_fine_tuned():
    with pytest.raises(CosmosSearchError, match=r"vision_model\.encoder\.layers\.0\.mlp\.fc1\.weight \(48, 24\)"):
        convert_clip(small_clip(intermediate_size=48), seed=0)


def small_clip(**vision_options):
    torch.manual_seed(1)
    shared = {"num_hidden_layers": 2, "hidden_act": "gelu"}
    text = shared | {
        "hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 96,
        "max_position_embeddings": 12, "bos_token_id": 94, "eos_token_id": 95,
    }  # fmt: skip
    vision = shared | {
        "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 96, "image_size": 32, "patch_size": 8,
    } | vision_options  # fmt: skip
    return CLIPModel(CLIPConfig(projection_dim=16, text_config=text, vision_config=vision)).eval()
