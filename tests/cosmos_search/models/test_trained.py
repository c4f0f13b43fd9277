"""Exported training runs of the built-in encoder as installed models."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors.numpy import load_file, save_file

from cosmos_search.cli.main import main
from cosmos_search.encoders.calibration import Background, Calibration
from cosmos_search.encoders.devices import FixedPrecisionError
from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.errors import DamagedModelError, ModelExistsError
from cosmos_search.models.install import add_model, list_models
from cosmos_search.models.store import ModelStore, default_model
from cosmos_search.models.trained import PACKAGED, TRAINED_FILE
from indexer.errors import CosmosSearchError
from tests.colour import COLOURS, paint_photos


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """Graphs of all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


@pytest.fixture
def export_folder(tmp_path):
    """A folder as a training run exports it: the packaged weights with another head."""
    tensors = load_file(PACKAGED)
    head = np.random.default_rng(0).normal(size=tensors["head.weight"].shape).astype(np.float16)
    (tmp_path / "export_folder").mkdir()
    save_file(tensors | {"head.weight": head}, tmp_path / "export_folder" / TRAINED_FILE)
    return tmp_path / "export_folder"


def environment(place):
    return {"COSMOS_SEARCH_MODELS": str(place / "models"), "COSMOS_SEARCH_INDEX": str(place / "index")}


def run(place, *words):
    return CliRunner(env=environment(place)).invoke(main, [str(word) for word in words])


@pytest.mark.parametrize("part", ["", TRAINED_FILE])
def test_a_run_is_added_by_its_folder_or_its_file_and_indexes_and_searches(tmp_path, export_folder, part):
    added = run(tmp_path, "models", "add", export_folder / part)
    assert added.exit_code == 0, added.output
    assert added.stdout == "Installed export_folder. To use it: cosmos-search index FOLDER --model export_folder\n"
    photos = paint_photos(tmp_path / "photos", COLOURS[:3], (48, 40))
    shutil.rmtree(export_folder)
    indexed = run(tmp_path, "index", photos, "--model", "export_folder", "--json")
    assert indexed.exit_code == 0, indexed.output
    assert (json.loads(indexed.stdout)["added"], json.loads(indexed.stdout)["model"]) == (3, "export_folder")
    found = run(tmp_path, "search", "something red", "--all", "--json")
    assert len(found.stdout.splitlines()) == 3, found.output


def test_its_vectors_are_those_of_its_weights(store, export_folder):
    card = add_model(store, export_folder, "mine")
    assert (card.kind, card.source) == ("mini", "export_folder")
    mine, packaged = load_encoder("mine", store=store), load_encoder("cosmos-mini", store=store)
    assert (mine.name, mine.dim, mine.calibration) == ("mine", 384, None)
    assert mine.version != packaged.version
    picture = Image.effect_noise((64, 64), 90).convert("RGB")
    ours, theirs = (encoder.encode_images([encoder.prepare(picture)])[0] for encoder in (mine, packaged))
    assert not np.allclose(ours, theirs, atol=0.01)


def test_the_background_of_a_calibration_is_installed_with_it(store, export_folder):
    rows = np.eye(384, dtype=np.float32)
    Calibration(9.0, 0.3, background=Background(rows, rows, 0.5, -0.7)).save(export_folder / "calibration.json")
    add_model(store, export_folder)
    assert load_encoder("export_folder", store=store).calibration.level(rows[0]) == pytest.approx(
        0.5 / 5 - 0.7, abs=1e-3
    )
    (store.folder("export_folder") / "calibration.safetensors").write_bytes(b"")
    with pytest.raises(DamagedModelError, match=r"calibration\.safetensors"):
        load_encoder("export_folder", store=store)


def test_a_calibration_beside_the_weights_is_installed_with_them(store, export_folder):
    curve = Calibration(3.0, 0.2)
    curve.save(export_folder / "calibration.json")
    add_model(store, export_folder)
    assert load_encoder("export_folder", store=store).calibration == curve
    (store.folder("export_folder") / "calibration.json").unlink()
    with pytest.raises(DamagedModelError, match=r"calibration\.json"):
        load_encoder("export_folder", store=store)


def test_it_is_listed_removed_and_never_the_default(store, export_folder):
    add_model(store, export_folder)
    assert default_model(store) == "cosmos-mini"
    (row,) = (row for row in list_models(store) if row.name == "export_folder")
    assert (row.network, row.trained_on, row.is_default) == ("EfficientNet-Lite2", "export_folder", False)
    assert row.size_bytes > (export_folder / TRAINED_FILE).stat().st_size
    with pytest.raises(ModelExistsError):
        add_model(store, export_folder)
    store.remove("export_folder")
    assert "export_folder" not in {row.name for row in list_models(store)}


def test_changed_weights_are_found_when_it_is_loaded(store, export_folder):
    add_model(store, export_folder)
    file = store.folder("export_folder") / TRAINED_FILE
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedModelError, match=TRAINED_FILE):
        load_encoder("export_folder", store=store)
    file.unlink()
    with pytest.raises(DamagedModelError, match=TRAINED_FILE):
        load_encoder("export_folder", store=store)


def test_a_file_without_a_trained_head_is_not_installed(store, export_folder, tmp_path):
    file = export_folder / TRAINED_FILE
    save_file({"head.bias": np.zeros(384, dtype=np.float16)}, file)
    with pytest.raises(CosmosSearchError, match=r"^export_folder has no trained head for the built-in encoder\.$"):
        add_model(store, export_folder)
    (tmp_path / "odd.safetensors").write_bytes(b"garbage")
    with pytest.raises(CosmosSearchError, match=r"^odd\.safetensors can't be read"):
        add_model(store, tmp_path / "odd.safetensors")
    assert list(store.place.iterdir()) == []


@pytest.mark.parametrize("name", ["cosmos-mini", "cosmos-mini-conse", "export_folder"])
def test_the_built_in_network_runs_in_no_half_precision(store, export_folder, name):
    add_model(store, export_folder)
    with pytest.raises(FixedPrecisionError, match=name):
        load_encoder(name, precision="fp16", store=store)


def test_it_is_added_and_used_without_torch(tmp_path, export_folder):
    photos = paint_photos(tmp_path / "photos", COLOURS[:1], (48, 40))
    commands = [["models", "add", export_folder], ["index", photos, "--model", "export_folder"], ["search", "red"]]
    code = (
        "import sys, json; from cosmos_search.cli.main import main\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None  # importing them fails\n"
        "for words in json.loads(sys.argv[1]): main(words, standalone_mode=False)"
    )
    words = json.dumps([[str(word) for word in command] for command in commands])
    env = os.environ | environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", code, words], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "1 added" in done.stdout
