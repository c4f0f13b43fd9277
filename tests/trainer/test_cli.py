"""Training as its user meets it: commands from data to an encoder that is searched with."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import CLIPConfig, CLIPModel

from cosmos_search.cli.main import main
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosModel
from indexer.errors import CosmosSearchError
from tests.colour import paint
from tests.micro import MICRO, micro_like
from tests.pictures import COLOURS, CONFIG, make_folder, make_shards
from trainer.cli import train
from trainer.config import PRESETS, save_config
from trainer.evaluate import evaluate_model
from trainer.runs.checkpoints import checkpoints
from trainer.runs.initial_weights import clip_as_cosmos, initial_network
from trainer.runs.launch import Sources, evaluate_run, start_run


def run(*words, command=train, env=None):
    return CliRunner(env=env).invoke(command, [str(word) for word in words])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """With data, held-out data, a tokenizer, a config, and a run made from them."""
    torch.set_num_threads(1)  # as in every test, which this comes before
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


def test_a_resumed_run_remembers_its_data_and_ends_the_same(place):
    states = [load_file(checkpoint / "student.safetensors") for checkpoint in checkpoints(place / "run")]
    for file in (place / "run" / "checkpoints" / "step-00000006").iterdir():
        file.unlink()
    (place / "run" / "checkpoints" / "step-00000006").rmdir()
    done = run("run", "--resume", place / "run")
    assert done.exit_code == 0, done.output
    again = load_file(checkpoints(place / "run")[-1] / "student.safetensors")
    assert all(torch.equal(again[name], tensor) for name, tensor in states[-1].items())


def test_a_run_goes_on_with_its_own_data_alone(place, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(place / "run", copy)
    fewer = tmp_path / "shards"
    shutil.copytree(place / "shards", fewer)
    (fewer / "0001.tar").unlink()
    done = run("run", "--resume", copy, "--data", fewer)
    assert done.exit_code == 1
    assert "is not what this run began with (1 of 3 differ; 0001.tar: " in done.output
    shutil.copy(place / "shards" / "0001.tar", fewer)
    done = run("run", "--resume", copy, "--data", fewer)
    assert done.exit_code == 0, done.output
    remembered = json.loads((copy / "sources.json").read_text())
    assert remembered["data"] == str(fewer)
    assert remembered["val"] == str(place / "held-out")
    assert "There is no folder" in run("run", "--resume", copy, "--val", tmp_path / "gone").output


def test_the_attention_of_a_run_is_drawn_also_where_the_first_picture_is_broken(place, tmp_path):
    held_out = make_folder(tmp_path / "held-out")
    sources = Sources(str(place / "shards"), str(held_out))
    tokenizer = place / "like" / "tokenizer.json"
    for path in sorted(held_out.glob("*.jpg"))[:30]:
        path.write_bytes(b"no picture")
    start_run(replace(CONFIG, n_steps=1), sources, tmp_path / "run", tokenizer=tokenizer)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"), size_guidance={"images": 0}).Reload()
    assert events.Tags()["images"] == ["attention"]
    assert len(events.Images("attention")) == 2


def test_evaluation_tells_both_ways_and_both_networks(place):
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
    assert (found.checkpoint, found.n_pairs) == ("mine", len(COLOURS) ** 2)
    trained = evaluate_run(place / "run", "last", **data)
    for key in ("caption_text_to_image_mean_rank", "sentence_text_to_image_mean_rank"):
        ours, wanted = found.retrieval["mine"][key], trained.retrieval["teacher"][key]
        assert ours == pytest.approx(wanted, rel=0.02 if precision == "fp32" else 0.2)
    assert found.classification["mine"].keys() == {"top1", "top5"}


def test_classification_is_by_the_folders_names(place, tmp_path):
    for colour in COLOURS:
        (tmp_path / colour).mkdir()
        Image.new("RGB", (40, 40), colour).save(tmp_path / colour / "one.png")
    (tmp_path / "red" / "broken.png").write_bytes(b"no picture")
    done = run("evaluate", place / "run", "--classes", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    for figures in json.loads(done.stdout)["classification"].values():
        assert figures["top1"] * len(COLOURS) == pytest.approx(round(figures["top1"] * len(COLOURS)))
        assert 0 <= figures["top1"] <= figures["top5"] <= 1


def test_a_trained_encoder_is_exported_added_indexed_with_and_searched_with(place, tmp_path):
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
    assert "is there already" in again.output


def test_the_main_program_has_training_too():
    done = run("train", "presets", command=main)
    assert done.exit_code == 0, done.output
    assert all(name in done.stdout for name in PRESETS)


def test_a_preset_is_a_config_to_begin_with(tmp_path):
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
        (["evaluate", "nowhere", "--data", "x"], "no checkpoint"),
        (["evaluate", "nowhere"], "--classes DIR"),
        (["export", "nowhere", "out"], "no checkpoint"),
    ],
)
def test_mistakes_are_said_in_a_sentence(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_fine_tuning_begins_with_a_run_an_encoder_or_a_clip(place, tmp_path):
    encoder = tmp_path / "encoder"
    network = CosmosModel(MICRO)
    save_model(network, encoder, config_from=place / "like")
    begun = initial_network(str(encoder), MICRO, seed=0)
    assert all(torch.equal(begun.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
    assert initial_network(str(place / "run"), MICRO, seed=0).config == MICRO
    clip = small_clip()
    clip.save_pretrained(tmp_path / "clip")
    begun = initial_network(str(tmp_path / "clip"), MICRO, seed=0).eval()
    pixels = torch.randn(2, 3, 32, 32)
    theirs = clip.visual_projection(clip.vision_model(pixels).pooler_output)
    assert torch.allclose(begun.encode_images(pixels).features, theirs, atol=1e-5)
    ids = torch.tensor([[94, 3, 4, 95, 0, 0, 0, 0, 0, 0, 0, 0]])
    theirs = clip.text_projection(clip.text_model(ids).pooler_output)
    assert torch.allclose(begun.encode_texts(ids).features, theirs, atol=1e-5)


def test_a_network_of_other_sizes_is_no_beginning(place, tmp_path):
    with pytest.raises(CosmosSearchError, match="image_size 32 and not 64"):
        initial_network(str(place / "run"), replace(MICRO, image_size=64), seed=0)


def test_a_vocabulary_needs_its_tokenizer(place, tmp_path):
    with pytest.raises(CosmosSearchError, match="--tokenizer"):
        start_run(CONFIG, Sources(str(place / "shards")), Path(tmp_path / "run"))


def test_a_clip_with_parts_that_cosmos_has_not_is_no_beginning():
    with pytest.raises(CosmosSearchError, match=r"vision_model\.encoder\.layers\.0\.mlp\.fc1\.weight \(48, 24\)"):
        clip_as_cosmos(small_clip(intermediate_size=48), seed=0)


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
