import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from transformers import CLIPConfig, CLIPModel

import cosmos_search
from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.main import main
from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.errors import HubError, ModelExistsError, ModelNotPulledError
from cosmos_search.models.install import add_model, list_models, pull_model
from cosmos_search.models.published import PUBLISHED, RECOMMENDED, REPOSITORY
from cosmos_search.models.store import ModelStore, default_model
from cosmos_search.network.checkpoint import load_checkpoint, save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.network.towers import load_networks
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import save_clip_tokenizer
from indexer.errors import CosmosSearchError, UsageError
from indexer.pictures.regions import Box
from tests.colour import COLOURS, paint_photos
from tests.micro import MICRO, PARITY, micro_like

FIXTURES = ("hub_format_micro.pt", "hub_format_micro_noprefix_noopt.pt", "bare_format_micro.pt")
TINY = CosmosConfig(
    embed_dim=64, image_size=32, patch_size=16, vision_width=64, vision_layers=1, vision_heads=1,
    text_width=64, text_layers=1, text_heads=1,
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


@pytest.fixture
def like(tmp_path):
    return micro_like(tmp_path / "like")


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", COLOURS[:3], (48, 40))


def wholes(encoder, pictures):
    return np.stack([vectors[0] for vectors in encoder.encode_images([encoder.prepare(p) for p in pictures])])


def run(tmp_path, *words):
    env = {"COSMOS_SEARCH_MODELS": str(tmp_path / "models"), "COSMOS_SEARCH_INDEX": str(tmp_path / "index")}
    return CliRunner(env=env).invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("fixture", FIXTURES)
def test_every_layout_of_a_checkpoint_is_added_and_indexes_and_searches(tmp_path, like, photos, fixture):
    added = run(tmp_path, "models", "add", PARITY / fixture, "--name", "micro", "--config-from", like)
    assert added.exit_code == 0, added.output
    indexed = run(tmp_path, "index", photos, "--model", "micro", "--precision", "fp32", "--json")
    assert indexed.exit_code == 0, indexed.output
    summary = json.loads(indexed.stdout)
    assert (summary["added"], summary["model"], summary["device"]) == (3, "micro", "cpu, ONNX Runtime fp32")
    hits = [json.loads(line) for line in run(tmp_path, "search", "a red dog", "--json").stdout.splitlines()]
    assert {Path(hit["path"]).name for hit in hits} == {"red.png", "lime.png", "blue.png"}


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_the_graphs_give_what_the_network_gives(store, like, photos, role):
    add_model(store, PARITY / FIXTURES[0], "micro", role, like)
    encoder = load_encoder("micro", "cpu", "fp32", store)
    model = load_checkpoint(PARITY / FIXTURES[0], role, MICRO)
    pictures = [Image.open(path).convert("RGB") for path in sorted(photos.iterdir())]
    exact = model.encode_images(torch.tensor(np.stack([Preprocess(32)(picture) for picture in pictures]))).features
    exact = torch.nn.functional.normalize(exact, dim=-1).detach().numpy()
    assert np.abs(wholes(encoder, pictures) - exact).max() < 1e-5
    box = Box(0.25, 0.25, 0.75, 0.75)
    local = torch.tensor(np.stack([np.asarray(p.resize((16, 16), 3, box.pixels(*p.size))) for p in pictures]))
    image, text = load_networks(store.folder("micro"))
    regions = np.stack([v[1] for v in encoder.encode_images([encoder.prepare(p, [box]) for p in pictures])])
    assert np.abs(regions - image(local).detach().numpy()).max() < 1e-5
    ids = torch.tensor([[94, 0, 3, 14, 6, 95]])  # "adog"
    assert np.abs(encoder.encode_texts(["a dog"]) - text(ids).detach().numpy()).max() < 1e-5


def int8_check(store):
    """What the check of int8 found for the model tiny."""
    (choice,) = (store.folder("tiny") / "graphs").glob("auto-*/choice.json")
    return json.loads(choice.read_text())


def test_int8_is_chosen_for_a_model_that_it_hardly_changes(store, tmp_path):
    torch.manual_seed(1)
    save_model(CosmosModel(TINY), tmp_path / "tiny")
    add_model(store, tmp_path / "tiny")
    encoder, exact = (load_encoder("tiny", "cpu", precision, store) for precision in ("auto", "fp32"))
    assert (encoder.device, exact.device) == ("cpu, ONNX Runtime int8", "cpu, ONNX Runtime fp32")
    assert encoder.version == exact.version
    found = int8_check(store)
    assert (found["precision"], found["centred_cosine"] > 0.995, found["top1_agreement"]) == ("int8", True, 1.0)
    views = [Image.effect_noise((64, 64), 90).convert("RGB") for _ in range(3)]
    assert (wholes(encoder, views) * wholes(exact, views)).sum(axis=1).min() > 0.99


def test_a_model_whose_vectors_int8_changes_runs_in_fp32(store, tmp_path, caplog):
    """One activation of 10,000 has no effect in fp32, but takes the whole range of int8."""
    torch.manual_seed(1)
    model = CosmosModel(TINY)
    block = model.visual.transformer.resblocks[0]
    with torch.no_grad():
        block.ln_1.weight[0], block.ln_1.bias[0], block.attn.in_proj_weight[:, 0] = 0, 1e4, 0
        block.ln_2.weight[0], block.ln_2.bias[0], block.mlp.c_fc.weight[:, 0] = 0, 1e4, 0
    save_model(model, tmp_path / "tiny")
    add_model(store, tmp_path / "tiny")
    encoder, exact = (load_encoder("tiny", "cpu", precision, store) for precision in ("auto", "fp32"))
    assert (encoder.device, exact.device) == ("cpu, ONNX Runtime fp32", "cpu, ONNX Runtime fp32")
    found = int8_check(store)
    assert (found["precision"], found["centred_cosine"] < 0.5) == ("fp32", True)
    assert "int8" in caplog.text
    views = [Image.effect_noise((64, 64), 90).convert("RGB") for _ in range(3)]
    assert np.array_equal(wholes(encoder, views), wholes(exact, views))


def test_bf16_runs_in_torch_and_comes_near(store, tmp_path):
    torch.manual_seed(0)
    save_model(CosmosModel(TINY), tmp_path / "tiny")
    add_model(store, tmp_path / "tiny")
    half, exact = (load_encoder("tiny", "cpu", precision, store) for precision in ("bf16", "fp32"))
    views = [Image.effect_noise((64, 64), 90).convert("RGB") for _ in range(20)]
    assert half.device == "cpu, torch bf16"
    assert (wholes(half, views) * wholes(exact, views)).sum(axis=1).min() > 0.999


def test_damaged_graphs_are_made_anew(store, like):
    add_model(store, PARITY / FIXTURES[0], "micro", config_from=like)
    before = load_encoder("micro", "cpu", "fp32", store).encode_texts(["a dog"])
    for graph in store.folder("micro").rglob("*.onnx"):
        graph.write_bytes(b"garbage")
    assert np.array_equal(load_encoder("micro", "cpu", "fp32", store).encode_texts(["a dog"]), before)


def test_a_clip_model_of_another_origin_can_be_added_and_used(store, tmp_path):
    torch.manual_seed(0)
    folder = tmp_path / "clip"
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
    config = CLIPConfig(
        text_config=tower | {"eos_token_id": 49407, "bos_token_id": 49406},
        vision_config=tower | {"image_size": 32, "patch_size": 16},
        projection_dim=24,
    )
    clip = CLIPModel(config).eval()
    clip.save_pretrained(folder)
    Preprocess(32).save(folder / "preprocessor_config.json")
    save_clip_tokenizer(folder / "tokenizer.json")
    card = add_model(store, folder)
    assert (card.kind, card.dim, card.context_length, card.network) == ("clip", 24, 77, "ViT-32/16")
    encoder = load_encoder("clip", "cpu", "fp32", store)
    picture = Image.effect_noise((50, 40), 90).convert("RGB")
    pixels = torch.tensor(Preprocess(32)(picture))[None]
    ids = torch.tensor([[49406, 320, 2368, 49407]])
    out = clip(input_ids=ids, pixel_values=pixels)
    assert np.abs(wholes(encoder, [picture]) - out.image_embeds.detach().numpy()).max() < 1e-5
    assert np.abs(encoder.encode_texts(["a cat"]) - out.text_embeds.detach().numpy()).max() < 1e-5


def test_directories_that_hold_no_usable_model_are_refused(store, tmp_path):
    cases = {"empty": None, "bert": {"model_type": "bert"}, "bare": {"model_type": "cosmos"}}
    for name, config in cases.items():
        (tmp_path / name).mkdir()
        if config is not None:
            (tmp_path / name / "config.json").write_text(json.dumps(config))
        with pytest.raises(CosmosSearchError, match=r"no model|of type bert|not a complete model"):
            add_model(store, tmp_path / name)
    with pytest.raises(CosmosSearchError, match="no file or directory"):
        add_model(store, tmp_path / "nowhere")
    assert store.cards() == []
    assert not list(store.place.glob(".making-*"))


def test_names_are_free_once_and_safe(store, like, tmp_path):
    add_model(store, PARITY / FIXTURES[0], "micro", config_from=like)
    with pytest.raises(ModelExistsError) as taken:
        add_model(store, PARITY / FIXTURES[0], "micro", config_from=like)
    assert "models remove micro" in add_advice(taken.value)
    for name in ("../up", "a/b", ".hidden", ""):
        with pytest.raises(CosmosSearchError):
            add_model(store, PARITY / FIXTURES[0], name or "-", config_from=like)
    for name in ("cosmos-mini", "Cosmos-Mini-ConSE"):
        with pytest.raises(ModelExistsError) as taken:
            add_model(store, PARITY / FIXTURES[0], name, config_from=like)
        assert add_advice(taken.value) == f"There is a model {name} already. Choose another --name."
    store.remove("micro")
    assert store.cards() == []
    with pytest.raises(CosmosSearchError, match="not installed"):
        store.remove("micro")


def test_the_best_published_model_that_is_installed_is_the_default(store, like):
    assert default_model(store) == "cosmos-mini"
    for name in ("cosmos-vitb32-cc3m", "cosmos-vitb16-merged30m", "another"):
        add_model(store, PARITY / FIXTURES[0], name, config_from=like)
    assert default_model(store) == "cosmos-vitb16-merged30m"
    rows = {row.name: row for row in list_models(store)}
    assert len(rows) == 3 + len(PUBLISHED)
    assert [name for name, row in rows.items() if row.is_default] == ["cosmos-vitb16-merged30m"]
    assert rows["cosmos-vitb16-cc3m"].size_bytes is None
    assert rows["another"].size_bytes > 0


def test_the_list_shows_figures_and_what_is_installed(tmp_path):
    table = run(tmp_path, "models").stdout
    assert re.search(
        r"cosmos-vitb16-merged30m +English, long sentences +68.0 / 52.5 +92.9 / 80.3 +57.6 +MIT +.2.4 GB", table
    )
    assert "cosmos-mini (default)" in table
    assert f"Which one: {RECOMMENDED}" in table
    rows = [json.loads(line) for line in run(tmp_path, "models", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows if row["installed"]] == ["cosmos-mini", "cosmos-mini-conse"]


def test_models_that_are_not_there_are_named_with_the_way_to_get_them(store):
    with pytest.raises(ModelNotPulledError) as not_pulled:
        load_encoder("cosmos-vitb32-cc3m", store=store)
    assert "models pull cosmos-vitb32-cc3m" in add_advice(not_pulled.value)
    with pytest.raises(UsageError, match="no model named"):
        load_encoder("oracle", store=store)
    with pytest.raises(UsageError, match="No model named"):
        pull_model(store, "oracle")


class Hub(http.server.BaseHTTPRequestHandler):
    """A stand-in for the hub: one file, with ranges, and a connection that breaks when it is told to."""

    content = b""
    breaks_after: int | None = None
    ranges: list[str] = []  # noqa: RUF012
    seen: list[dict[str, str]] = []  # noqa: RUF012

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        if not self.path.startswith(f"/{REPOSITORY}/resolve/"):
            self.send_error(404)
            return
        Hub.seen.append(dict(self.headers))
        asked = self.headers.get("Range", "")
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if with_body and asked else 0
        if with_body and asked:
            Hub.ranges.append(asked)
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        if with_body:
            self.wfile.write(body if Hub.breaks_after is None else body[: Hub.breaks_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    Hub.breaks_after, Hub.ranges, Hub.seen = None, [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def published_file(tmp_path):
    student, teacher = (CosmosModel(TINY).state_dict() for _ in range(2))
    torch.save({"epoch": 1, "student": student, "teacher": teacher}, tmp_path / "published.pt")
    Hub.content = (tmp_path / "published.pt").read_bytes()
    return Hub.content


def test_a_published_model_is_pulled_converted_and_the_large_file_is_gone(store, hub, published_file):
    card = pull_model(store, "cosmos-vitb32-cc3m", endpoint=hub)
    assert (card.role, card.source) == ("teacher", "sankim2/cosmos/cosmos_vitb32_cc3m.pt")
    assert store.size_bytes("cosmos-vitb32-cc3m") < 0.7 * len(published_file)
    assert not (store.place / ".downloads" / "cosmos-vitb32-cc3m").exists()
    assert default_model(store) == "cosmos-vitb32-cc3m"


def test_a_download_that_broke_off_goes_on_where_it_was(store, hub, published_file):
    Hub.breaks_after = 11_000_000  # more than the client's pieces, less than the file
    pull_model(store, "cosmos-vitb32-cc3m", endpoint=hub)
    assert any(re.match(r"bytes=[1-9]", asked) for asked in Hub.ranges), Hub.ranges
    assert store.card("cosmos-vitb32-cc3m") is not None


def test_no_network_and_an_unknown_file_get_a_sentence(store, hub, monkeypatch):
    with pytest.raises(HubError) as unreachable:
        pull_model(store, "cosmos-vitb32-cc3m", endpoint="http://127.0.0.1:9")
    message = add_advice(unreachable.value)
    assert re.search(r"can't be reached.*models add FILE.*works without network", message, re.DOTALL), message
    assert store.cards() == []


def test_a_damaged_download_is_not_installed(store, hub, published_file):
    Hub.content = published_file[:-1000] + b"x" * 1000
    with pytest.raises(CosmosSearchError):
        pull_model(store, "cosmos-vitb32-cc3m", endpoint=hub)
    assert store.cards() == []
    assert not list(store.place.glob(".making-*"))


def test_a_published_file_that_is_no_checkpoint_is_refused_and_does_not_stay(store, hub):
    Hub.content = b"not a checkpoint" * 1000
    with pytest.raises(CosmosSearchError, match="not a COSMOS checkpoint"):
        pull_model(store, "cosmos-vitb32-cc3m", endpoint=hub)
    assert store.cards() == []
    assert [path for path in store.place.rglob("*") if path.is_file()] == []


def test_pulling_says_nothing_of_who_pulls(store, hub, published_file, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull_model(store, "cosmos-vitb32-cc3m", endpoint=hub)
    assert Hub.seen
    assert not [value for headers in Hub.seen for value in headers.values() if "secret" in value]


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_a_search_with_a_large_model_imports_no_torch(tmp_path, like, photos, precision):
    run(tmp_path, "models", "add", PARITY / FIXTURES[0], "--name", "micro", "--config-from", like)
    run(tmp_path, "index", photos, "--model", "micro", "--precision", precision)
    code = (
        "import sys\nfrom cosmos_search.cli.main import main\ntry: main(['search', 'a dog'])\n"
        "except SystemExit: print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    env = os.environ | {
        "COSMOS_SEARCH_MODELS": str(tmp_path / "models"),
        "COSMOS_SEARCH_INDEX": str(tmp_path / "index"),
    }
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_index_says_which_model_it_misses(tmp_path, like, photos):
    run(tmp_path, "models", "add", PARITY / FIXTURES[0], "--name", "micro", "--config-from", like)
    run(tmp_path, "index", photos, "--model", "micro", "--precision", "fp32")
    shutil.rmtree(tmp_path / "models")
    done = run(tmp_path, "search", "a dog")
    assert (done.exit_code, "no model named 'micro'" in done.stderr) == (2, True)


def test_the_library_takes_a_models_name(tmp_path, monkeypatch, like, photos):
    monkeypatch.setenv("COSMOS_SEARCH_MODELS", str(tmp_path / "models"))
    add_model(ModelStore(tmp_path / "models"), PARITY / FIXTURES[0], "micro", config_from=like)
    with cosmos_search.open(tmp_path / "index", model="micro", precision="fp32") as library:
        library.add(photos)
        assert len(library.search("a dog", top=2)) == 2
