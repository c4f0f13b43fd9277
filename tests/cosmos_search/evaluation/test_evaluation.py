"""Retrieval and zero-shot classification with encoders of two kinds: mean colours, and the built-in one."""

import json

import numpy as np
import pytest
from PIL import Image

from cosmos_search.encoders.load import load_encoder
from cosmos_search.evaluation.class_folders import open_class_folders
from cosmos_search.evaluation.encode import BATCH, encode_pictures
from cosmos_search.evaluation.metrics import compute_cosines, compute_retrieval_metrics, count_top_k_hits
from cosmos_search.evaluation.retrieval import CaptionedPicture, evaluate_retrieval
from cosmos_search.evaluation.zero_shot import LabelledPicture, encode_classes, evaluate_zero_shot
from indexer.errors import CosmosSearchError
from tests import ROOT
from tests.colour import ColourEncoder, paint

PHOTOS = ROOT / "cosmos_search" / "data" / "photos"
COLOURS = ("red", "green", "blue", "white", "yellow")


def plain(colour):
    return Image.new("RGB", (12, 8), colour)


def caption_pictures(colours, texts=None):
    return [
        CaptionedPicture(plain(colour), text, (text, colour))
        for colour, text in zip(colours, texts or colours, strict=True)
    ]


def test_pictures_are_found_by_their_captions_and_captions_by_their_pictures():
    metrics = evaluate_retrieval({"colour": ColourEncoder()}, caption_pictures(COLOURS))["colour"]
    assert {value for key, value in metrics.items() if "R@1" in key or "rank" in key} == {1.0}


def test_wrong_captions_lower_recall_in_both_directions():
    swapped = caption_pictures(COLOURS, ("green", "red", *COLOURS[2:]))
    metrics = evaluate_retrieval({"colour": ColourEncoder()}, swapped)["colour"]
    assert metrics["caption_text_to_image_R@1"] == metrics["caption_image_to_text_R@1"] == 3 / 5
    assert metrics["sentence_text_to_image_R@1"] == 8 / 10  # "red" of the green picture, and the other way round
    assert metrics["sentence_image_to_text_R@1"] < 1


def test_recall_counts_pictures_beyond_one_batch_and_reports_progress():
    greys = [f"rgb({i},{i},0)" for i in range(1, BATCH + 4)]
    done = []
    metrics = evaluate_retrieval({"colour": ColourEncoder()}, iter(caption_pictures(greys)), done.append)["colour"]
    assert done == [BATCH, BATCH + 3]
    assert metrics["caption_text_to_image_R@1"] == metrics["caption_image_to_text_R@1"] == 1.0
    one_caption = caption_pictures(greys, ["red"] * len(greys))  # equal scores rank in order
    metrics = evaluate_retrieval({"colour": ColourEncoder()}, one_caption)["colour"]
    assert metrics["caption_image_to_text_mean_rank"] == 1 + (BATCH + 2) / 2


def test_several_encoders_share_one_pass():
    found = evaluate_retrieval({"a": ColourEncoder(), "b": ColourEncoder("other")}, iter(caption_pictures(COLOURS)))
    assert found["a"] == found["b"]


def test_no_pictures_give_no_metrics():
    assert evaluate_retrieval({"colour": ColourEncoder()}, []) == {}
    assert evaluate_zero_shot({"colour": ColourEncoder()}, COLOURS, [], ("{}",)) == {}


def test_zero_shot_top1_and_top5():
    classes = ["red", "green", "blue", "white", "yellow", "cyan", "black"]
    pictures = [LabelledPicture(plain(colour), i) for i, colour in enumerate(classes)]
    wrong = LabelledPicture(plain("red"), classes.index("cyan"))  # the farthest of seven
    found = evaluate_zero_shot({"colour": ColourEncoder()}, classes, [*pictures, wrong], templates=("{}", "so {}"))
    assert found == {"colour": {"top1": 7 / 8, "top5": 7 / 8}}


def test_the_vector_of_a_class_is_the_unit_mean_of_its_prompts():
    encoder = ColourEncoder()
    (vector,) = encode_classes(encoder, ["red"], ["a {}", "{} and blue"])
    mean = encoder.encode_texts(["red", "blue"]).mean(axis=0)
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_the_vectors_of_pictures_do_not_depend_on_the_encoders_batch_size():
    encoder = ColourEncoder()
    pictures = [plain(colour) for colour in COLOURS]
    whole = encode_pictures(encoder, pictures)
    encoder.batch_size = 2
    assert np.array_equal(encode_pictures(encoder, pictures), whole)


def test_equal_vectors_have_equal_scores_at_every_position():
    rng = np.random.default_rng(0)
    texts = np.tile(rng.normal(size=(12, 64)).astype(np.float32), (6, 1))
    images = rng.normal(size=(300, 64)).astype(np.float32)
    scores = compute_cosines(images, texts)
    assert np.allclose(scores, images @ texts.T, atol=1e-4)
    assert (scores.reshape(300, 6, 12) == scores.reshape(300, 6, 12)[:, :1]).all()


def test_metrics_of_a_matrix_worked_out_by_hand():
    similarity = np.array([[0.9, 0.1, 0.5], [0.8, 0.7, 0.2]])  # image 0 has texts 0 and 1, image 1 has text 2
    metrics = compute_retrieval_metrics(similarity, {0: [0, 1], 1: [2]})
    assert metrics["text_to_image_R@1"] == 1 / 3
    assert metrics["image_to_text_R@1"] == 1 / 2
    assert metrics["image_to_text_mean_rank"] == 2.0  # ranks 1 and 3
    assert [count_top_k_hits(similarity, [2, 0], k) for k in (1, 2, 3)] == [1, 2, 2]


def test_class_folders_skip_what_cannot_be_read(tmp_path):
    paint(tmp_path / "dark_red" / "a.png", "red")
    paint(tmp_path / "blue" / "b.png", "blue")
    (tmp_path / "blue" / "broken.png").write_bytes(b"no picture")
    classes = open_class_folders(tmp_path)
    assert classes.names == ["blue", "dark red"]
    assert [picture.label for picture in classes.read(min_side=8)] == [0, 1]
    with pytest.raises(CosmosSearchError, match="two or more folders"):
        open_class_folders(tmp_path / "blue")


@pytest.mark.parametrize("name", ["cosmos-mini", "cosmos-mini-conse"])
def test_the_built_in_encoders_are_measured_on_photos(name):
    captions = json.loads((PHOTOS / "captions.json").read_text(encoding="utf-8"))
    files = ["chelsea.jpg", "coffee.jpg", "brick.jpg", "rocket.jpg", "camera.jpg"]
    photos = {file: Image.open(PHOTOS / file).convert("RGB") for file in files}
    encoders = {"built-in": load_encoder(name)}
    pictures = [CaptionedPicture(photos[file], captions[file], (captions[file],)) for file in files]
    metrics = evaluate_retrieval(encoders, pictures)["built-in"]
    assert metrics["caption_text_to_image_R@1"] >= 0.8
    assert metrics["caption_image_to_text_R@5"] == 1.0
    labelled = [LabelledPicture(photos["chelsea.jpg"], 0), LabelledPicture(photos["coffee.jpg"], 1)]
    assert evaluate_zero_shot(encoders, ["cat", "cup of coffee"], labelled)["built-in"]["top1"] == 1.0
