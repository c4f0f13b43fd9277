"""Every family, installed from the hub's layout: our pixels, tokens and vectors are those of the library."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor

from cosmos_search.encoders.calibration import from_sigmoid
from cosmos_search.encoders.dense_maps import DenseMaps
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.torch_images import TorchImages
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.network.families.registry import FAMILIES
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.pictures.regions import Box
from tests.families import save_family
from tests.memory import is_freed_at_once

NAMES = ("siglip", "siglip2", "metaclip_2", "chinese_clip", "altclip", "align")
TEXTS = ("a dog", "Two DOGS, on the grass!", "ein Hund läuft", "草地上的狗", "a" * 40 + " dog", "dog")
SIZES = ((48, 40), (32, 32), (80, 40))  # with even margins; the library rounds odd ones down


@pytest.fixture(scope="module", params=NAMES)
def installed(request, tmp_path_factory):
    """A store with the model, and what the library has of it."""
    place = tmp_path_factory.mktemp(request.param)
    saved = save_family(request.param, place / "model")
    store = ModelStore(place / "store")
    add_model(store, saved.folder)
    return store, saved


def make_pictures():
    generator = np.random.default_rng(0)
    shapes = ((height, width, 3) for width, height in SIZES)
    return [Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)) for shape in shapes]


def unit(vectors):
    return torch.nn.functional.normalize(vectors, dim=-1).detach().numpy()


def test_pixels_are_those_of_the_librarys_processor(installed):
    _, saved = installed
    processor = AutoImageProcessor.from_pretrained(saved.folder)
    ours = Preprocess.load(saved.folder / "preprocessor_config.json")
    for picture in make_pictures():
        theirs = processor(picture, return_tensors="np")["pixel_values"][0]
        assert np.abs(np.asarray(theirs) - ours(picture)).max() < 1e-5


def test_tokens_are_those_of_the_librarys_tokenizer(installed):
    store, saved = installed
    (card,) = store.cards()
    path = store.folder(card.name) / "tokenizer.json"
    ours = TextTokenizer.from_file(path, card.context_length, FAMILIES[card.kind].text_format)
    for text in TEXTS:
        padding = saved.padding or {"truncation": True, "max_length": card.context_length}
        theirs = list(saved.tokenizer(text, **padding)["input_ids"])
        row = ours.encode(text)
        assert row == theirs[: len(row)]
        assert set(theirs[len(row) :]) <= {saved.tokenizer.pad_token_id}


def test_vectors_of_texts_are_those_of_the_librarys_model(installed):
    store, saved = installed
    (card,) = store.cards()
    encoder = load_encoder(card.name, "cpu", "fp32", store)
    for text in TEXTS:
        padding = saved.padding or {"truncation": True, "max_length": card.context_length}
        batch = saved.tokenizer(text, return_tensors="pt", **padding)
        mask = {} if card.kind == "siglip" else {"attention_mask": batch["attention_mask"]}
        theirs = unit(saved.model.get_text_features(input_ids=batch["input_ids"], **mask).pooler_output)
        assert np.abs(encoder.encode_texts([text]) - theirs).max() < 1e-5, text
    assert not encoder.fits("a dog " * 20)


def test_vectors_of_pictures_are_those_of_the_librarys_model_in_onnx_and_in_torch(installed):
    store, saved = installed
    (card,) = store.cards()
    encoder = load_encoder(card.name, "cpu", "fp32", store)
    ours = Preprocess.load(saved.folder / "preprocessor_config.json")
    pictures = make_pictures()
    pixels = torch.from_numpy(np.stack([ours(picture) for picture in pictures]))
    theirs = unit(saved.model.get_image_features(pixel_values=pixels).pooler_output)
    onnx = np.stack([vectors[0] for vectors in encoder.encode_images([encoder.prepare(p) for p in pictures])])
    assert np.abs(onnx - theirs).max() < 1e-5
    runtime = TorchImages(store.folder(card.name), "cpu", "fp32")
    assert np.abs(runtime.encode(np.stack([ours.pixels(p) for p in pictures])) - theirs).max() < 1e-5


def test_a_region_has_the_vector_of_its_part_of_the_picture(installed):
    store, saved = installed
    (card,) = store.cards()
    encoder = load_encoder(card.name, "cpu", "fp32", store)
    picture, box = make_pictures()[0], Box(0.25, 0.25, 0.75, 0.75)
    (vectors,) = encoder.encode_images([encoder.prepare(picture, [box])])
    ours = Preprocess.load(saved.folder / "preprocessor_config.json")
    part = picture.resize((ours.side, ours.side), ours.resample, box.pixels(*picture.size))
    (alone,) = TorchImages(store.folder(card.name), "cpu", "fp32").encode(np.array(part)[None])
    assert np.abs(vectors[1] - alone).max() < 1e-5


def test_int8_is_checked_and_runs(installed):
    store, _ = installed
    (card,) = store.cards()
    encoder, exact = (load_encoder(card.name, "cpu", precision, store) for precision in ("int8", "fp32"))
    assert encoder.device == "cpu, ONNX Runtime int8"
    assert encoder.version == exact.version
    assert float((encoder.encode_texts(["a dog"]) * exact.encode_texts(["a dog"])).sum()) > 0.95


def test_a_heat_map_is_the_cosine_of_each_place_with_a_query(installed):
    store, _ = installed
    (card,) = store.cards()
    query = unit(torch.randn(card.dim, generator=torch.Generator().manual_seed(0)))
    found = DenseMaps(store.folder(card.name)).activation(make_pictures()[0], query)
    assert found.shape[0] == found.shape[1] > 1
    assert np.abs(found).max() <= 1 + 1e-5
    assert found.std() > 1e-4


def test_the_mean_of_aligns_places_is_the_vector_of_a_picture(tmp_path):
    saved = save_family("align", tmp_path)
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    places = FAMILIES["align"].encode_patches(saved.model, pixels)
    theirs = saved.model.get_image_features(pixel_values=pixels).pooler_output
    assert (places.mean(dim=1) - theirs).abs().max() < 1e-5


def test_siglips_probabilities_are_those_of_the_library(tmp_path):
    saved = save_family("siglip", tmp_path)
    with torch.no_grad():
        saved.model.logit_scale.fill_(4.0)
        saved.model.logit_bias.fill_(-12.0)
    batch = saved.tokenizer("a dog", return_tensors="pt", **saved.padding)
    with torch.no_grad():
        out = saved.model(input_ids=batch["input_ids"], pixel_values=torch.rand(1, 3, 32, 32))
    sigmoid = FAMILIES["siglip"].sigmoid(saved.model)
    ours = from_sigmoid(sigmoid.scale, sigmoid.bias)
    cosine = float((out.text_embeds * out.image_embeds).sum())
    assert ours.probability(cosine) == pytest.approx(float(out.logits_per_image.sigmoid()), rel=1e-4)


def test_an_encoder_is_freed_at_once(installed):
    store, _ = installed
    (card,) = store.cards()

    def use_encoder():
        encoder = load_encoder(card.name, "cpu", "fp32", store)
        encoder.encode_images([encoder.prepare(make_pictures()[0])])
        encoder.encode_texts(["a dog"])
        return encoder

    assert is_freed_at_once(use_encoder)
